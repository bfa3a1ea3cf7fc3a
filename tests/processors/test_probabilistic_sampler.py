import math
import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from structlog.testing import capture_logs

from collector.data import Batch, Client, Signal, set_attribute
from collector.data.messages import REQUESTS, LogRecord, Span
from collector.processing.fnv import FNV1A_32
from collector.processing.probability import adjusted_count, format_threshold, randomness_of, threshold_of
from collector.processing.tracestate import TraceState
from collector.testing import ManualClock, RecordingTelemetry, Sink, make_settings
from processors.probabilistic_sampler import FACTORY, Config, build
from processors.probabilistic_sampler.hashing import randomness_of_data, randomness_of_ids, seeded

MODES = ("hash_seed", "proportional", "equalizing")
CONSISTENT = ("proportional", "equalizing")
COUNT = "otelcol_processor_probabilistic_sampler_count_{}_sampled"
ERRORS = "otelcol_processor_probabilistic_sampler_errors"

trace_ids = st.binary(min_size=16, max_size=16).filter(any)


def sampler(telemetry=None, clock=None, **options):
    settings = make_settings("probabilistic_sampler", telemetry=telemetry, clock=clock)
    return build(Config.model_validate(options), settings)


def batch_of(raws, signal=Signal.TRACES):
    """Return a batch of serialized spans or log records, whose bytes stay as they are."""
    raws = list(raws)
    request = REQUESTS[signal]()
    if signal is Signal.TRACES:
        scope = request.resource_spans.add().scope_spans.add()
        items, kind = scope.spans, Span
    else:
        scope = request.resource_logs.add().scope_logs.add()
        items, kind = scope.log_records, LogRecord
    items.extend(kind.FromString(raw) for raw in raws)
    opened = Batch(signal, request.SerializeToString()).open()
    for _, opened_scope in opened.scopes():
        opened_scope.replace_all(raws)
    return Batch.of_opened(opened)


def raws_of(batch):
    return [] if batch is None else [raw for _, scope in batch.open().scopes() for raw in scope.raws()]


def spans_of(batch):
    return [Span.FromString(raw) for raw in raws_of(batch)]


def make_span(trace_id, trace_state="", **attributes):
    span = Span(trace_id=trace_id, span_id=b"\x01" * 8, trace_state=trace_state, name="operation")
    for key, value in attributes.items():
        set_attribute(span.attributes, key.replace("_", "."), value)
    return span


def run(span, **options):
    """Return what becomes of one span, or None."""
    kept = spans_of(sampler(**options)(batch_of([span.SerializeToString()])))
    return kept[0] if kept else None


def make_record(trace_id=b"", **attributes):
    record = LogRecord(trace_id=trace_id)
    for key, value in attributes.items():
        set_attribute(record.attributes, key.replace("_", "."), value)
    return record


def run_log(record, **options):
    """Return the attributes of what becomes of one record, or None."""
    batch = sampler(**options)(batch_of([record.SerializeToString()], Signal.LOGS))
    kept = [LogRecord.FromString(raw) for raw in raws_of(batch)]
    return {pair.key: pair.value.string_value for pair in kept[0].attributes} if kept else None


def ids(count, seed=1):
    generator = random.Random(seed)
    return [generator.randbytes(16) for _ in range(count)]


# --- Which spans are kept


@pytest.mark.parametrize("mode", MODES)
@settings(max_examples=30)
@given(st.lists(trace_ids, min_size=1, max_size=20), st.floats(0.1, 100))
def test_two_samplers_that_know_nothing_of_each_other_decide_the_same(mode, trace_ids, percentage):
    raws = [make_span(trace_id).SerializeToString() for trace_id in trace_ids]
    together = raws_of(sampler(mode=mode, sampling_percentage=percentage)(batch_of(raws)))
    one_by_one = [
        kept for raw in raws for kept in raws_of(sampler(mode=mode, sampling_percentage=percentage)(batch_of([raw])))
    ]
    assert together == one_by_one


