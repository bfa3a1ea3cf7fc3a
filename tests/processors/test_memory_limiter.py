import pytest
from pydantic import ValidationError
from structlog.testing import capture_logs

from collector.api import RetryableError, StatusCode
from collector.data import Batch, Signal
from collector.data.messages import REQUESTS
from collector.testing import FakeHost, ManualClock, RecordingTelemetry, Sink, make_settings, settle
from processors.memory_limiter import FACTORY, Collections, Config, Limits, MemoryLimiter

MIB = 1 << 20


def spans(count=3):
    request = REQUESTS[Signal.TRACES]()
    scope = request.resource_spans.add().scope_spans.add()
    for number in range(count):
        scope.spans.add(name=f"span {number}")
    return Batch(Signal.TRACES, request.SerializeToString())


class System:
    """A process whose memory the test sets; `freed` is what a collection gives back."""

    def __init__(self, used_mib):
        self.used = used_mib * MIB
        self.freeable = 0
        self.collections = 0

    def measure(self):
        return self.used

    def free(self):
        self.collections += 1
        self.used -= self.freeable
        self.freeable = 0


class Bench:
    """A started limiter of 100 MiB, 80 of them below the soft limit, with all that stands around it."""

    def __init__(self, used_mib=10, **options):
        self.clock = ManualClock()
        self.telemetry = RecordingTelemetry()
        self.sink = Sink()
        self.system = System(used_mib)
        config = Config.model_validate({"check_interval": "1s", "limit_mib": 100} | options)
        settings = make_settings("memory_limiter", clock=self.clock, telemetry=self.telemetry)
        self.limiter = MemoryLimiter(config, settings, self.sink, self.system.measure, self.system.free)

    async def __aenter__(self):
        await self.limiter.start(FakeHost())
        await self.clock.wait_for_sleepers()
        return self

    async def __aexit__(self, *_):
        await self.limiter.shutdown()


async def test_below_the_limit_data_passes_and_is_counted_under_both_names():
    async with Bench() as bench:
        batch = spans()
        bench.limiter.admit(Signal.TRACES)
        await bench.limiter.consume(batch)
        assert bench.sink.batches == [batch]
        assert bench.telemetry["otelcol_processor_memory_limiter_accepted_spans"].total == 3
        assert bench.telemetry["otelcol_processor_accepted_spans"].total == 3


async def test_above_the_soft_limit_data_is_refused_with_a_hint_to_retry():
    async with Bench(used_mib=80) as bench:
        with pytest.raises(RetryableError, match="high memory usage") as refusal:
            await bench.limiter.consume(spans())
        assert refusal.value.code is StatusCode.UNAVAILABLE
        assert refusal.value.retry_after == 1
        assert bench.sink.batches == []
        assert bench.telemetry["otelcol_processor_memory_limiter_refused_spans"].total == 3
        assert bench.telemetry["otelcol_processor_refused_spans"].total == 3


async def test_a_request_is_refused_before_it_is_read():
    async with Bench(used_mib=80) as bench:
        with pytest.raises(RetryableError):
            bench.limiter.admit(Signal.LOGS)
        refused = bench.telemetry["otelcol_processor_memory_limiter_refused_requests"].values
        assert refused == {(("signal", "logs"),): 1}


async def test_it_tells_once_when_it_begins_to_refuse_and_once_when_it_ends():
    with capture_logs() as lines:
        async with Bench() as bench:
            bench.system.used = 90 * MIB
            await bench.clock.advance(3)
            with pytest.raises(RetryableError):
                await bench.limiter.consume(spans())
            bench.system.used = 20 * MIB
            await bench.clock.advance(3)
            await bench.limiter.consume(spans())
    told = [(line["log_level"], line["used_mib"]) for line in lines if "used_mib" in line]
    assert told == [("warning", 90), ("info", 20)]


async def test_garbage_is_collected_before_anything_is_refused():
    async with Bench(min_gc_interval_when_soft_limited="2s") as bench:
        bench.system.used, bench.system.freeable = 90 * MIB, 50 * MIB
        await bench.clock.advance(1)
        assert bench.system.collections == 0  # too soon after the start
        await bench.clock.advance(1)
        assert bench.system.collections == 1
        await bench.limiter.consume(spans())


