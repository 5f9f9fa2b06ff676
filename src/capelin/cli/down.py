"""`capelin down`."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from datetime import timedelta
from pathlib import Path

import click

from capelin.cli.directory import DataDirectory, DirectoryError
from capelin.cli.session import reporting
from capelin.runtime.seams import Clock, SystemClock

STOP_TIMEOUT = timedelta(seconds=15)
"""How long a process may take to finish what it has begun; then it is killed, which loses nothing that was acknowledged."""
EXIT_TIMEOUT = timedelta(seconds=2)
"""How long it may then take to end. A process that has ended stays in the system's list for ever when its parent never asks for it."""
_POLL_INTERVAL = timedelta(milliseconds=50)


@click.command("down")
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), help="Data directory. Default: $CAPELIN_DATA, else ~/.local/share/capelin."
)
@click.option("--purge", is_flag=True, help="Delete the data directory too: every object, and the simulated clusters.")
@reporting
def command(data: Path | None, purge: bool) -> None:
    """Stop what `up` started. Nothing is lost: the next `up` goes on where this one stopped."""
    directory = DataDirectory(data) if data else DataDirectory.default()
    process = directory.holder()
    if process is None:
        click.echo(f"Nothing is running on {directory.path}.")
    elif process == 0:  # to send a signal to 0 would end whoever called us
        raise DirectoryError(f"data directory {directory.path}: a process is only just starting on it; try again")
    else:
        asyncio.run(_stop(directory, process, SystemClock()))
        click.echo("Stopped.")
    if purge:
        _purge(directory)


async def _stop(directory: DataDirectory, process: int, clock: Clock) -> None:
    os.kill(process, signal.SIGTERM)
    deadline = clock.monotonic() + STOP_TIMEOUT.total_seconds()
    while directory.holder() == process:
        if clock.monotonic() > deadline:
            os.kill(process, signal.SIGKILL)
            deadline = clock.monotonic() + STOP_TIMEOUT.total_seconds()
        await clock.sleep(_POLL_INTERVAL)
    deadline = clock.monotonic() + EXIT_TIMEOUT.total_seconds()
    while _exists(process) and clock.monotonic() < deadline:
        await clock.sleep(_POLL_INTERVAL)


def _exists(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def _purge(directory: DataDirectory) -> None:
    if not directory.path.exists():
        return
    if not directory.database.exists():
        raise DirectoryError(
            f"data directory {directory.path}: found no {directory.database.name} in it, so it is not deleted; is it the right one?"
        )
    shutil.rmtree(directory.path)
    click.echo(f"Deleted {directory.path}.")
