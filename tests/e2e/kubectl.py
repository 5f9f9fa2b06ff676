"""kubectl as a user runs it: its own home, its own namespace, and a transcript of what it said."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tests.integration.realserver import assets

TIMEOUT_SECONDS = 60  # a command that waits for something has its own, shorter one


def programs() -> dict[str, Path]:
    """Return the kubectls there are: the one in PATH, and the one that was built with the real server."""
    built = assets()
    found = {"path": shutil.which("kubectl"), "built": built and built / "kubectl"}
    return {origin: Path(program) for origin, program in found.items() if program}


@cache
def version(program: Path) -> str:
    """Return the minor version of a kubectl, such as 1.36."""
    output = subprocess.run([program, "version", "--client"], check=True, capture_output=True, text=True, timeout=30).stdout
    found = re.search(r"Client Version: v(\d+\.\d+)", output)
    assert found, output
    return found[1]


@dataclass
class Kubectl:
    """One kubectl with a kubeconfig whose context names `namespace`; relative paths are seen from `folder`."""

    scenario: str
    program: Path
    kubeconfig: Path
    folder: Path
    namespace: str
    transcript: list[str] = field(default_factory=list)

    async def __call__(self, line: str, *, stdin: str = "", environment: Mapping[str, str] | None = None) -> str:
        """Run `kubectl` with the arguments of a shell-like line, note it with all it said, and return what it printed."""
        code, output, complaints = await self.quietly(line, stdin=stdin, environment=environment)
        self.transcript.append(self._normalised(f"$ kubectl {line}\n"))
        self.transcript.append(self._normalised(output))
        self.transcript.append("".join(f"! {said}\n" for said in self._normalised(complaints).splitlines()))
        self.transcript.append(f"exit {code}\n" if code else "")
        return output

    async def quietly(self, line: str, *, stdin: str = "", environment: Mapping[str, str] | None = None) -> tuple[int, str, str]:
        """Run it without a note; return exit code, output and complaints."""
        process = await self._start(line, environment or {})
        try:
            output, complaints = await asyncio.wait_for(process.communicate(stdin.encode()), TIMEOUT_SECONDS)
        finally:
            if process.returncode is None:
                process.kill()
        return process.returncode or 0, output.decode(), complaints.decode()

    @asynccontextmanager
    async def following(self, line: str, *, lines: int) -> AsyncIterator[None]:
        """Run a command that does not end by itself; after the block it is left when it has printed so many lines, which are noted."""
        process = await self._start(line, {})
        assert process.stdout is not None
        try:
            first = await asyncio.wait_for(process.stdout.readline(), TIMEOUT_SECONDS)  # from here on it follows
            yield
            rest = [await asyncio.wait_for(process.stdout.readline(), TIMEOUT_SECONDS) for _ in range(lines - 1)]
        finally:
            process.kill()
            await process.wait()
        self.transcript.append(self._normalised(f"$ kubectl {line} &\n") + self._normalised(b"".join((first, *rest)).decode()))

    async def _start(self, line: str, environment: Mapping[str, str]) -> asyncio.subprocess.Process:
        known = {"HOME": str(self.folder), "TMPDIR": str(self.folder), "KUBECONFIG": str(self.kubeconfig), "PATH": os.environ["PATH"]}
        return await asyncio.create_subprocess_exec(
            self.program,
            *shlex.split(line),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=self.folder,
            env={**known, **environment},
            start_new_session=True,
        )

    def _normalised(self, text: str) -> str:
        return normalised(text.replace(str(self.folder), "FOLDER").replace(self.namespace, "NAMESPACE"))


_RULES = [
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "UID"),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]+"), "TOKEN"),
    (re.compile(r"https://127\.0\.0\.1:\d+"), "https://SERVER"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( ?[+-]\d{4}|Z)?( UTC)?"), "TIME"),
    (re.compile(r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}"), "TIME"),
    (re.compile(r"""((resourceVersion"?|Resource Version): *"?)\d+"""), r"\1REVISION"),
    (re.compile(r"(LIVE|MERGED|kubectl-edit)-\d+"), r"\1"),
    (re.compile(r" deleted from \S+ namespace"), " deleted"),  # what kubectl says from 1.34 on
    (re.compile(r"(?<= )(\d\ds|\ds |\ds$)", re.MULTILINE), "AGE"),  # as wide as the head of its column, which is what sets the width
    (re.compile(r" +$", re.MULTILINE), ""),
]


_LISTED = re.compile(r"(^\* .*\n){2,}", re.MULTILINE)
"""Broken rules, which the real server tells in any order."""


def normalised(text: str) -> str:
    """Return the text with everything replaced that differs between two runs."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    text = _LISTED.sub(lambda complaints: "".join(sorted(complaints[0].splitlines(keepends=True))), text)
    return text if not text or text.endswith("\n") else text + "\n"
