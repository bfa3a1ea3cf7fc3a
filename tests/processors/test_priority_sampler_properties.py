"""The sampler against a plain model of "the first rule that matches decides", on any traces and rules."""

from hypothesis import given, settings
from hypothesis import strategies as st

from collector.data import Batch, Signal, set_attribute
from collector.data.messages import REQUESTS
from collector.sampling.origin import Origins
from collector.sampling.trace import traces_of
from collector.testing import make_settings
from processors.priority_sampler.config import Config
from processors.priority_sampler.decider import RuleDecider

KEYS = ("tier", "http.status", "user")
SERVICES = ("shop", "cart", "")
NAMES = ("GET /", "GET /healthz", "tier")
STATUSES = ("unset", "ok", "error")
SECONDS = 10**9

attribute_values = st.sampled_from(["gold", "free", "500", 500, 404, 5.5, True, ["gold", "free"]])

spans = st.fixed_dictionaries(
    {
        "trace": st.integers(0, 3),
        "service": st.sampled_from(SERVICES),
        "resource": st.dictionaries(st.sampled_from(KEYS), attribute_values, max_size=1),
        "name": st.sampled_from(NAMES),
        "parent": st.booleans(),
        "status": st.sampled_from(STATUSES),
        "start": st.integers(0, 3),
        "took": st.integers(0, 4),
        "attributes": st.dictionaries(st.sampled_from(KEYS), attribute_values, max_size=2),
        "flags": st.sampled_from([0, 1, 0x100, 0x101]),
        "priority": st.sampled_from([None] * 12 + [0, 1]),
    }
)

attribute_wants = st.one_of(
    st.sampled_from(["gold", "free", 500, True]),
    st.just(["gold", 404]),
    st.sampled_from([{"exists": True}, {"exists": False}, {"not": "gold"}, {"at_least": 500}, {"matches": "^5"}]),
)
of_a_span = {
    "service": st.sampled_from(["shop", ["cart", ""], {"not": "shop"}, {"matches": "^c"}]),
    "name": st.sampled_from(["GET /", {"matches": "^GET"}, {"not_matches": "health"}]),
    "status": st.sampled_from(["error", ["ok", "unset"]]),
    "duration": st.sampled_from([{"above": "1s"}, {"at_most": "2s"}, {"at_least": "1s", "below": "3s"}]),
    "sampled": st.booleans(),
    "attributes": st.dictionaries(st.sampled_from(KEYS), attribute_wants, min_size=1, max_size=2),
}
of_a_trace = {
    "spans": st.sampled_from([{"above": 1}, {"at_most": 2}]),
    "has_root": st.booleans(),
    "duration": st.sampled_from([{"above": "3s"}, {"below": "2s"}]),
}


def some_of(fields):
    return st.fixed_dictionaries({}, optional=fields).filter(bool)


conditions = some_of(of_a_span | {"root": some_of(of_a_span), "trace": some_of(of_a_trace)})
rules = st.lists(
    st.tuples(conditions, st.sampled_from(["same_span", "any_span"]), st.sampled_from([0, 50, 100])), max_size=3
)


# The model: as plain as can be, span by span, in words of the configuration.


def within(number, bounds):
    compare = {
        "above": lambda bound: number > bound,
        "at_least": lambda bound: number >= bound,
        "below": lambda bound: number < bound,
        "at_most": lambda bound: number <= bound,
    }
    return all(compare[word](int(str(bound).removesuffix("s"))) for word, bound in bounds.items())


