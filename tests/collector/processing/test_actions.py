import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from collector.api import StartError
from collector.data import Batch, Client, Signal, attribute_lists, get_attribute, set_attribute, set_value, value_of
from collector.data.messages import KeyValue, LogRecord, Resource, Span
from collector.processing.actions import ITEM_TAGS, RESOURCE_TAG, Action, compile_actions
from collector.processing.hashing import hash_attribute
from collector.processing.values import as_integer
from collector.testing.decoded import canonical, items
from collector.testing.strategies import requests

CLIENT = Client("10.0.0.1", "grpc", {"x-tenant": ("a", "b"), "auth.subject": ("forged",)})


def program(*actions, tag=ITEM_TAGS[Signal.TRACES]):
    return compile_actions([Action.model_validate(action) for action in actions], tag)


def edited(before, *actions, client=CLIENT):
    """Return the attributes after the actions, by both ways in which a program runs."""
    span = Span(name="work")
    for key, value in before.items():
        set_attribute(span.attributes, key, value)
    bound = program(*actions).bind(client)
    rewritten = bound.rewrite([span.SerializeToString()])[0]
    bound.run(span.attributes)
    if rewritten is not None:
        assert canonical(Span.FromString(rewritten)) == canonical(span)
    return {pair.key: value_of(pair.value) for pair in span.attributes}


@pytest.mark.parametrize(
    ("action", "before", "after"),
    [
        ({"action": "insert", "value": 1}, {}, {"k": 1}),
        ({"action": "insert", "value": 1}, {"k": 2}, {"k": 2}),
        ({"action": "update", "value": 1}, {}, {}),
        ({"action": "update", "value": [1, {"a": None}]}, {"k": 2}, {"k": [1, {"a": None}]}),
        ({"action": "upsert", "value": "x"}, {}, {"k": "x"}),
        ({"action": "UPSERT", "value": "x"}, {"k": 2}, {"k": "x"}),
        ({"action": "insert", "from_attribute": "other"}, {"other": 7}, {"other": 7, "k": 7}),
        ({"action": "insert", "from_attribute": "other"}, {}, {}),
        ({"action": "insert", "from_attribute": "other", "default_value": 9}, {}, {"k": 9}),
        ({"action": "update", "from_attribute": "other", "default_value": 9}, {"k": 1}, {"k": 9}),
        ({"action": "insert", "default_value": 9}, {}, {"k": 9}),
        ({"action": "insert", "from_context": "metadata.X-Tenant"}, {}, {"k": "a;b"}),
        ({"action": "insert", "from_context": "x-tenant"}, {}, {"k": "a;b"}),
        ({"action": "insert", "from_context": "client.address"}, {}, {"k": "10.0.0.1"}),
        ({"action": "insert", "from_context": "metadata.missing"}, {}, {}),
        ({"action": "insert", "from_context": "metadata.missing", "default_value": 9}, {}, {"k": 9}),
        ({"action": "insert", "from_context": "auth.subject"}, {}, {}),
        ({"action": "delete"}, {"k": 1, "kk": 2}, {"kk": 2}),
        ({"action": "delete", "pattern": "^k{2}$"}, {"k": 1, "kk": 2, "kkk": 3}, {"kkk": 3}),
        ({"action": "delete", "key": "", "pattern": "^x"}, {"": 1, "x": 2}, {"": 1}),
        ({"action": "hash"}, {"k": "x", "kk": "x"}, {"k": hash_attribute("x"), "kk": "x"}),
        ({"action": "hash", "key": "", "pattern": "k"}, {"kk": 1}, {"kk": hash_attribute(1)}),
        ({"action": "extract", "pattern": "(?P<a>.)(?P<b>.)?"}, {"k": "x"}, {"k": "x", "a": "x", "b": ""}),
        ({"action": "extract", "pattern": "(?P<a>.)"}, {"a": 1, "k": "x"}, {"a": "x", "k": "x"}),
        ({"action": "extract", "pattern": "(?P<a>.)"}, {"k": 5}, {"k": 5}),
        ({"action": "convert", "converted_type": "int"}, {"k": "12"}, {"k": 12}),
        ({"action": "convert", "converted_type": "int"}, {"k": "no"}, {"k": "no"}),
        ({"action": "convert", "converted_type": "double"}, {"k": 1}, {"k": 1.0}),
        ({"action": "convert", "converted_type": "string"}, {"k": 1.5}, {"k": "1.5"}),
    ],
)
def test_each_action(action, before, after):
    assert edited(before, {"key": "k", **action}) == after


def test_actions_see_what_those_before_them_did():
    actions = [
        {"key": "tier", "action": "upsert", "value": "7"},
        {"key": "tier", "action": "convert", "converted_type": "int"},
        {"key": "plan.tier", "action": "insert", "from_attribute": "tier"},
        {"key": "tier", "action": "delete"},
    ]
    assert edited({"a": 1}, *actions) == {"a": 1, "plan.tier": 7}


