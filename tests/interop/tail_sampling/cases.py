"""Policies at their edges, alone and combined: what both processors are asked to decide by."""

from itertools import count
from typing import Any

Policy = dict[str, Any]
_numbers = count()


def policy(kind: str, name: str = "", **options: Any) -> Policy:
    """Return a policy of a type with its options, under a name of its own where none is given."""
    return {"name": name or f"{kind}-{next(_numbers)}", "type": kind, **({kind: options} if options else {})}


def latency(threshold: int, upper: int = 0) -> Policy:
    return policy("latency", threshold_ms=threshold, **({"upper_threshold_ms": upper} if upper else {}))


def numeric(key: str = "number", **options: Any) -> Policy:
    return policy("numeric_attribute", key=key, **options)


def text(*values: str, key: str = "text", **options: Any) -> Policy:
    return policy("string_attribute", key=key, values=list(values), **options)


def boolean(value: bool, key: str = "flag", **options: Any) -> Policy:
    return policy("boolean_attribute", key=key, value=value, **options)


def status(*codes: str) -> Policy:
    return policy("status_code", status_codes=list(codes))


def spans(least: int, most: int = 0) -> Policy:
    return policy("span_count", min_spans=least, max_spans=most)


def state(key: str, *values: str) -> Policy:
    return policy("trace_state", key=key, values=list(values))


def share(percentage: float, salt: str | None = None) -> Policy:
    return policy("probabilistic", sampling_percentage=percentage, **({} if salt is None else {"hash_salt": salt}))


def ottl(*conditions: str, events: tuple[str, ...] = (), mode: str = "ignore") -> Policy:
    return policy("ottl_condition", error_mode=mode, span=list(conditions), spanevent=list(events))


def all_of(*policies: Policy) -> Policy:
    return policy("and", and_sub_policy=list(policies))


def inverted(one: Policy) -> Policy:
    return policy("not", not_sub_policy=one)


def dropped(*policies: Policy) -> Policy:
    return policy("drop", drop_sub_policy=list(policies))


# One policy or several, by what is told in the name of a test.
DECISIONS: dict[str, list[Policy]] = {
    "always": [policy("always_sample")],
    **{f"latency above {ms} ms": [latency(ms)] for ms in (0, 1, 99, 100, 101, 500, 1000, 10_000, -1)},
    **{
        f"latency {low} to {high} ms": [latency(low, high)]
        for low, high in ((0, 100), (99, 100), (100, 500), (500, 100))
    },
    **{
        f"number {low} to {high}": [numeric(min_value=low, max_value=high)]
        for low, high in ((400, 400), (400, 499), (-1, 1), (1, -1), (-(2**63), -1), (2**53 + 1, 2**53 + 1))
    },
    "number from 400": [numeric(min_value=400)],
    "number to 399": [numeric(max_value=399)],
    "number to 0": [numeric(min_value=-5, max_value=0)],
    "number of any type": [numeric("mixed", min_value=400, max_value=400)],
    "number of any type around 0": [numeric("mixed", min_value=-1, max_value=1)],
    "number inverted": [numeric(min_value=400, max_value=499, invert_match=True)],
    "number of any type inverted": [numeric("mixed", min_value=-1, max_value=1, invert_match=True)],
    "number that nobody has": [numeric("nobody", min_value=1)],
    "number that nobody has inverted": [numeric("nobody", min_value=1, invert_match=True)],
    "number of a double": [numeric("ratio", min_value=-1, max_value=1)],
    "text": [text("gold", "silver")],
    "text empty": [text("", "gold")],
    "text only empty": [text("")],
    "text of the resource": [text("bank", key="service.name")],
    "text inverted": [text("gold", invert_match=True)],
    "text of the resource inverted": [text("bank", key="service.name", invert_match=True)],
    "text of any type": [text("gold", "400", "true", key="mixed")],
    "text in UTF-8": [text("größe")],
    "regex": [text("^gold", enabled_regex_matching=True)],
    "regex unanchored": [text("old", "time.*t", enabled_regex_matching=True)],
    "regex of line ends": [text("^gold$", enabled_regex_matching=True)],
    "regex of classes": [text(r"^/api/v\d+/\w+$", r"(?i)^GOLD$", enabled_regex_matching=True, cache_max_size=2)],
    "regex that empty text matches": [text("^$", enabled_regex_matching=True)],
    "regex of any type": [text("^$|gold", key="mixed", enabled_regex_matching=True)],
    "regex inverted": [text("gold", enabled_regex_matching=True, invert_match=True)],
    "regex of the resource": [text("^(bank|cart)$", key="service.name", enabled_regex_matching=True)],
    "true": [boolean(True)],
    "false": [boolean(False)],
    "true inverted": [boolean(True, invert_match=True)],
    "false inverted": [boolean(False, invert_match=True)],
    "true of any type": [boolean(True, "mixed")],
    "false of any type": [boolean(False, "mixed")],
    "false of any type inverted": [boolean(False, "mixed", invert_match=True)],
    **{f"status {' '.join(codes)}": [status(*codes)] for codes in (("ERROR",), ("OK",), ("UNSET",), ("ERROR", "OK"))},
    **{
        f"{low} to {high or 'any number of'} spans": [spans(low, high)]
        for low, high in ((0, 0), (1, 1), (2, 0), (3, 5), (5, 3), (13, 13), (14, 0))
    },
    "state": [state("vendor", "a")],
    "state of several": [state("vendor", "b", "A")],
    "state empty": [state("vendor", "")],
    "state of ot": [state("ot", "th:8")],
    "state without values": [state("vendor")],
    "flags": [policy("trace_flags")],
    "and": [all_of(status("ERROR"), latency(100))],
    "and of three": [all_of(spans(3), text("gold"), boolean(True))],
    "and of one": [all_of(status("OK"))],
    "and with inverted": [all_of(status("ERROR"), text("gold", invert_match=True))],
    "and with not": [all_of(latency(100), inverted(status("ERROR")))],
    "and with a share": [all_of(latency(100), share(40))],
    "not": [inverted(status("ERROR"))],
    "not inverted": [inverted(text("gold", invert_match=True))],
    "not a share": [inverted(share(30))],
    "drop": [policy("always_sample"), dropped(text("gold"))],
    "drop of two": [policy("always_sample"), dropped(status("ERROR"), latency(100))],
    "drop with inverted": [policy("always_sample"), dropped(text("gold", invert_match=True))],
    "drop with not": [policy("always_sample"), dropped(inverted(status("ERROR")))],
    "drop before others": [status("ERROR"), dropped(spans(5)), latency(500)],
    "drop alone": [dropped(spans(5))],
    "inverted beside others": [text("gold", invert_match=True), status("ERROR")],
    "inverted does not veto": [status("ERROR"), text("bank", key="service.name", invert_match=True)],
    "several": [status("ERROR"), latency(1000), share(5)],
    "several that overlap": [latency(0), latency(100), latency(500), policy("always_sample")],
}

