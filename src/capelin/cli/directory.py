"""The data directory of `capelin up`: where things are, who may read it, who runs on it."""

from __future__ import annotations

import fcntl
import json
import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


def program() -> str:
    """Return how a user calls this program: by its name where the shell finds it, else by its path."""
    beside = Path(sys.executable).parent / "capelin"
    return "capelin" if shutil.which("capelin") or not beside.exists() else shlex.quote(str(beside))


class DirectoryError(Exception):
    """The data directory cannot be used; the message says why and what to do."""


class AlreadyRunning(DirectoryError):
    """Another process holds the data directory."""


@dataclass(frozen=True, slots=True)
class DataDirectory:
    """The files below one data directory."""

    path: Path

    @classmethod
    def default(cls) -> DataDirectory:
        """Return $CAPELIN_DATA, else the user's data home, where the machine keeps such things."""
        if chosen := os.environ.get("CAPELIN_DATA"):
            return cls(Path(chosen))
        home = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
        return cls(Path(home) / "capelin")

    @property
    def down_command(self) -> str:
        """What a user types to stop what runs here."""
        return f"{program()} down" + ("" if self == DataDirectory.default() else f" --data {shlex.quote(str(self.path))}")

    @property
    def kubeconfig(self) -> Path:
        """Where the administrator's kubeconfig is written."""
        return self.path / "kubeconfig"

    @property
    def database(self) -> Path:
        """Where the API server keeps its objects."""
        return self.path / "capelin.db"

    @property
    def log(self) -> Path:
        """Where a detached process writes its log."""
        return self.path / "capelin.log"

    @property
    def _holder(self) -> Path:
        return self.path / "running.json"

    def prepare(self) -> None:
        """Create the directory, readable by its owner alone.

        Raises:
            DirectoryError: it cannot be created or written, or others may read it.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            mode = self.path.stat().st_mode & 0o777
        except OSError as error:
            raise DirectoryError(f"data directory {self.path}: {error.strerror}; choose another with --data") from error
        if mode & 0o077:
            raise DirectoryError(
                f"data directory {self.path}: mode is {mode:04o}, others may read it; allowed is 0700 (chmod 700 {self.path})"
            )
        if not os.access(self.path, os.W_OK):
            raise DirectoryError(f"data directory {self.path}: cannot be written; choose another with --data")

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the directory for this process until the block ends; the operating system lets go when the process dies.

        Raises:
            AlreadyRunning: another process holds it.
        """
        descriptor = os.open(self._holder, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise AlreadyRunning(
                    f"data directory {self.path}: process {self.holder()} is running on it; stop it with capelin down"
                ) from error
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps({"pid": os.getpid()}).encode(), 0)
            yield
        finally:
            os.close(descriptor)

    def holder(self) -> int | None:
        """Return the process that holds the directory, 0 while it has not written down which it is, or None."""
        try:
            descriptor = os.open(self._holder, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            content = os.pread(descriptor, 1000, 0)
            return int(json.loads(content)["pid"]) if content else 0
        finally:
            os.close(descriptor)
        return None
