"""What `capelin down` stops."""

from __future__ import annotations

import fcntl
from pathlib import Path

from click.testing import CliRunner

from capelin.cli.down import command


def test_nothing_is_stopped_where_nothing_runs(tmp_path: Path) -> None:
    told = CliRunner().invoke(command, ["--data", str(tmp_path)])

    assert (told.exit_code, told.output) == (0, f"Nothing is running on {tmp_path}.\n")


def test_a_process_that_has_not_said_which_it_is_gets_no_signal(tmp_path: Path) -> None:
    with (tmp_path / "running.json").open("w") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)

        told = CliRunner().invoke(command, ["--data", str(tmp_path)])

    assert told.exit_code == 1
    assert "only just starting" in told.output
