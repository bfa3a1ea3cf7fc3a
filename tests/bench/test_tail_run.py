"""The run that accounts for every span, smaller; and that it sees what it is there to see."""

from collections import Counter

import pytest

from bench.tail_run import OTHER_MIB, OUTGOING_MIB, Outcome, run, text

TRACE, SLOW = b"a" * 16, b"b" * 16


def accounted(**changes):
    """Return an outcome in which all is well, but for the changes."""
    outcome = Outcome(
        sent=800,
        received=800,
        slow={SLOW},
        traces=Counter({TRACE: 8, SLOW: 8}),
        kept=Counter(decided=15, late=1),
        dropped=Counter(decided=784),
    )
    for name, value in changes.items():
        setattr(outcome, name, value)
    return outcome


async def test_every_span_is_accounted_for():
    """With so little room that some traces are decided about early, but not before their first spans have come."""
    outcome = await run(traces=2000, wait=1.0, bound=4)
    assert [] == list(outcome.problems(bound=4))
    assert (16_000, 40) == (outcome.sent, outcome.late)
    assert outcome.early["max_buffered_mib"] > 0
    assert 40 <= outcome.kept["late"] + outcome.dropped["late"]
    assert "sent 16,000 spans, of them 40 late" in text(outcome)


def test_all_is_well():
    assert [] == list(accounted().problems(bound=64))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"traces": Counter({TRACE: 7, SLOW: 9})}, "2 traces are split"),
        ({"doubled": 1}, "1 spans came twice"),
        ({"slow": {SLOW, b"c" * 16}}, "1 slow traces are missing"),
        ({"received": 799, "dropped": Counter(decided=783)}, "800 spans were sent, 799 received"),
        ({"dropped": Counter(decided=783)}, "800 spans were received, 16 kept and 783 dropped"),
        ({"traces": Counter({SLOW: 8})}, "16 spans were kept, 8 are at the backend"),
        ({"buffered": 65.0 + OUTGOING_MIB}, "spans that wait took 73 MiB of 64"),
        ({"grown": 65.0 + OTHER_MIB}, "the process grew by 165 MiB, where 64 are for spans that wait"),
    ],
)
def test_what_is_wrong_is_told(changes, problem):
    assert [problem] == list(accounted(**changes).problems(bound=64))
