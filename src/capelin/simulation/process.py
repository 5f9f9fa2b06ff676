"""Processes that can die: at any moment, in the middle of anything, leaving nothing but what they have written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from capelin.simulation.loop import NumberedTask, VirtualLoop

_current: ContextVar[Process | None] = ContextVar("process", default=None)


class Died(BaseException):
    """The process has died: whatever its code still tries, nothing of it reaches anybody."""


@dataclass(eq=False, slots=True)
class Process:
    """A running program. Every task that its code starts belongs to it and dies with it.

    `on_death` is what the world does when it dies: its endpoints close, its memory is gone.
    """

    name: str
    alive: bool = True
    tasks: dict[asyncio.Task[Any], None] = field(default_factory=dict)  # in order, so that a run repeats itself
    on_death: list[Callable[[], None]] = field(default_factory=list)

    def start(self, main: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run the program's code in the name of this process."""
        token = _current.set(self)
        try:
            return asyncio.ensure_future(main)
        finally:
            _current.reset(token)

    def check_alive(self) -> None:
        """Return while the process lives.

        Raises:
            Died: it does not.
        """
        if not self.alive:
            raise Died(self.name)

    def die(self) -> None:
        """End the process where it stands. When one of its own tasks calls this, it raises `Died` at its next call."""
        if not self.alive:
            return
        self.alive = False
        for task in tuple(self.tasks):
            task.cancel()
        for act in self.on_death:
            act()

    async def buried(self) -> None:
        """Return when no task of it is left."""
        while self.tasks:
            await asyncio.wait(tuple(self.tasks))


def adopt_tasks(loop: VirtualLoop) -> None:
    """Have every task of the loop belong to the process whose code starts it."""

    def factory(_loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> asyncio.Task[Any]:
        task = NumberedTask(work, loop=loop, **options)
        process = _current.get()
        if process is not None:
            process.tasks[task] = None
            task.add_done_callback(lambda done: _forget(process, done))
            if not process.alive:
                task.cancel()  # what a dying process still starts ends before it begins
        return task

    loop.set_task_factory(factory)


def _forget(process: Process, task: asyncio.Task[Any]) -> None:
    process.tasks.pop(task, None)
    if not task.cancelled():
        task.exception()  # of a dead process nobody asks
