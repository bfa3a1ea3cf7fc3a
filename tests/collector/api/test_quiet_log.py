import structlog

from collector.api import QuietLog, quiet_log
from collector.api.quiet_log import INTERVAL
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


async def test_a_costly_detail_is_found_out_only_for_a_line_that_is_written():
    """A function as a detail is called once for two events of which one is written."""
    asked = []
    with structlog.testing.capture_logs() as lines:
        log = QuietLog(structlog.get_logger(), ManualClock())
        for _ in range(2):
            log.error("failed", reason="bug", at=lambda: asked.append(1) or "mine.py:2")

    assert ["mine.py:2"] == [line["at"] for line in lines]
    assert [1] == asked


async def test_reasons_that_data_make_up_do_not_fill_the_memory(monkeypatch):
    """What is remembered is bounded; beyond that, lines may come again early."""
    monkeypatch.setattr(quiet_log, "_MOST_KEYS", 2)
    with structlog.testing.capture_logs() as lines:
        log = QuietLog(structlog.get_logger(), ManualClock())
        for reason in ("a", "b", "c", "c", "a"):
            log.error("failed", reason=reason)

    assert ["a", "b", "c", "a"] == [line["reason"] for line in lines]