@pytest.mark.parametrize("mode", MODES)
@settings(max_examples=30)
@given(st.lists(trace_ids, min_size=1, max_size=20), st.floats(0.1, 100), st.floats(0.1, 100))
def test_a_higher_percentage_keeps_what_a_lower_keeps(mode, trace_ids, one, other):
    raws = [make_span(trace_id).SerializeToString() for trace_id in trace_ids]
    few, many = (
        {span.trace_id for span in spans_of(sampler(mode=mode, sampling_percentage=percentage)(batch_of(raws)))}
        for percentage in sorted((one, other))
    )
    assert few <= many


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("percentage", [1, 10, 50, 99.5, 100])
def test_the_adjusted_counts_of_what_is_kept_estimate_what_came(mode, percentage):
    total = 20_000
    kept = spans_of(
        sampler(mode=mode, sampling_percentage=percentage)(
            batch_of([make_span(trace_id).SerializeToString() for trace_id in ids(total)])
        )
    )
    estimate = sum(adjusted_count(TraceState.parse(span.trace_state).ot.threshold) for span in kept)
    p = percentage / 100
    # Five standard deviations of the estimate, and what the threshold is rounded by.
    assert abs(estimate - total) <= 5 * math.sqrt(total * (1 - p) / p) + total / 1000


@pytest.mark.parametrize("mode", MODES)
@settings(max_examples=30)
@given(trace_ids, st.floats(0.1, 100), st.sampled_from(["", "vendor=1", "ot=x:y", "a=1,ot=x:y;z:,b=2"]))
def test_what_is_written_proves_the_decision_and_keeps_what_others_wrote(mode, trace_id, percentage, trace_state):
    kept = run(make_span(trace_id, trace_state), mode=mode, sampling_percentage=percentage)
    if kept is None:
        return
    before, after = TraceState.parse(trace_state), TraceState.parse(kept.trace_state)
    assert before.others == after.others
    assert before.ot.extra == after.ot.extra
    randomness = randomness_of(trace_id) if after.ot.randomness is None else after.ot.randomness
    assert (mode == "hash_seed") == (after.ot.randomness is not None)
    assert after.ot.threshold <= randomness


@pytest.mark.parametrize("mode", MODES)
@settings(max_examples=30)
@given(st.lists(trace_ids, max_size=20), st.floats(0.1, 100), st.booleans())
def test_the_way_by_slices_and_the_way_by_decoding_agree(mode, trace_ids, percentage, fail_closed):
    """A field of the trace id's number at the end would hide nothing; a name in front makes each span be decoded."""
    options = {"mode": mode, "sampling_percentage": percentage, "fail_closed": fail_closed}
    name = Span(name="operation").SerializeToString()
    plain = [Span(trace_id=trace_id).SerializeToString() for trace_id in trace_ids]
    fast = spans_of(sampler(**options)(batch_of([raw + name for raw in plain])))
    slow = spans_of(sampler(**options)(batch_of([name + raw for raw in plain])))
    assert fast == slow


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("fail_closed", [True, False])
@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(
            trace_ids | st.just(bytes(16)),
            st.sampled_from(
                ["", "a=b", "ot=th:8", "ot=rv:ffffffffffffff", "ot=rv:00000000000000;th:8", "=", "ot=th:g"]
            ),
            st.sampled_from([None, 0, 1, "0.5", -1]),
        ),
        max_size=10,
    ),
    st.sampled_from([0, 1, 50, 100]),
)
def test_the_place_of_the_fields_makes_no_difference(mode, fail_closed, rows, percentage):
    ascending, shuffled = [], []
    for trace_id, trace_state, priority in rows:
        attributes = {} if priority is None else {"sampling_priority": priority}
        fields = [
            Span(trace_id=trace_id).SerializeToString(),
            Span(trace_state=trace_state).SerializeToString(),
            Span(attributes=make_span(b"", "", **attributes).attributes).SerializeToString(),
        ]
        ascending.append(b"".join(fields))
        shuffled.append(b"".join((fields[0], fields[2], fields[1])))
    options = {"mode": mode, "sampling_percentage": percentage, "fail_closed": fail_closed}
    assert spans_of(sampler(**options)(batch_of(ascending))) == spans_of(sampler(**options)(batch_of(shuffled)))


# --- What is written


def test_a_kept_span_only_gets_a_field_more():
    raw = make_span(b"\xff" * 16, http_method="GET").SerializeToString()
    (kept,) = raws_of(sampler(mode="equalizing", sampling_percentage=25)(batch_of([raw])))
    assert kept == raw + b"\x1a\x07ot=th:c"


def test_a_batch_of_which_nothing_is_left_is_none():
    assert sampler(sampling_percentage=0)(batch_of([make_span(b"\xff" * 16).SerializeToString()])) is None


