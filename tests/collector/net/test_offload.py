"""Where work is done: here, or in a thread."""

import threading

import pytest

from collector.net.offload import LARGE, offload


@pytest.mark.parametrize(("size", "here"), [(LARGE - 1, True), (LARGE, False)])
async def test_only_large_requests_go_to_a_thread(size, here):
    assert here == (await offload(size, threading.current_thread) is threading.current_thread())


async def test_what_the_work_raises_comes_back():
    with pytest.raises(ValueError, match="invalid literal"):
        await offload(LARGE, int, "x")