@pytest.mark.parametrize("action", ["delete", "hash", "update"])
def test_a_key_that_a_sender_repeats_is_not_overlooked(action):
    span = Span()
    for value in ("first", "second"):
        set_value(span.attributes.add(key="secret").value, value)
    details = {"value": "gone"} if action == "update" else {}
    assert program({"key": "secret", "action": action, **details}).run(span.attributes)
    assert not {"first", "second"}.intersection(value_of(pair.value) for pair in span.attributes)


def test_a_key_spelled_oddly_on_the_wire_is_not_overlooked():
    """The value before the key, and a first key that the second one overrides: both are the key `secret`."""
    swapped = KeyValue(value={"string_value": "x"}).SerializeToString() + KeyValue(key="secret").SerializeToString()
    overridden = KeyValue(key="harmless").SerializeToString() + KeyValue(key="secret").SerializeToString()
    tag = ITEM_TAGS[Signal.TRACES]
    raw = b"".join(tag + bytes([len(pair)]) + pair for pair in (swapped, overridden))
    delete = program({"key": "secret", "action": "delete"})
    assert delete.rewrite([raw])[0] is None
    span = Span.FromString(raw)
    assert delete.run(span.attributes)
    assert not span.attributes


@pytest.mark.parametrize(
    "action",
    [
        {"key": "absent", "action": "delete"},
        {"key": "absent", "action": "update", "value": 1},
        {"key": "k", "action": "insert", "value": 1},
        {"key": "k", "action": "upsert", "from_attribute": "absent"},
        {"key": "k", "action": "convert", "converted_type": "int"},
    ],
)
def test_nothing_to_do_gives_back_the_very_bytes(action):
    raw = Span(name="work", attributes=[{"key": "k", "value": {"int_value": 5}}]).SerializeToString()
    assert program(action).rewrite([raw])[0] is raw


@pytest.mark.parametrize(
    ("message", "tag"),
    [(Span, ITEM_TAGS[Signal.TRACES]), (LogRecord, ITEM_TAGS[Signal.LOGS]), (Resource, RESOURCE_TAG)],
)
@pytest.mark.parametrize("size", [1, 127, 128, 20_000])
def test_an_attribute_is_appended_to_the_bytes(message, tag, size):
    rewritten = program({"key": "k", "action": "insert", "value": "x" * size}, tag=tag).rewrite([b""])[0]
    assert get_attribute(message.FromString(rewritten).attributes, "k") == "x" * size


@pytest.mark.parametrize(
    "action",
    [
        {"action": "delete"},
        {"action": "hash"},
        {"action": "convert", "converted_type": "string"},
        {"action": "insert", "value": 1},
        {"action": "update", "value": 1},
        {"action": "upsert", "value": {"a": [1, 2]}},
        {"action": "update", "from_attribute": "other"},
        {"key": "new", "action": "upsert", "value": 1},
        {"key": "new", "action": "upsert", "from_attribute": "k"},
        {"key": "new", "action": "delete"},
    ],
)
@pytest.mark.parametrize(
    "value", ["", "text", "x" * 127, "x" * 128, "k" * 3, "x" * 10_000, 5, True, 2.5, [1], {"k": "v"}]
)
def test_ordinary_spans_are_rewritten_without_decoding(action, value):
    span = Span(name="a long name, with k in it")
    for key, content in {"other": "value", "k": value, "kind": 7}.items():
        set_attribute(span.attributes, key, content)
    edit = program({"key": "k", **action})
    rewritten = edit.rewrite([span.SerializeToString()])[0]
    assert rewritten is not None or value == {"k": "v"}
    edit.run(span.attributes)
    assert rewritten in (None, span.SerializeToString())


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ({"key": "k", "action": "invalid"}, "insert"),
        ({"action": "insert", "value": 1}, 'missing required field "key"'),
        ({"action": "delete"}, 'at least one of "key" and "pattern"'),
        ({"key": "k", "action": "insert"}, '"default_value" must be specified'),
        ({"key": "k", "action": "insert", "value": 1, "from_attribute": "a"}, "multiple value sources"),
        ({"key": "k", "action": "insert", "value": 1, "pattern": "x"}, 'does not use the "pattern" field'),
        ({"key": "k", "action": "insert", "value": 1, "converted_type": "int"}, 'does not use the "converted_type"'),
        ({"key": "k", "action": "delete", "value": 1}, 'does not use the "value" field'),
        ({"key": "k", "action": "hash", "from_attribute": "a"}, 'does not use the "from_attribute" field'),
        ({"key": "k", "action": "extract"}, 'missing required field "pattern"'),
        ({"key": "k", "action": "extract", "pattern": "(?P<a>x)", "from_context": "y"}, "from_context"),
        ({"key": "k", "action": "extract", "pattern": ".*$"}, "no named matcher groups"),
        ({"key": "k", "action": "extract", "pattern": "(?P<a.b>.*)"}, "invalid pattern"),
        ({"key": "k", "action": "convert"}, 'missing required field "converted_type"'),
        ({"key": "k", "action": "convert", "converted_type": "bool"}, "'int', 'double' or 'string'"),
        ({"key": "k", "action": "insert", "value": 2**63}, "64-bit"),
        ({"key": "k", "action": "insert", "value": object()}, "cannot hold"),
    ],
)
def test_what_is_wrong_with_an_action_is_said(action, message):
    with pytest.raises(ValidationError) as error:
        Action.model_validate(action)
    assert message in str(error.value)


