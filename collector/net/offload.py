"""Python work on one request goes to a thread where the request is large, so that others are answered meanwhile."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

# Bytes; below it, handing work to a thread and back costs more time than it frees.
LARGE = 256 * 1024


async def offload(size: int, work: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
    """Return what the work returns, done here for a request of few bytes and in a thread for one of many."""
    if size < LARGE:
        return work(*arguments, **options)
    return await asyncio.to_thread(work, *arguments, **options)
