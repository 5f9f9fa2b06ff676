"""Every shell block of the docs runs, in the order of its page, as a reader would type it."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.integration.realserver import free_ports

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)

ELSEWHERE = {
    "make test\n": ".ci/run",
    "make test-real\n": ".ci/run",
    "make bench\n": "hack/bench/__main__.py",
}
"""Blocks that would run this test again, or run for minutes: block → the file by which they are run instead."""


def shell_blocks(page: Path) -> list[str]:
    return [block for block in BLOCK.findall(page.read_text()) if block not in ELSEWHERE]


PAGES_WITH_BLOCKS = [page for page in PAGES if shell_blocks(page)]


@pytest.fixture
def reader(tmp_path: Path) -> dict[str, str]:
    """The environment of somebody who follows the docs: an own home, this checkout's environment on the path."""
    path = f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}"
    kept = {key: os.environ[key] for key in ("LANG", "PIP_CERT", "SSL_CERT_FILE") if key in os.environ}
    data = tmp_path / "data"
    places = {"HOME": str(tmp_path), "CAPELIN_DATA": str(data), "KUBECONFIG": str(data / "kubeconfig"), "CAPELIN_PORT": str(*free_ports(1))}
    return {**kept, "PATH": path, **places}


@pytest.mark.slow
@pytest.mark.gate
@pytest.mark.parametrize("page", PAGES_WITH_BLOCKS, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_shell_blocks_of_a_page_run(page: Path, reader: dict[str, str]) -> None:
    script = "set -euo pipefail\ntrap 'capelin down >/dev/null 2>&1 || true' EXIT\n" + "\n".join(shell_blocks(page))

    done = subprocess.run(["bash", "-c", script], cwd=ROOT, env=reader, capture_output=True, text=True, timeout=300)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("block", "file"), ELSEWHERE.items(), ids=list(ELSEWHERE))
def test_a_block_that_is_run_elsewhere_is_run_there(block: str, file: str) -> None:
    assert (ROOT / file).exists()
    assert file.endswith(".py") or block.strip() in (ROOT / file).read_text()
