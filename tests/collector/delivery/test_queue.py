import asyncio

import pytest
import structlog

from collector.api import PermanentError, RetryableError, TaskOwner
from collector.delivery.queue import Entry, MemoryQueue
from collector.testing import settle


@pytest.fixture
def tasks():
    return TaskOwner("test", structlog.get_logger())


@pytest.fixture
def entry(make_batch):
    return lambda size=1: Entry(make_batch(), size)


async def test_entries_come_out_in_order(entry):
    """First in, first out."""
    queue = MemoryQueue(10, "requests", block=False)
    first, second = entry(), entry()
    await queue.put(first)
    await queue.put(second)

    assert [first, second, None] == [queue.take(), queue.take(), queue.take()]


async def test_room_is_taken_until_release(entry):
    """What was taken out but not released still counts: it is in memory until it was delivered."""
    queue = MemoryQueue(10, "items", block=False)
    held = entry(size=8)
    await queue.put(held)
    assert held is queue.take()

    with pytest.raises(RetryableError, match=r"full .8 of 10 items.") as failure:
        await queue.put(entry(size=3))
    assert "queue_full" == failure.value.reason
    queue.release(held)
    await queue.put(entry(size=3))
    assert 3 == queue.size


async def test_what_never_fits_is_refused_for_good(entry):
    """A batch larger than the whole queue would otherwise be sent again for ever."""
    queue = MemoryQueue(10, "items", block=True)

    with pytest.raises(PermanentError, match="raise queue_size") as failure:
        await queue.put(entry(size=11))
    assert "too_large" == failure.value.reason


async def test_blocked_senders_get_in_by_turns(entry, tasks):
    """A small entry does not overtake a large one that waits, or large ones might wait for ever."""
    queue = MemoryQueue(10, "items", block=True)
    held, large, small = entry(8), entry(10), entry(1)
    await queue.put(held)
    tasks.start("large", queue.put(large))
    await settle()
    tasks.start("small", queue.put(small))
    await settle()
    assert 8 == queue.size

    queue.release(queue.take())
    await settle()
    assert large is queue.take()
    assert 10 == queue.size
    queue.release(large)
    await settle()
    assert small is queue.take()
    assert 0 == len(tasks)


async def test_a_blocked_sender_may_go_away(entry, tasks):
    """Who is cancelled while waiting gives up the place in the line."""
    queue = MemoryQueue(1, "requests", block=True)
    await queue.put(entry())
    waiting = tasks.start("first", queue.put(entry()))
    other = entry()
    tasks.start("second", queue.put(other))
    await settle()
    waiting.cancel()
    await settle()
    queue.release(queue.take())
    await settle()

    assert other is queue.take()


async def test_closing_refuses_what_comes_and_keeps_what_is_there(entry, tasks):
    """After closing, blocked senders are told to come back, and entries can still be taken."""
    queue = MemoryQueue(1, "requests", block=True)
    held = entry()
    await queue.put(held)
    blocked = tasks.start("blocked", queue.put(entry()))
    await settle()
    queue.close()

    with pytest.raises(RetryableError, match="shutting down"):
        await blocked
    with pytest.raises(RetryableError, match="shutting down"):
        await queue.put(entry())
    assert held is queue.take()
    assert "MemoryQueue(1 of 1 requests, 0 waiting, closed)" == repr(queue)


async def test_news_are_puts_closing_and_waking(entry, tasks):
    """Whoever waits is woken by each of them, once."""
    queue = MemoryQueue(10, "requests", block=False)
    for make_news in (lambda: queue.put(entry()), queue.wake, queue.close):
        waiting = tasks.start("waiting", queue.news())
        await settle()
        assert not waiting.done()
        done = make_news()
        if done is not None:
            await done
        await waiting


async def test_an_entry_settles_with_its_last_part(make_batch):
    """Its outcome is the first error of its parts."""
    outcome = asyncio.get_running_loop().create_future()
    entry = Entry(make_batch(), 1, outcome, parts=3)
    error = PermanentError("no")

    assert [False, False, True] == [entry.settle(None), entry.settle(error), entry.settle(RetryableError("later"))]
    assert error is outcome.exception()


async def test_an_outcome_that_nobody_waits_for(make_batch):
    """A sender that went away does not disturb."""
    outcome = asyncio.get_running_loop().create_future()
    outcome.cancel()

    assert Entry(make_batch(), 1, outcome).settle(None)