CONDITIONS: dict[str, Policy] = {
    name: ottl(name)
    for name in (
        'attributes["text"] == "gold"',
        'attributes["text"] != "gold"',
        'attributes["text"] == nil',
        'attributes["text"] != nil',
        'attributes["number"] >= 400',
        'attributes["number"] >= 400 and attributes["number"] < 500',
        'attributes["number"] == 9007199254740993',
        'attributes["flag"] == true',
        'not attributes["flag"] == true',
        'attributes["ratio"] < 0.5',
        'attributes["mixed"] == 400',
        'attributes["mixed"] == 400.0',
        'attributes["mixed"] == "400"',
        'attributes["mixed"] == nil',
        'attributes["mixed"] > 399',
        'attributes["mixed"] < "b"',
        'attributes["text"] > "gold"',
        'span.attributes["text"] == "gold"',
        'resource.attributes["service.name"] == "bank"',
        'resource.attributes["text"] != nil or resource.attributes["number"] != nil',
        'name == "GET /health"',
        'span.name == "größe" or name == ""',
        "kind == SPAN_KIND_SERVER",
        "kind == 3",
        'kind.string == "Client"',
        "kind != SPAN_KIND_INTERNAL and kind != SPAN_KIND_UNSPECIFIED",
        "status.code == STATUS_CODE_ERROR",
        "status.code == 2",
        'status.message == "timeout"',
        "end_time_unix_nano - start_time_unix_nano > 100000000",
        "(end_time_unix_nano - start_time_unix_nano) / 1000000 >= 500",
        "end_time_unix_nano - start_time_unix_nano < 0",
        'end_time - start_time > Duration("100ms")',
        "start_time_unix_nano > 1750000000500000000",
        'IsMatch(name, "^GET")',
        'IsMatch(attributes["text"], "old$")',
        'IsMatch(attributes["number"], "^40")',
        'IsMatch(attributes["mixed"], "^(gold|400)$")',
        'not IsMatch(name, "o")',
        "IsRootSpan()",
        "IsRootSpan() and status.code == STATUS_CODE_ERROR",
        'parent_span_id.string == ""',
        'trace_state == "vendor=a"',
        'trace_state["vendor"] == "a"',
        'scope.name == "scope-1"',
        'instrumentation_scope.name == "scope-0" and kind == SPAN_KIND_CLIENT',
        'attributes["text"] == "gold" or attributes["number"] == 400 and attributes["flag"] == true',
        '(attributes["text"] == "gold" or attributes["number"] == 400) and attributes["flag"] == true',
        "true",
        "false",
        "1 + 1 == 2",
    )
}
CONDITIONS |= {
    "several conditions": ottl('name == "SELECT"', 'attributes["text"] == "gold"'),
    "an event": ottl(events=('name == "exception"',)),
    "an event's attribute": ottl(events=('attributes["number"] >= 400',)),
    "an event named by its path": ottl(events=('spanevent.attributes["text"] == "gold"',)),
    "an event of a span": ottl(events=('span.name == "SELECT"',)),
    "a span or an event": ottl('name == "SELECT"', events=('name == "retry"',)),
    "an error that is ignored": ottl('attributes["text"] + 1 > 0', 'name == "SELECT"'),
    "an error that is silent": ottl('attributes["text"] + 1 > 0', 'name == "SELECT"', mode="silent"),
    "an error that counts": ottl('attributes["text"] + 1 > 0', 'name == "SELECT"', mode="propagate"),
}


