"""The data directory: private, held by one process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from capelin.cli.directory import AlreadyRunning, DataDirectory, DirectoryError, program


@pytest.fixture
def directory(tmp_path: Path) -> DataDirectory:
    found = DataDirectory(tmp_path / "data")
    found.prepare()
    return found


def test_a_new_directory_is_readable_by_its_owner_alone(directory: DataDirectory) -> None:
    assert directory.path.stat().st_mode & 0o777 == 0o700


def test_a_directory_that_others_may_read_is_refused(directory: DataDirectory) -> None:
    directory.path.chmod(0o750)

    with pytest.raises(DirectoryError, match=r"0750.*0700"):
        directory.prepare()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_that_cannot_be_written_is_refused(directory: DataDirectory) -> None:
    directory.path.chmod(0o500)

    with pytest.raises(DirectoryError, match="cannot be written"):
        directory.prepare()


def test_a_file_in_the_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")

    with pytest.raises(DirectoryError, match="--data"):
        DataDirectory(tmp_path / "data").prepare()


def test_nobody_holds_a_fresh_directory(directory: DataDirectory) -> None:
    assert directory.holder() is None


def test_the_holder_is_known_while_it_runs_and_forgotten_when_it_ends(directory: DataDirectory) -> None:
    with directory.held():
        assert directory.holder() == os.getpid()

    assert directory.holder() is None


def test_a_second_process_is_refused_and_told_who_runs(directory: DataDirectory) -> None:
    lines = ["import sys", "from pathlib import Path", "from capelin.cli.directory import DataDirectory"]
    program = "\n".join([*lines, "with DataDirectory(Path(sys.argv[1])).held(): print('held')"])

    with directory.held():
        second = subprocess.run([sys.executable, "-c", program, str(directory.path)], capture_output=True, text=True)

    assert second.returncode != 0
    assert f"process {os.getpid()} is running on it" in second.stderr


def test_holding_twice_in_one_process_is_refused(directory: DataDirectory) -> None:
    with directory.held(), pytest.raises(AlreadyRunning), directory.held():
        pass


def test_the_environment_chooses_the_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAPELIN_DATA", "/somewhere")

    assert DataDirectory.default().path == Path("/somewhere")


def test_the_hint_to_stop_names_a_directory_that_is_not_the_usual_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CAPELIN_DATA", str(tmp_path / "usual"))

    assert DataDirectory(tmp_path / "usual").down_command.endswith("capelin down")
    assert DataDirectory(tmp_path / "other").down_command.endswith(f"capelin down --data {tmp_path / 'other'}")


def test_a_program_that_the_shell_does_not_find_is_called_by_its_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    assert program() == str(Path(sys.executable).parent / "capelin")