def test_a_span_that_says_the_same_already_keeps_its_bytes():
    raw = make_span(b"\xff" * 16, "ot=th:c").SerializeToString()
    unordered = raw[18:] + raw[:18]
    assert [unordered] == raws_of(sampler(mode="equalizing", sampling_percentage=25)(batch_of([unordered])))


def test_the_client_stays_with_the_batch():
    client = Client(address="10.0.0.1")
    batch = Batch(Signal.TRACES, batch_of([make_span(b"\xff" * 16).SerializeToString()]).payload, client)
    assert sampler(sampling_percentage=100)(batch).client is client


def test_proportional_multiplies_and_equalizing_equalizes():
    span = make_span(b"\xff" * 16, "ot=th:8")
    assert run(span, mode="proportional", sampling_percentage=50).trace_state == "ot=th:c"
    assert run(span, mode="equalizing", sampling_percentage=50).trace_state == "ot=th:8"
    assert run(span, mode="equalizing", sampling_percentage=75).trace_state == "ot=th:8"


def test_proportional_drops_what_would_be_too_rare():
    span = make_span(b"\xff" * 16, "ot=th:ffffffffffffff")
    assert run(span, mode="proportional", sampling_percentage=50) is None


def test_randomness_of_the_tracestate_goes_before_the_trace_id():
    low = make_span(b"\xff" * 16, "ot=rv:00000000000000")
    high = make_span(bytes(15) + b"\x01", "ot=rv:ffffffffffffff")
    assert run(low, mode="equalizing", sampling_percentage=50) is None
    assert run(high, mode="equalizing", sampling_percentage=50).trace_state == "ot=rv:ffffffffffffff;th:8"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (0, False),
        (0.0, False),
        ("0", False),
        (1, True),
        (0.5, True),
        ("2", True),
        (-1, None),
        ("x", None),
        (True, None),
    ],
)
def test_priority(mode, value, kept):
    span = make_span(b"\xff" * 16, sampling_priority=value)
    assert (kept is True) == (run(span, mode=mode, sampling_percentage=0) is not None)
    assert (kept is not False) == (run(span, mode=mode, sampling_percentage=100) is not None)


def test_a_priority_of_its_own_has_an_adjusted_count_of_one():
    span = make_span(b"\x01" * 16, sampling_priority=1)
    assert run(span, mode="equalizing", sampling_percentage=1).trace_state == "ot=th:0"


def test_priority_of_another_name_is_none():
    span = make_span(b"\x01" * 16, my_sampling_priority=1)
    assert run(span, mode="equalizing", sampling_percentage=1) is None


# --- Faults


@pytest.mark.parametrize(
    ("mode", "trace_id", "trace_state", "reason", "written"),
    [
        ("equalizing", bytes(16), "", "missing_randomness", "ot=th:0"),
        ("equalizing", b"", "", "missing_randomness", "ot=th:0"),
        ("hash_seed", bytes(16), "", "missing_randomness", "ot=th:0"),
        ("equalizing", b"\x01" * 16, "ot=th:8", "inconsistent_threshold", "ot=th:0"),
        (
            "equalizing",
            b"\xff" * 16,
            "ot=th:8;rv:10000000000000",
            "inconsistent_threshold",
            "ot=rv:10000000000000;th:0",
        ),
        ("equalizing", b"\xff" * 16, "ot=th:", "trace_state", "ot=th:"),
        ("hash_seed", b"\xff" * 16, "nonsense", "trace_state", "nonsense"),
        ("hash_seed", b"\xff" * 16, "ot=th:0", "threshold_in_use", "ot=th:0"),
        ("hash_seed", b"\xff" * 16, "ot=rv:ffffffffffffff", "randomness_in_use", "ot=rv:ffffffffffffff"),
    ],
)
def test_faults_are_counted_and_closed_or_open(mode, trace_id, trace_state, reason, written):
    options = {"mode": mode, "sampling_percentage": 100}
    raw = make_span(trace_id, trace_state).SerializeToString()
    for fail_closed in (True, False):
        telemetry = RecordingTelemetry()
        kept = spans_of(sampler(telemetry, fail_closed=fail_closed, **options)(batch_of([raw])))
        assert telemetry[ERRORS].values == {(("reason", reason),): 1}
        assert [span.trace_state for span in kept] == ([] if fail_closed else [written])


def test_a_fault_keeps_open_what_the_trace_id_alone_would_drop():
    options = {"mode": "equalizing", "sampling_percentage": 1}
    span = make_span(b"\x01" * 16, "=")
    assert run(span, fail_closed=True, **options) is None
    assert run(span, fail_closed=False, **options) == span


