"""The one place where asyncio tasks are made: each has a name, an owner, and is awaited at the end."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog


class TaskOwner:
    """Owns a component's background tasks.

    A task that ends with an error is logged at once, under the owner's logger; `cancel` and `join` await every task.
    """

    def __init__(self, name: str, logger: structlog.typing.FilteringBoundLogger) -> None:
        self._name = name
        self._logger = logger
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, name: str, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run a coroutine in the background as `<owner>:<name>`."""
        task = asyncio.get_running_loop().create_task(work, name=f"{self._name}:{name}")
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._logger.error("a background task failed", task=task.get_name(), error=repr(error), exc_info=error)

    async def join(self) -> None:
        """Wait until every task has ended by itself."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def cancel(self) -> None:
        """Cancel every task and wait for its end."""
        for task in tuple(self._tasks):
            task.cancel()
        await self.join()

    def __len__(self) -> int:
        return len(self._tasks)

    def __repr__(self) -> str:
        return f"TaskOwner({self._name}, {len(self._tasks)} running)"
