"""What the processor `scrub` finds, and what it costs.

    python bench/scrub.py [spans]

Recall and precision by kind, on the corpus of the tests: on the half that the detectors were worked on with, and on the
half that they were not. Then the CPU of a request (512 spans, where not told otherwise), from its bytes to those of the
scrubbed one, beside what opening the batch and closing it again takes; forwarding does not even do that. The best of
many rounds each. With the network around it: `python bench/forward.py --processors scrub`.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
sys.path.insert(0, str(Path(__file__).parent.parent / "tests/processors/scrub"))

from corpus import HELD_OUT, TUNING, VALUES, Corpus
from scoring import Score, score

from bench.payloads import trace_request
from collector.data import Batch, Signal, delete_attribute, set_attribute
from collector.data.messages import REQUESTS
from processors.scrub.config import Config
from processors.scrub.processor import Scrubber
from processors.scrub.rules import Rules

ROUNDS = 50
# What `bench/payloads.py` puts into every span that is personal, or looks like it.
PERSONAL = ("user.email", "credit_card", "net.peer.ip")
HARMLESS = {"user.id": "u-1234567", "card.kind": "visa-debit", "net.peer.name": "node-17"}
SQL = "SELECT a FROM b WHERE c = "
# Names of cases, the attributes of their spans, and what some of these are. `{n}` is the number of the span in the
# request, and `{card}` a number of a card that belongs to it.
CASES: list[tuple[str, int, dict[str, str]]] = [
    ("clean", 9, {}),
    ("clean, with a private IP address", 9, {"net.peer.name": "10.1.{n}.3"}),
    ("clean", 40, {}),
    ("clean, with an SQL statement", 9, {"net.peer.name": "", "db.query.text": SQL + "$1"}),
    ("SQL literals, the same everywhere", 9, {"net.peer.name": "", "db.query.text": SQL + "'d' AND e = 5"}),
    ("SQL literals", 9, {"net.peer.name": "", "db.query.text": SQL + "'d' AND e = {n}"}),
    ("an e-mail address, the same everywhere", 9, {"user.id": "ann@example.com"}),
    ("an e-mail address", 9, {"user.id": "ann{n}@example.com"}),
    ("an e-mail address", 40, {"user.id": "ann{n}@example.com"}),
    ("the same of those three everywhere", 9,
     {"user.id": "ann@example.com", "card.kind": "4111111111111111", "net.peer.name": "203.0.113.7"}),
    ("an e-mail address, a card, a public IP address", 9,
     {"user.id": "ann{n}@example.com", "card.kind": "{card}", "net.peer.name": "203.0.{n}.7"}),
]  # fmt: skip
# Values of nothing but candidates.
LARGE = 1 << 20
CANDIDATES = ["8.8.8.8 ", "10.1.2.3,", "a@b.cd ", "4111111111111111 ", "DE12 ", "token=none-", "token:", "+4930123456 "]


def request(spans: int, attributes: int, extra: dict[str, str]) -> bytes:
    """Return a request of spans with other attributes in the place of the personal ones."""
    message = REQUESTS[Signal.TRACES].FromString(trace_request(spans, attributes=attributes))
    for number, span in enumerate(message.resource_spans[0].scope_spans[0].spans):
        for key in PERSONAL:
            delete_attribute(span.attributes, key)
        for key, value in (HARMLESS | extra).items():
            if value:
                set_attribute(span.attributes, key, value.format(n=number % 256, card=card(number)))
    payload: bytes = message.SerializeToString()
    return payload


def card(number: int) -> str:
    """Return a card's number that passes Luhn's check."""
    front = f"4{number:014}"
    doubled = sum(sum(divmod(2 * int(digit), 10)) for digit in front[::2])
    return f"{front}{-(doubled + sum(map(int, front[1::2]))) % 10}"


def best(work: Callable[[], object]) -> float:
    """Return the CPU seconds of the fastest round."""
    fastest = float("inf")
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        fastest = min(fastest, time.process_time() - start)
    return fastest


def show_quality() -> None:
    """Print recall and precision."""
    rules = Rules(Config())
    scores = [score(rules, Corpus(seed).samples()) for seed in (TUNING, HELD_OUT)]
    print(f"{VALUES} values each: worked on with, held out")
    print(f"{'kind':18}{'planted':>16}{'recall':>18}{'precision':>18}")
    for kind in sorted(scores[0].planted):
        cells = [f"{one.planted[kind]:8}" for one in scores]
        cells += [f"{share(one.recalled[kind], one.planted[kind]):>9}" for one in scores]
        cells += [f"{share(one.right[kind], one.found[kind]):>9}" for one in scores]
        print(f"{kind:18}{''.join(cells)}")
    print(f"{'all':18}{''.join(total(scores))}")
    for one in scores:
        print(*one.mistakes, sep="\n")


def share(part: int, whole: int) -> str:
    """Return a share as it is printed."""
    return f"{part / whole:.3f}" if whole else "-"


def total(scores: list[Score]) -> list[str]:
    """Return the cells of the last row."""
    return [
        *[f"{one.planted.total():8}" for one in scores],
        *[f"{one.recall:9.3f}" for one in scores],
        *[f"{one.precision:9.3f}" for one in scores],
    ]


def show_cost(spans: int) -> None:
    """Print CPU a span."""
    scrubber = Scrubber(Config())
    print(f"{spans} spans a request; µs of CPU a span")
    print(f"{'spans with':48}{'attributes':>12}{'bytes':>8}{'open, close':>14}{'scrub':>8}")
    for name, attributes, extra in CASES:
        payload = request(spans, attributes, extra)
        opened = best(lambda payload=payload: Batch(Signal.TRACES, payload).open().encode())  # type: ignore[misc]
        cost = best(lambda payload=payload: scrubber.scrub(Batch(Signal.TRACES, payload))[0].payload)  # type: ignore[misc]
        figures = [seconds / spans * 1e6 for seconds in (opened, cost)]
        print(f"{name:48}{attributes:12}{len(payload) // spans:8}{figures[0]:14.2f}{figures[1]:8.2f}")


def show_large() -> None:
    """Print CPU a byte for values of nothing but candidates."""
    scrubber = Scrubber(Config())
    print(f"a value of {LARGE} bytes of nothing but candidates; µs of CPU a byte")
    for candidate in CANDIDATES:
        payload = request(1, 9, {"user.id": candidate * (LARGE // len(candidate))})
        start = time.process_time()
        scrubber.scrub(Batch(Signal.TRACES, payload))
        print(f"{candidate:24}{(time.process_time() - start) / LARGE * 1e6:8.2f}")


def main() -> None:
    """Measure and print."""
    show_quality()
    show_cost(int(sys.argv[1]) if len(sys.argv) > 1 else 512)
    show_large()


if __name__ == "__main__":
    main()
