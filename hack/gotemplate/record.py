"""Render the recorded templates with the real Go, and write down what comes out: `python -m hack.gotemplate.record [--check]`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.runtime.gotemplate.corpus import DATA, RECORDED, recorded

_BUILD = Path(__file__).with_name("build.sh")


def main() -> int:
    """Write the record; with --check, fail when it is not current."""
    program = Path(subprocess.run([_BUILD], check=True, capture_output=True, text=True).stdout.strip())
    answers = rendered(program, (example["template"] for example in recorded()), DATA)
    text = "".join(json.dumps(answer, ensure_ascii=False) + "\n" for answer in answers)
    if "--check" in sys.argv[1:]:
        return 0 if RECORDED.read_text() == text else 1
    RECORDED.write_text(text)
    return 0


def rendered(program: Path, templates: Iterable[str], data: Any) -> list[dict[str, str]]:
    """Return what Go makes of the templates: each with `output` or `error`."""
    lines = "\n".join(json.dumps({"template": template, "data": data}) for template in templates)
    answers = subprocess.run([program], input=lines, check=True, capture_output=True, text=True).stdout
    return [json.loads(line) for line in answers.split("\n") if line]


if __name__ == "__main__":
    sys.exit(main())