@pytest.mark.parametrize("mode", MODES)
def test_zero_per_cent_keeps_nothing_even_open(mode):
    for span in (make_span(b""), make_span(b"\xff" * 16, "="), make_span(b"\xff" * 16)):
        assert run(span, mode=mode, sampling_percentage=0, fail_closed=False) is None


def test_faults_are_told_now_and_then():
    clock = ManualClock()
    sample = sampler(clock=clock, mode="equalizing", sampling_percentage=50)
    with capture_logs() as lines:
        for _ in range(3):
            sample(batch_of([make_span(b"").SerializeToString()]))
    assert ["missing randomness"] == [line["error"] for line in lines]


# --- Counting


def test_decisions_are_counted_by_policy():
    telemetry = RecordingTelemetry()
    sampler(telemetry, mode="equalizing", sampling_percentage=50)(
        batch_of(
            span.SerializeToString()
            for span in (
                make_span(b"\xff" * 16),
                make_span(b"\x01" * 16),
                make_span(b"\x02" * 16),
                make_span(b"\x02" * 16, "ot=rv:ffffffffffffff"),
                make_span(b"\x02" * 16, sampling_priority=1),
                make_span(b"\xff" * 16, sampling_priority=0),
            )
        )
    )
    assert telemetry[COUNT.format("traces")].values == {
        (("policy", "trace_id_w3c"), ("sampled", "true")): 1,
        (("policy", "trace_id_w3c"), ("sampled", "false")): 2,
        (("policy", "sampling_randomness"), ("sampled", "true")): 1,
        (("policy", "sampling_priority"), ("sampled", "true")): 1,
        (("policy", "sampling_priority"), ("sampled", "false")): 1,
    }


# --- Log records


@pytest.mark.parametrize("mode", MODES)
@settings(max_examples=30)
@given(trace_ids, st.floats(0.1, 100))
def test_log_records_follow_the_decision_of_their_trace(mode, trace_id, percentage):
    options = {"mode": mode, "sampling_percentage": percentage}
    span, record = run(make_span(trace_id), **options), run_log(make_record(trace_id), **options)
    assert (span is None) == (record is None)
    if span is not None:
        state = TraceState.parse(span.trace_state).ot
        assert format_threshold(state.threshold) == record["sampling.threshold"]
        assert (mode == "hash_seed") == ("sampling.randomness" in record)


def test_an_attribute_decides_where_it_is_told_to():
    telemetry = RecordingTelemetry()
    options = {"sampling_percentage": 50, "attribute_source": "record", "from_attribute": "pod"}
    sample = sampler(telemetry, **options)
    records = [make_record(trace_id, pod="a") for trace_id in ids(50)]
    kept = raws_of(sample(batch_of([record.SerializeToString() for record in records], Signal.LOGS)))
    assert len(kept) in (0, 50)
    assert {labels[0] for labels in telemetry[COUNT.format("logs")].values} == {("policy", "pod")}
    assert 0 < sum(run_log(make_record(pod=f"pod {n}"), **options) is not None for n in range(50)) < 50


def test_an_attribute_decides_without_a_trace_id():
    options = {"sampling_percentage": 100, "from_attribute": "pod"}
    assert run_log(make_record(pod="a"), **options) is not None
    assert run_log(make_record(pod=""), **options) is None
    assert run_log(make_record(pod=b"\x00"), **options) is not None
    assert run_log(make_record(pod=7), **options) == run_log(make_record(pod="7"), **options) | {"pod": ""}
    assert run_log(make_record(), **options) is None


@pytest.mark.parametrize(
    ("value", "percentage", "kept"),
    [(100, 1, True), (250.0, 1, True), (0, 100, False), (-5, 100, True), ("100", 1, False), (None, 1, False)],
)
def test_a_log_record_may_ask_for_a_percentage_of_its_own(value, percentage, kept):
    record = make_record(b"\x01" * 16, priority=value)
    options = {"mode": "equalizing", "sampling_percentage": percentage, "sampling_priority": "priority"}
    assert kept == (run_log(record, **options) is not None)


def test_the_threshold_of_a_log_record_is_raised_and_its_randomness_honoured():
    record = make_record(b"\x01" * 16, sampling_randomness="d29d6a7215ced0", sampling_threshold="8")
    attributes = run_log(record, mode="proportional", sampling_percentage=50)
    assert attributes == {"sampling.randomness": "d29d6a7215ced0", "sampling.threshold": "c"}


