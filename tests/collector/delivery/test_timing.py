import asyncio

import pytest
import structlog

from collector.api import TaskOwner
from collector.delivery.timing import TimeLimit
from collector.testing import ManualClock, settle


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def tasks():
    return TaskOwner("test", structlog.get_logger())


@pytest.fixture
def limit(clock, tasks):
    return TimeLimit(5.0, clock, tasks)


async def hang():
    await asyncio.Event().wait()


async def test_the_result_of_work_in_time(limit):
    """What ends in time gives its result, or its own error."""

    async def work():
        return 7

    async def fail():
        raise KeyError

    assert 7 == await limit.run(work())
    with pytest.raises(KeyError):
        await limit.run(fail())


async def test_what_hangs_is_cut_off_when_its_own_time_is_up(limit, clock):
    """Each has the whole limit, however many run and however many others were cut off before."""
    hanging = []
    for _ in range(3):
        hanging.append(asyncio.gather(limit.run(hang()), return_exceptions=True))
        await settle()
        await clock.advance(1.0)
    for done in range(3):
        assert [True] * done + [False] * (3 - done) == [work.done() for work in hanging]
        await clock.advance(1.0 if done else 2.0)

    for work in hanging:
        [error] = await work
        assert isinstance(error, TimeoutError)


async def test_a_limit_is_used_again_after_a_rest(limit, clock):
    """The watch ends when nothing runs, and begins again."""
    for _ in range(2):
        hanging = asyncio.gather(limit.run(hang()))
        await settle()
        await clock.advance(5.0)
        with pytest.raises(TimeoutError):
            await hanging
        await clock.advance(60.0)


async def test_one_task_watches_over_all(limit, clock, tasks):
    """It sleeps once for all that ended in time, then ends too."""

    async def work():
        pass

    for _ in range(100):
        await limit.run(work())
    assert 1 == len(tasks)
    await clock.advance(5.0)

    assert 0 == len(tasks)


async def test_cancelling_is_not_a_timeout(limit):
    """Who is cancelled from outside sees that, also under a limit."""
    hanging = asyncio.gather(limit.run(hang()))
    await settle()
    hanging.cancel()

    with pytest.raises(asyncio.CancelledError):
        await hanging
