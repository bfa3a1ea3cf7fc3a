"""Scrubs what the fields of messages hold: text, or messages with text at any depth."""

from collections.abc import Callable, Sequence
from typing import Self, TypeAlias

from collector.data import get_attribute, set_attribute
from collector.data.messages import ProtoMessage
from collector.processing.remembering import LONGEST
from processors.scrub.rules import KeyRule, Rules

# The kind of a finding, and where it is: `attribute`, `name`, `status` or `body`.
Found: TypeAlias = tuple[str, str]


class Walk:
    """A walk through one batch; `findings` are what it found so far.

    What takes a message edits it and returns whether it changed, or None where it is to be left out.
    """

    def __init__(self, rules: Rules, report: str) -> None:
        self._rules = rules
        self._report = report
        self.findings: list[Found] = []
        # The kinds of what was found since it was last noted where.
        self._kinds: list[str] = []
        # What became of short fields and what was found in them, for many repeat. They hold what is sensitive, so they
        # are kept no longer than the batch.
        self._known: dict[bytes, tuple[bytes, list[Found]]] = {}

    def scrub(self, field: bytes, edit: "Callable[[Self, bytes], bytes]") -> bytes:
        """Return what becomes of a serialized field by an edit."""
        known = self._known.get(field)
        if known is not None:
            self.findings += known[1]
            return known[0]
        since = len(self.findings)
        clean = edit(self, field)
        if len(field) <= LONGEST:
            self._known[field] = clean, self.findings[since:]
        return clean

    def attribute(self, pair: ProtoMessage) -> bool | None:
        """Scrub one attribute."""
        changed = self._pair(pair)
        self._note("attribute")
        return changed

    def event(self, event: ProtoMessage) -> bool:
        """Scrub the attributes and the name of a span's event."""
        return self.attributes(event) | self._field(event, "name", "name")

    def attributes(self, owner: ProtoMessage) -> bool:
        """Scrub the attributes of a span's link or event."""
        changed = self._pairs(owner.attributes)
        self._note("attribute")
        return changed

    def status(self, status: ProtoMessage) -> bool:
        """Scrub the message of a span's status."""
        return self._field(status, "message", "status")

    def name(self, text: str) -> str:
        """Return the name of a span or event without what must go."""
        clean = self._rules.mask_text(text, self._kinds)
        self._note("name")
        return clean

    def body(self, body: ProtoMessage) -> bool:
        """Scrub the body of a log record, which stays where it is to be dropped: masked or empty."""
        if body.WhichOneof("value") == "string_value":
            return self._field(body, "string_value", "body")
        changed = self._value(body, self._rules.no_key)
        if changed is None:
            body.Clear()
        self._note("body")
        return changed is not False

    def data(self, data: ProtoMessage) -> bool:
        """Scrub the data points of a metric with their exemplars."""
        changed = False
        for point in data.data_points:
            since = len(self.findings)
            changed |= self.attributes(point)
            for exemplar in getattr(point, "exemplars", ()):
                changed |= self._pairs(exemplar.filtered_attributes)
            self._note("attribute")
            changed |= self.tell(point, since)
        return changed

    def tell(self, owner: ProtoMessage, since: int) -> bool:
        """Report the kinds of all findings but so many in attributes; return whether there is anything to report."""
        kinds = {kind for kind, _ in self.findings[since:]}
        if not kinds or not self._report:
            return False
        before = get_attribute(owner.attributes, self._report)
        earlier = [kind for kind in before if isinstance(kind, str)] if isinstance(before, list) else []
        set_attribute(owner.attributes, self._report, [*sorted(kinds.union(earlier))])
        return True

    def _field(self, owner: ProtoMessage, field: str, where: str) -> bool:
        text = getattr(owner, field)
        clean = self._rules.mask_text(text, self._kinds)
        self._note(where)
        if clean == text:
            return False
        setattr(owner, field, clean)
        return True

    def _note(self, where: str) -> None:
        if self._kinds:
            self.findings += [(kind, where) for kind in self._kinds]
            self._kinds.clear()

    # --- values at any depth -----------------------------------------------------------------------------------------

    def _pairs(self, pairs: ProtoMessage) -> bool:
        return _without_dropped(pairs, [self._pair(pair) for pair in pairs])

    def _pair(self, pair: ProtoMessage) -> bool | None:
        rule = self._rules.rule_of(pair.key)
        return False if rule.is_allowed else self._value(pair.value, rule)

    def _value(self, value: ProtoMessage, rule: KeyRule) -> bool | None:
        match value.WhichOneof("value"):
            case "string_value" | "bytes_value" as field:
                return self._scalar(value, field, rule)
            case "array_value":
                members = value.array_value.values
                return _without_dropped(members, [self._value(member, rule) for member in members])
            case "kvlist_value":
                return self._pairs(value.kvlist_value.values)
        return False

    def _scalar(self, value: ProtoMessage, field: str, rule: KeyRule) -> bool | None:
        scrub = self._rules.scrub_text if field == "string_value" else self._rules.scrub_bytes
        before = getattr(value, field)
        clean = scrub(before, rule, self._kinds)
        if clean is None or clean == before:
            return None if clean is None else False
        setattr(value, field, clean)
        return True


def _without_dropped(members: ProtoMessage, outcomes: Sequence[bool | None]) -> bool:
    """Take out of a list what is to be dropped; return whether anything in the list changed."""
    if None in outcomes:
        for index in reversed([index for index, outcome in enumerate(outcomes) if outcome is None]):
            del members[index]
        return True
    return True in outcomes
