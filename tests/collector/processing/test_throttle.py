from collector.processing.throttle import Throttle
from collector.testing import ManualClock


async def test_the_first_line_is_written_and_then_one_an_interval():
    clock = ManualClock()
    throttle = Throttle(clock, interval=60)
    assert [throttle.permit() for _ in range(3)] == [True, False, False]
    await clock.advance(59.9)
    assert not throttle.permit()
    await clock.advance(0.1)
    assert throttle.permit()
    assert throttle.passed_over() == 3
    assert throttle.passed_over() == 0