def test_a_group_without_a_name_is_found_at_start():
    action = Action(key="k", action="extract", pattern="(?P<a>x)(y)")
    with pytest.raises(StartError, match="unnamed matcher group at the 0-th actions"):
        compile_actions([action], b"")


# --- against a plain reference -----------------------------------------------------------------------------------


def reference(attributes, action):
    """Do what an action says on decoded attributes, the plain way."""
    key = action["key"]
    present = [pair for pair in attributes if pair.key == key]
    match action["action"]:
        case "delete":
            kept = [pair for pair in attributes if pair.key != key]
            del attributes[:]
            attributes.extend(kept)
        case "hash":
            for pair in present:
                pair.value.string_value = hash_attribute(value_of(pair.value))
        case "convert":
            for pair in present:
                number = as_integer(value_of(pair.value))
                if number is not None and not pair.value.HasField("int_value"):
                    pair.value.int_value = number
        case _:
            reference_setter(attributes, action, present)


def reference_setter(attributes, action, present):
    new = KeyValue(key=action["key"])
    if "from_attribute" in action:
        sources = [pair for pair in attributes if pair.key == action["from_attribute"]]
        if not sources:
            return
        new.value.CopyFrom(sources[0].value)
    else:
        set_value(new.value, action["value"])
    if present and action["action"] != "insert":
        for pair in present:
            pair.value.CopyFrom(new.value)
    if not present and action["action"] != "update":
        attributes.append(new)


def actions_on(keys):
    key = st.sampled_from(keys)
    return st.lists(
        st.one_of(
            st.fixed_dictionaries({"key": key, "action": st.sampled_from(["delete", "hash"])}),
            st.fixed_dictionaries({"key": key, "action": st.just("convert"), "converted_type": st.just("int")}),
            st.fixed_dictionaries(
                {
                    "key": key,
                    "action": st.sampled_from(["insert", "update", "upsert"]),
                    "value": st.sampled_from([1, "text", [1.5], {"a": True}]),
                }
            ),
            st.fixed_dictionaries(
                {"key": key, "action": st.sampled_from(["insert", "update", "upsert"]), "from_attribute": key}
            ),
        ),
        min_size=1,
        max_size=4,
    )


@pytest.mark.parametrize("signal", Signal)
@settings(max_examples=50)  # one for each signal
@given(data=st.data())
def test_a_program_does_what_its_actions_say(signal, data):
    """For any item as oddly written as protobuf allows, decoding, editing and encoding it gives the same."""
    batch = Batch(signal, data.draw(requests(signal)))
    found = {pair.key for item in items(batch) for pairs in attribute_lists(signal, item) for pair in pairs}
    chosen = data.draw(actions_on(sorted({key for key in found if key} | {"new", "newer"})))
    edit = program(*chosen, tag=ITEM_TAGS[signal])
    for _, scope in batch.open().scopes():
        for index, raw in enumerate(scope.raws()):
            expected = type(scope.message(index)).FromString(raw)
            for attributes in attribute_lists(signal, expected):
                for action in chosen:
                    reference(attributes, action)
            item = type(expected).FromString(raw)
            rewritten = edit.rewrite([raw])[0]
            if rewritten is not None:
                item = type(expected).FromString(rewritten)
            else:
                edit.run_item(signal, item)
            assert canonical(expected) == canonical(item)


def test_messages_that_must_be_decoded_stay_among_those_that_need_not():
    plain = Span(name="plain")
    set_attribute(plain.attributes, "k", "x")
    set_attribute(plain.attributes, "other", 7)
    twice = Span.FromString(plain.SerializeToString() * 2)
    bare = Span(name="bare")
    raws = [span.SerializeToString() for span in (twice, plain, bare)]
    run = program({"key": "k", "action": "hash"}, {"key": "new", "action": "insert", "from_attribute": "other"})
    undecided, hashed, untouched = run.rewrite(raws)
    assert undecided is None
    assert {"k": hash_attribute("x"), "other": 7, "new": 7} == {
        pair.key: value_of(pair.value) for pair in Span.FromString(hashed).attributes
    }
    assert untouched is raws[2]
    assert [None, hashed] == run.rewrite([None, raws[1]])