async def test_above_the_hard_limit_garbage_is_collected_at_once_and_less_often_if_in_vain():
    async with Bench() as bench:
        bench.system.used = 120 * MIB
        await bench.clock.advance(1)
        assert bench.system.collections == 1
        await bench.clock.advance(60)
        # After 1, 2, 4, 8, 16 seconds and then every 30.
        assert bench.system.collections == 6


def test_the_interval_begins_anew_after_a_collection_that_helped():
    collections = Collections(least=1, most=8, check_interval=1)
    for _ in range(5):
        collections.learn(helped=False)
    assert not collections.due(7)
    assert collections.due(8)
    collections.learn(helped=True)
    assert collections.due(1)


def test_without_a_maximum_the_interval_does_not_grow():
    collections = Collections(least=1, most=0, check_interval=1)
    collections.learn(helped=False)
    assert collections.due(1)


@pytest.mark.parametrize(
    ("options", "soft", "hard"),
    [
        ({"limit_mib": 100}, 80, 100),
        ({"limit_mib": 100, "spike_limit_mib": 30}, 70, 100),
        ({"limit_percentage": 50}, 400, 500),
        ({"limit_percentage": 50, "spike_limit_percentage": 25}, 250, 500),
        ({"limit_mib": 100, "limit_percentage": 50}, 80, 100),
    ],
)
def test_limits(options, soft, hard):
    config = Config.model_validate({"check_interval": "1s"} | options)
    assert Limits.of(config, lambda: 1000 * MIB) == Limits(soft * MIB, hard * MIB)


async def test_the_process_itself_is_measured():
    """With a limit of 1 MiB a process that runs Python is over it."""
    limiter = FACTORY.create(
        Config.model_validate({"check_interval": "1s", "limit_mib": 1}), make_settings("memory_limiter"), Sink()
    )
    await limiter.start(FakeHost())
    with pytest.raises(RetryableError):
        await limiter.consume(spans())
    await limiter.shutdown()


async def test_shutdown_is_safe_twice_and_without_start_and_lets_the_rest_through():
    bench = Bench(used_mib=90)
    await bench.limiter.shutdown()
    await bench.limiter.start(FakeHost())
    await bench.limiter.shutdown()
    await bench.limiter.shutdown()
    await settle()
    await bench.limiter.consume(spans())
    assert bench.sink.count == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"limit_mib": 100}, "'check_interval' must be greater than zero"),
        ({"check_interval": "1s"}, "'limit_mib' or 'limit_percentage' must be greater than zero"),
        ({"check_interval": "1s", "limit_percentage": 101}, "less than or equal to hundred"),
        (
            {"check_interval": "1s", "limit_mib": 9, "spike_limit_mib": 9},
            "'spike_limit_mib' must be smaller than 'limit_mib'",
        ),
        (
            {"check_interval": "1s", "limit_percentage": 9, "spike_limit_percentage": 9},
            "'spike_limit_percentage' must be smaller than 'limit_percentage'",
        ),
        (
            {"check_interval": "1s", "limit_mib": 9, "min_gc_interval_when_hard_limited": "11s"},
            "'min_gc_interval_when_soft_limited' should be larger than 'min_gc_interval_when_hard_limited'",
        ),
        (
            {"check_interval": "1s", "limit_mib": 9, "max_gc_interval_when_hard_limited": "-1s"},
            "'max_gc_interval_when_hard_limited' must be non-negative",
        ),
        (
            {"check_interval": "1s", "limit_mib": 9, "max_gc_interval_when_soft_limited": "5s"},
            "must be greater than or equal to 'min_gc_interval_when_soft_limited'",
        ),
        (
            {"check_interval": "1s", "limit_mib": 9, "max_gc_interval_when_hard_limited": "40s"},
            "should be larger than or equal to 'max_gc_interval_when_hard_limited'",
        ),
        ({"check_interval": "1s", "limit_mib": -1}, "limit_mib"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(ValidationError, match=message):
        Config.model_validate(options)