def _stateful(one: Policy) -> bool:
    """Whether what more spans bring may end a match: such a policy cannot decide at ingest."""
    options = one.get(one["type"], {})
    members = [member for value in options.values() for member in (value if isinstance(value, list) else [value])]
    bounds = ("upper_threshold_ms", "max_spans")
    return any(options.get(bound) for bound in bounds) or any(
        _stateful(member) for member in members if isinstance(member, dict)
    )


STATEFUL = {name for name, policies in DECISIONS.items() if any(map(_stateful, policies))}


def composite(
    limit: int, *members: Policy, shares: dict[str, int] | None = None, order: tuple[str, ...] = ()
) -> Policy:
    """Return a policy of others; the shares are percentages by their names."""
    return policy(
        "composite",
        max_total_spans_per_second=limit,
        policy_order=list(order or [member["name"] for member in members]),
        composite_sub_policy=list(members),
        rate_allocation=[{"policy": name, "percent": percent} for name, percent in (shares or {}).items()],
    )


_ERRORS = policy("status_code", "errors", status_codes=["ERROR"])
_GOLD = policy("string_attribute", "gold", key="text", values=["gold"])
_ALL = policy("always_sample", "all")
_BOTH = policy("and", "both", and_sub_policy=[status("ERROR"), latency(100)])
COMPOSITES = {
    "room for all": composite(100_000, _ERRORS, _GOLD, _ALL),
    "room for none": composite(3, _ERRORS, _GOLD, _ALL),
    "no room": composite(0, _ALL),
    "equal shares": composite(300, _ERRORS, _GOLD, _ALL),
    "shares": composite(400, _ERRORS, _GOLD, _ALL, shares={"errors": 50, "gold": 5, "all": 25}),
    "a share left out": composite(400, _ERRORS, _GOLD, _ALL, shares={"errors": 50}),
    "a share of 0": composite(400, _ERRORS, _ALL, shares={"errors": 0, "all": 25}),
    "a share above 100": composite(200, _ERRORS, _ALL, shares={"errors": 200, "all": 100}),
    "shares that end between traces": composite(402, _ERRORS, _ALL, shares={"errors": 33, "all": 17}),
    "with and": composite(200, _BOTH, _ALL, shares={"both": 50, "all": 50}),
    "in another order": composite(400, _ALL, _ERRORS, order=("errors", "all"), shares={"errors": 20, "all": 80}),
    "an order without all": composite(400, _ERRORS, _ALL, order=("all",)),
    "without an order": policy("composite", max_total_spans_per_second=400, composite_sub_policy=[_ERRORS, _ALL]),
}

PERCENTAGES = (0, 0.001, 1, 5, 33.333333, 50, 99.9, 100, 150, -1)
SALTS = ("", "default-hash-seed", "another", "größe", "a" * 200)

# What both refuse at the start.
REFUSED: dict[str, dict[str, Any]] = {
    "an unknown type": {"policies": [policy("telepathy")]},
    "an unknown key": {"policies": [policy("latency", threshold=5)]},
    "two of one name": {"policies": [policy("always_sample", "a"), policy("trace_flags", "a")]},
    "no name": {"policies": [{"type": "always_sample"}]},
    "no status code": {"policies": [policy("status_code", status_codes=[])]},
    "an unknown status code": {"policies": [status("BROKEN")]},
    "a broken regex": {"policies": [text("(", enabled_regex_matching=True)]},
    "no condition": {"policies": [policy("ottl_condition", error_mode="ignore")]},
    "a broken condition": {"policies": [ottl("name = 5")]},
    "a condition without a comparison": {"policies": [ottl('attributes["flag"]')]},
    "an unknown function": {"policies": [ottl("Telepathy(name)")]},
    "an unknown path": {"policies": [ottl('colour == "red"')]},
    "an unknown strategy": {"policies": [policy("always_sample")], "sampling_strategy": "guess"},
    "too many shards": {"policies": [policy("always_sample")], "num_shards": 257},
    "a rate limit at ingest": {
        "policies": [policy("rate_limiting", spans_per_second=5)],
        "sampling_strategy": "span-ingest",
    },
    "an upper latency at ingest": {"policies": [latency(1, 5)], "sampling_strategy": "span-ingest"},
    "and within and": {"policies": [all_of(all_of(status("ERROR")))]},
    "not within not": {"policies": [inverted(inverted(status("ERROR")))]},
}
