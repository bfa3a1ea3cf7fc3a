import pytest
from pydantic import ValidationError

from collector.data import Batch, Signal
from collector.delivery import DeliveryConfig, QueueConfig
from collector.delivery.config import measure


def test_defaults_are_the_go_collectors():
    """Without any key there are a queue, retries and a timeout of 5 s."""
    config = DeliveryConfig()

    assert 5.0 == config.timeout
    retry = config.retry_on_failure
    assert (5.0, 30.0, 300.0) == (retry.initial_interval, retry.max_interval, retry.max_elapsed_time)
    assert (1.5, 0.5) == (retry.multiplier, retry.randomization_factor)
    queue = config.sending_queue
    assert (10, 1000, "requests") == (queue.num_consumers, queue.queue_size, queue.sizer)
    assert (False, False, None, None) == (queue.block_on_overflow, queue.wait_for_result, queue.storage, queue.batch)


def test_blocks_are_switched_off_by_enabled():
    """`enabled: false` is the same as no block, `enabled: true` and null are its defaults."""
    off = DeliveryConfig.model_validate({"sending_queue": {"enabled": False}, "retry_on_failure": {"enabled": False}})
    on = DeliveryConfig.model_validate({"sending_queue": {"enabled": True}, "retry_on_failure": None})

    assert (None, None) == (off.sending_queue, off.retry_on_failure)
    assert DeliveryConfig() == on


def test_batch_is_on_where_it_is_named():
    """`batch: {}` turns batching on with its defaults."""
    batch = QueueConfig.model_validate({"batch": {}, "queue_size": 100_000}).batch

    assert (0.2, 8192, 0, None, []) == (
        batch.flush_timeout,
        batch.min_size,
        batch.max_size,
        batch.sizer,
        batch.partition.metadata_keys,
    )


@pytest.mark.parametrize(
    ("queue", "expected"),
    [
        ({"batch": {}}, "items"),
        ({"batch": {"sizer": "bytes"}}, "bytes"),
        ({"sizer": "bytes", "queue_size": 10_000, "batch": {}}, "bytes"),
        ({"sizer": "bytes", "batch": {"sizer": "items"}}, "items"),
        ({"sizer": "bytes", "batch": None}, "items"),
        ({"sizer": "requests", "batch": None}, "items"),
    ],
)
def test_batch_sizer_follows_the_queue(queue, expected):
    """Sizes of batches count what batch.sizer says, else what the queue's sizer says, else items."""
    assert expected == QueueConfig.model_validate(queue).batch_sizer


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"timeout": "-1s"}, "'timeout' must be non-negative"),
        ({"retry_on_failure": {"randomization_factor": -5.0}}, "greater than or equal to 0"),
        ({"retry_on_failure": {"randomization_factor": 1.1}}, "at most 1"),
        ({"retry_on_failure": {"initial_interval": "-1s"}}, "must be non-negative"),
        ({"retry_on_failure": {"multiplier": -1.0}}, "must be non-negative"),
        ({"retry_on_failure": {"max_elapsed_time": "10s"}}, "must not be less than 'max_interval'"),
        ({"retry_on_failure": {"max_elapsed_time": "1s", "max_interval": "1s"}}, "less than 'initial_interval'"),
        ({"sending_queue": {"num_consumers": 0}}, "must be positive"),
        ({"sending_queue": {"queue_size": 0}}, "must be positive"),
        ({"sending_queue": {"sizer": "spans"}}, "'requests', 'items' or 'bytes'"),
        ({"sending_queue": {"storage": "file_storage", "wait_for_result": True}}, "is not supported with a persistent"),
        ({"sending_queue": {"sizer": "items", "batch": {}}}, "`min_size` must be less than or equal to `queue_size`"),
        ({"sending_queue": {"sizer": "requests", "batch": {}}}, "supports only `items` or `bytes`"),
        ({"sending_queue": {"batch": {"flush_timeout": "0s"}}}, "`flush_timeout` must be positive"),
        ({"sending_queue": {"batch": {"min_size": -1}}}, "greater than or equal to 0"),
        ({"sending_queue": {"batch": {"max_size": 10}}}, "`max_size` .10. must be greater or equal to `min_size`"),
        (
            {"sending_queue": {"batch": {"partition": {"metadata_keys": ["a", "A"]}}}},
            "duplicate entry in metadata_keys",
        ),
        ({"sending_queue": {"sice": 1}}, "Extra inputs are not permitted"),
    ],
)
def test_bad_values_are_refused(config, message):
    """Each rule of the Go collector holds, with a message that names the key."""
    with pytest.raises(ValidationError, match=message):
        DeliveryConfig.model_validate(config)


def test_zero_elapsed_time_tries_for_ever():
    """`max_elapsed_time: 0` is not shorter than an interval."""
    config = DeliveryConfig.model_validate({"retry_on_failure": {"max_elapsed_time": "0s"}})

    assert 0.0 == config.retry_on_failure.max_elapsed_time


@pytest.mark.parametrize(("sizer", "expected"), [("requests", 1), ("items", 3), ("bytes", 10)])
def test_measure(sizer, expected):
    """A batch is one request, its items, or its bytes."""
    batch = Batch(Signal.TRACES, bytes.fromhex("0a08120612001200 1200"))

    assert expected == measure(batch, sizer)
