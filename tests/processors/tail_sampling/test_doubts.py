"""Policies that are valid but hardly what was meant."""

import pytest

from collector.config import bind, load
from collector.runtime.registry import Registry
from processors.tail_sampling.doubts import doubts

ALL = {"name": "all", "type": "always_sample"}


def policy(kind, **options):
    return {"name": "p", "type": kind, kind: options}


def composite(**options):
    return policy("composite", **{"max_total_spans_per_second": 9, "composite_sub_policy": [ALL], **options})


@pytest.mark.parametrize(
    "written",
    [
        ALL,
        policy("latency", threshold_ms=1, upper_threshold_ms=2),
        policy("span_count", min_spans=2, max_spans=2),
        policy("numeric_attribute", key="k", min_value=2),
        policy("rate_limiting", burst_capacity=5),
        policy("and", and_sub_policy=[ALL]),
        composite(policy_order=["all"], rate_allocation=[{"policy": "all", "percent": 100}]),
        {"type": "nonsense"},
        "nonsense",
    ],
)
def test_nothing_to_say(written):
    """Also of what is no policy, which others tell."""
    assert doubts(written) is None


@pytest.mark.parametrize(
    ("written", "remark"),
    [
        (
            {"name": "p", "type": "latency", "status_code": {"status_codes": ["ERROR"]}},
            "is of type latency, so its block status_code has no effect: correct the type, or take the block out",
        ),
        (policy("probabilistic"), "keeps nothing: set probabilistic.sampling_percentage"),
        (policy("rate_limiting"), "keeps nothing: set rate_limiting.spans_per_second"),
        (policy("bytes_limiting", bytes_per_second=-1), "keeps nothing: set bytes_limiting.bytes_per_second"),
        (policy("latency", threshold_ms=5, upper_threshold_ms=5), "keeps nothing, as no trace is longer than 5 ms and"),
        (policy("numeric_attribute", key="k", min_value=5, max_value=4), "matches no number, as none is from 5 to 4"),
        (policy("span_count", min_spans=5, max_spans=4), "keeps nothing, as no trace has from 5 to 4 spans"),
        (policy("string_attribute", key="k"), "matches no text: set string_attribute.values"),
        (policy("trace_state", key="k"), "matches no text: set trace_state.values"),
        (policy("string_attribute", values=["x"]), "looks for no key: set string_attribute.key"),
        (policy("boolean_attribute", value=True), "looks for no key: set boolean_attribute.key"),
        (policy("and"), "keeps every trace: set and.and_sub_policy"),
        (policy("drop"), "drops every trace: set drop.drop_sub_policy"),
        (composite(composite_sub_policy=[]), "keeps nothing: set composite.composite_sub_policy"),
        (composite(max_total_spans_per_second=0), "keeps nothing: set composite.max_total_spans_per_second"),
        (composite(policy_order=["any"]), "asks in the order of composite_sub_policy (all), not of policy_order"),
        (composite(rate_allocation=[{"policy": "any"}]), 'has a rate_allocation for "any", which is not in'),
        (composite(rate_allocation=[{"policy": "all", "percent": 120}]), "has rate_allocation of 120 %"),
        (composite(composite_sub_policy=[policy("and")]), "keeps every trace"),
    ],
)
def test_what_is_odd(written, remark):
    """Also about a policy inside of another."""
    assert f'the policy "p" {remark}' in str(doubts(written))


def test_it_is_told_with_its_place(tmp_path):
    source = tmp_path / "c.yaml"
    source.write_text("""\
receivers: {nop: }
exporters: {nop: }
processors:
  tail_sampling:
    policies:
      - {name: fine, type: always_sample}
      - {name: odd, type: and, and: {and_sub_policy: []}}
service:
  pipelines:
    traces: {receivers: [nop], processors: [tail_sampling], exporters: [nop]}
""")
    [found] = bind(load([str(source)]), Registry()).warnings
    assert f"{source}:7: processors.tail_sampling.policies[1]: " in str(found)
