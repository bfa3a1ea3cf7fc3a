"""What attribute actions cost, in CPU microseconds a span: on serialized spans, and on decoded ones.

    python bench/edits.py [spans]

One request (512 spans of 9 attributes, where not told otherwise), from its bytes to the bytes of the edited one. Every
span has the keys that are deleted and hashed. Both ways take turns; the best of many rounds each.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.payloads import trace_request
from collector.data import Batch, Signal
from collector.processing.actions import ITEM_TAGS, Action, Program, compile_actions
from collector.testing import make_settings
from processors.attributes import FACTORY, AttributesProcessor

ROUNDS = 100
DELETE = {"key": "credit_card", "action": "delete"}
HASH = {"key": "user.email", "action": "hash"}
INSERT = {"key": "region", "action": "insert", "value": "eu"}
UPDATE = {"key": "net.peer.ip", "action": "update", "value": "0.0.0.0"}
CASES = {
    "delete": [DELETE],
    "hash": [HASH],
    "insert": [INSERT],
    "update": [UPDATE],
    "delete, hash, insert": [DELETE, HASH, INSERT],
}


def processor(actions: list[dict[str, str]]) -> AttributesProcessor:
    """Return the processor `attributes` with these actions."""
    settings = make_settings("attributes", signals=frozenset({Signal.TRACES}))
    return AttributesProcessor(FACTORY.config.model_validate({"actions": actions}), settings)


def decoding(actions: list[dict[str, str]]) -> Callable[[Batch], Batch]:
    """Return what the processor would do if it decoded every span."""
    program: Program = compile_actions([Action.model_validate(action) for action in actions], ITEM_TAGS[Signal.TRACES])

    def run(batch: Batch) -> Batch:
        opened = batch.open()
        for _, scope in opened.scopes():
            for index in range(len(scope)):
                if program.run_item(scope.signal, scope.message(index)):
                    scope.touch(index)
        return Batch.of_opened(opened)

    return run


def best(payload: bytes, edits: list[Callable[[Batch], Batch]]) -> list[float]:
    """Return the CPU seconds of the fastest round of each edit."""
    fastest = [float("inf")] * len(edits)
    for _ in range(ROUNDS):
        for index, edit in enumerate(edits):
            start = time.process_time()
            edit(Batch(Signal.TRACES, payload)).payload  # noqa: B018 - this is what encodes it
            fastest[index] = min(fastest[index], time.process_time() - start)
    return fastest


def main() -> None:
    """Measure and print."""
    spans = int(sys.argv[1]) if len(sys.argv) > 1 else 512
    payload = trace_request(spans)
    print(f"{spans} spans of 9 attributes, {len(payload)} bytes; µs of CPU a span")
    print(f"{'actions':25}{'as bytes':>10}{'decoded':>10}")
    for name, actions in CASES.items():
        as_bytes, decoded = (
            seconds / spans * 1e6 for seconds in best(payload, [processor(actions), decoding(actions)])
        )
        print(f"{name:25}{as_bytes:10.2f}{decoded:10.2f}")


if __name__ == "__main__":
    main()