def plain(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def text_holds(text, wanted):
    match wanted:
        case {"not": refused}:
            return text != refused
        case {"matches": pattern}:
            return text.startswith(pattern[1:])
        case {"not_matches": pattern}:
            return pattern not in text
    return text in wanted if isinstance(wanted, list) else text == wanted


def attribute_holds(span, key, wanted):
    found = span["attributes"].get(key, span["resource"].get(key))
    if found is None:
        return wanted == {"exists": False}
    return value_holds(found if isinstance(found, list) else [found], wanted)


def value_holds(members, wanted):
    match wanted:
        case {"exists": exists}:
            return exists
        case {"not": refused}:
            return refused not in members
        case {"at_least": bound}:
            return any(plain(member)[0].isdigit() and float(member) >= bound for member in members)
        case {"matches": pattern}:
            return any(plain(member).startswith(pattern[1:]) for member in members)
    wanted = wanted if isinstance(wanted, list) else [wanted]
    return any(plain(member) == plain(one) for member in members for one in wanted)


def span_holds(span, field, wanted):
    match field:
        case "service" | "name":
            return text_holds(span[field], wanted)
        case "status":
            return span["status"] in (wanted if isinstance(wanted, list) else [wanted])
        case "duration":
            return within(span["took"], wanted)
        case "sampled":
            return bool(span["flags"] & 1) if wanted else span["flags"] != 0 and not span["flags"] & 1
    raise AssertionError(field)


def checks_of(when):
    """Return the conditions of a span one by one."""
    for field, wanted in when.items():
        if field == "attributes":
            for key, value in wanted.items():
                yield lambda span, key=key, value=value: attribute_holds(span, key, value)
        elif field not in ("root", "trace"):
            yield lambda span, field=field, wanted=wanted: span_holds(span, field, wanted)


def rule_holds(trace, when, match):
    root = next((span for span in trace if not span["parent"]), None)
    whole = when.get("trace", {})
    lasted = max(span["start"] + span["took"] for span in trace) - min(span["start"] for span in trace)
    if not (
        within(len(trace), whole.get("spans", {}))
        and within(lasted, whole.get("duration", {}))
        and whole.get("has_root") in (None, root is not None)
    ):
        return False
    if "root" in when and (root is None or not all(test(root) for test in checks_of(when["root"]))):
        return False
    tests = list(checks_of(when))
    if match == "any_span":
        return all(any(test(span) for span in trace) for test in tests)
    return not tests or any(all(test(span) for test in tests) for span in trace)


def expected_rule(trace, configured, honor_flag):
    priorities = [span["priority"] for span in trace]
    if 1 in priorities or 0 in priorities:
        return "sampling.priority", 100 if 1 in priorities else 0
    if honor_flag and any(span["flags"] & 1 for span in trace):
        return "sampled_flag", 100
    return next(
        (
            (f"rule {number}", keep)
            for number, (when, match, keep) in enumerate(configured)
            if rule_holds(trace, when, match)
        ),
        ("rest", 50),
    )


def encoded(trace_spans):
    request = REQUESTS[Signal.TRACES]()
    for span in trace_spans:
        group = request.resource_spans.add()
        if span["service"]:
            set_attribute(group.resource.attributes, "service.name", span["service"])
        for key, value in span["resource"].items():
            set_attribute(group.resource.attributes, key, value)
        message = group.scope_spans.add().spans.add(
            trace_id=trace_id(span["trace"]),
            name=span["name"],
            parent_span_id=b"12345678" if span["parent"] else b"",
            start_time_unix_nano=span["start"] * SECONDS,
            end_time_unix_nano=(span["start"] + span["took"]) * SECONDS,
            flags=span["flags"],
        )
        message.status.code = STATUSES.index(span["status"])
        for key, value in span["attributes"].items():
            set_attribute(message.attributes, key, value)
        if span["priority"] is not None:
            set_attribute(message.attributes, "sampling.priority", span["priority"])
    return Batch(Signal.TRACES, request.SerializeToString())


def trace_id(number):
    """Return an id that a rule of 50 % keeps where the number is odd."""
    return bytes(9) + bytes([0xFF * (number % 2)]) + bytes(5) + bytes([number])


@settings(max_examples=200)
@given(trace_spans=st.lists(spans, min_size=1, max_size=8), configured=rules, honor_flag=st.booleans())
def test_the_first_rule_that_matches_decides(trace_spans, configured, honor_flag):
    unique = [
        rule for number, rule in enumerate(configured) if rule[:2] not in [other[:2] for other in configured[:number]]
    ]
    config = Config.model_validate(
        {
            "honor_sampled_flag": honor_flag,
            "rules": [
                *(
                    {"name": f"rule {number}", "when": when, "match": match, "keep": keep}
                    for number, (when, match, keep) in enumerate(unique)
                ),
                {"name": "rest", "keep": 50},
            ],
        }
    )
    decider = RuleDecider(config, make_settings("priority_sampler"))
    traces = list(traces_of(encoded(trace_spans), Origins()).values())
    together = decider.decide_all(traces)
    assert together == [decider.decide(trace) for trace in traces]
    for trace, decision in zip(traces, together, strict=True):
        number = trace.trace_id[-1]
        rule, keep = expected_rule([span for span in trace_spans if span["trace"] == number], unique, honor_flag)
        assert (rule, keep == 100 or (keep == 50 and number % 2 == 1)) == (decision.rule, decision.sampled)
