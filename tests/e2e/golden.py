"""Golden files: what a scenario is to print, word for word."""

from __future__ import annotations

import os
from difflib import unified_diff
from pathlib import Path

from tests.e2e.kubectl import Kubectl, version

FOLDER = Path(__file__).parent / "golden"


def check(kubectl: Kubectl) -> None:
    """Compare what kubectl said with golden/SCENARIO.txt, or with golden/SCENARIO.vVERSION.txt where that version words things differently.

    With CAPELIN_UPDATE_GOLDEN=1 the file is written instead.
    """
    own = FOLDER / f"{kubectl.scenario}.v{version(kubectl.program)}.txt"
    path = own if own.exists() else FOLDER / f"{kubectl.scenario}.txt"
    got = "".join(kubectl.transcript)
    if os.environ.get("CAPELIN_UPDATE_GOLDEN") == "1":
        path.write_text(got)
    difference = "\n".join(unified_diff(path.read_text().splitlines(), got.splitlines(), path.name, "now", lineterm=""))
    assert not difference, f"kubectl says something else\n{difference}"
