import structlog

from collector.delivery import QuietLog
from collector.delivery.log import INTERVAL
from collector.testing import ManualClock


async def test_an_event_is_logged_once_an_interval():
    """Repetitions are left out, and their number told with the next line."""
    clock = ManualClock()
    with structlog.testing.capture_logs() as lines:
        log = QuietLog(structlog.get_logger(), clock)
        for _ in range(3):
            log.warning("cannot deliver", reason="unavailable", endpoint="a:1")
        await clock.advance(INTERVAL)
        log.warning("cannot deliver", reason="unavailable", endpoint="a:1")

    first = {"event": "cannot deliver", "log_level": "warning", "reason": "unavailable", "endpoint": "a:1"}
    assert [first, {**first, "left_out": 2}] == lines


async def test_other_reasons_are_not_left_out():
    """Another reason is news at once, and so is another event."""
    with structlog.testing.capture_logs() as lines:
        log = QuietLog(structlog.get_logger(), ManualClock())
        log.warning("cannot deliver", reason="unavailable")
        log.warning("cannot deliver", reason="unauthenticated")
        log.error("dropped", reason="unavailable")

    assert ["unavailable", "unauthenticated", "unavailable"] == [line["reason"] for line in lines]
    assert ["warning", "warning", "error"] == [line["log_level"] for line in lines]