def test_a_log_record_that_says_the_same_already_keeps_its_bytes():
    raw = make_record(b"\xff" * 16, sampling_threshold="8").SerializeToString()
    unordered = raw[-18:] + raw[:-18]
    sample = sampler(mode="equalizing", sampling_percentage=50)
    assert [unordered] == raws_of(sample(batch_of([unordered], Signal.LOGS)))


def test_malformed_sampling_attributes_of_a_log_record():
    record = make_record(b"\xff" * 16, sampling_threshold="xyz")
    assert run_log(record, mode="equalizing", sampling_percentage=100) is None
    assert run_log(record, mode="equalizing", sampling_percentage=100, fail_closed=False) == {
        "sampling.threshold": "xyz"
    }


# --- The hash


@given(st.lists(trace_ids, max_size=40), st.integers(0, 2**32 - 1))
@example([bytes(16)] * 9, 0)
@example([b"\xff" * 16] * 9, 2**32 - 1)
def test_many_ids_are_hashed_as_each_of_them(trace_ids, seed):
    state = seeded(seed)
    assert [randomness_of_data(trace_id, state) for trace_id in trace_ids] == list(randomness_of_ids(trace_ids, state))


@given(trace_ids, st.integers(1, 2**14))
def test_hashed_randomness_decides_as_the_bucket_does(trace_id, accepted):
    randomness = randomness_of_data(trace_id, seeded(5))
    bucket = FNV1A_32.of(trace_id, seeded(5)) & 0x3FFF
    assert (bucket < accepted) == (randomness >= (2**14 - accepted) << 42)


@given(st.binary())
def test_the_rest_of_hashed_randomness_is_made_of_the_rest_of_the_hash(data):
    """Collectors write the same `rv` for the same trace."""
    hashed, randomness = FNV1A_32.of(data, seeded(5)), randomness_of_data(data, seeded(5))
    upper = hashed >> 18
    assert hashed & 0x3FFF == randomness & 0x3FFF
    assert upper ^ upper << 10 == randomness >> 14 & 0xFFFFFFF


# --- Options


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sampling_percentage": -15.3}, "sampling rate is negative"),
        ({"sampling_percentage": 1e-15}, "sampling rate is too small"),
        ({"sampling_percentage": math.inf}, "sampling rate is invalid"),
        ({"sampling_percentage": 1e300}, "sampling rate is invalid"),
        ({"sampling_percentage": math.nan}, "sampling rate is invalid"),
        ({"sampling_precision": 15}, "sampling precision is too great"),
        ({"sampling_precision": 0}, "invalid sampling precision"),
        ({"mode": "dunno"}, "mode"),
        ({"attribute_source": "span"}, "attribute_source"),
        ({"hash_seed": 2**32}, "hash_seed"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(ValidationError, match=message):
        Config.model_validate(options)


def test_without_a_mode_the_hash_decides():
    span = make_span(b"\xff" * 16)
    assert "rv:" in run(span, sampling_percentage=100).trace_state
    assert "rv:" in run(span, sampling_percentage=100, mode="").trace_state


def test_the_border_of_the_hash_is_placed_in_single_precision():
    """10 % of 16384 buckets is 1638.4: cut off, not rounded up."""
    span = make_span(b"\x01" * 16, sampling_priority=1)
    assert run(span, sampling_percentage=10) is not None
    kept = (run(make_span(trace_id), sampling_percentage=10) for trace_id in ids(200))
    states = [TraceState.parse(span.trace_state).ot for span in kept if span is not None]
    assert {(2**14 - 1638) << 42} == {state.threshold for state in states}


async def test_the_processor_hands_on_what_is_kept():
    sink = Sink()
    config = Config(mode="equalizing", sampling_percentage=50)
    processor = FACTORY.create(config, make_settings("probabilistic_sampler"), sink)
    await processor.consume(batch_of([make_span(bytes(15) + b"\x01").SerializeToString()]))
    assert sink.batches == []
    await processor.consume(batch_of([make_span(b"\xff" * 16).SerializeToString()]))
    assert sink.count == 1


def test_full_precision_is_kept_where_it_is_asked_for():
    span = make_span(b"\xff" * 16)
    kept = run(span, mode="equalizing", sampling_percentage=1, sampling_precision=14)
    assert kept.trace_state == f"ot=th:{format_threshold(threshold_of(0.01))}"
