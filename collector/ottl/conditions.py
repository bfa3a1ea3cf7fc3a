"""Conditions of a component: several texts of OTTL of which one must hold."""

from collections.abc import Callable, Iterable
from typing import TypeAlias

from collector.ottl.closures import Test
from collector.ottl.compiler import compile_condition
from collector.ottl.contexts import CONTEXTS
from collector.ottl.errors import EvaluationError, OttlError
from collector.ottl.needs import needs_of, union_of
from collector.ottl.parser import parse_condition
from collector.ottl.record import Record

# Gets the text of a condition that could not be evaluated, and why.
OnError: TypeAlias = Callable[[str, EvaluationError], None]


class Conditions:
    """Compiled conditions; they hold where one of them does.

    `requires` are byte strings of which an item's serialized bytes contain at least one wherever a condition holds or
    fails; None where nothing of that kind is known.
    """

    __slots__ = ("_on_error", "_tests", "requires")

    def __init__(
        self, tests: list[tuple[str, Test]], requires: frozenset[bytes] | None, on_error: OnError | None
    ) -> None:
        self._tests = tests
        self._on_error = on_error
        self.requires = requires

    def hold(self, record: Record) -> bool:
        """Return whether one of the conditions holds for a record.

        Raises:
            EvaluationError: a condition cannot be evaluated, and nobody else is told.

        """
        for text, test in self._tests:
            try:
                if test(record):
                    return True
            except EvaluationError as error:
                if self._on_error is None:
                    raise EvaluationError(f"the condition `{text}` cannot be evaluated: {error}") from None
                self._on_error(text, error)
        return False

    def may_hold(self, raw: bytes) -> bool:
        """Return whether the conditions have to be evaluated for an item, given its serialized bytes.

        Where this is false, `hold` would return false and report no error; it costs a search in the bytes.
        """
        if self.requires is None:
            return True
        for needle in self.requires:  # noqa: SIM110 - `any` of a generator costs more than the search
            if needle in raw:
                return True
        return False


def conditions(context: str, texts: Iterable[str], on_error: OnError | None = None) -> Conditions:
    """Return compiled conditions of a context: `span`, `spanevent`, `resource`, `scope` or `log`.

    `on_error` is told of each condition that cannot be evaluated on a record, and the others are tried; without it the
    error is raised. That makes the three error modes: `propagate` has none, the others count and `ignore` logs too.

    Raises:
        ValueError: a text is no condition of this context; the message says where, and what was expected.

    """
    tests, needs = [], []
    for text in texts:
        try:
            node = parse_condition(text)
            tests.append((text, compile_condition(node, CONTEXTS[context])))
        except OttlError as error:
            raise ValueError(f"`{text}` is no OTTL condition: {error}") from None
        needs.append(needs_of(node, CONTEXTS[context]))
    return Conditions(tests, union_of(needs), on_error)
