"""The promises of the tree itself: doors, image, locks, generated marks."""

from __future__ import annotations

import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("door", ["api", "controllers", "webhooks"])
def test_the_doors_at_the_root_lead_into_the_package(door: str) -> None:
    link = ROOT / door

    assert link.is_symlink()
    assert link.resolve() == ROOT / "src" / "capelin" / door


def test_every_generated_mark_matches_a_file() -> None:
    patterns = [line.split()[0] for line in (ROOT / ".gitattributes").read_text().splitlines() if "linguist-generated" in line]

    unmatched = [pattern for pattern in patterns if not list(ROOT.glob(pattern))]

    assert patterns
    assert unmatched == []


def _dockerfile_instructions() -> list[tuple[str, str]]:
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if line and not line.startswith("#")]
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


def test_every_path_the_image_copies_from_the_tree_exists() -> None:
    copies = [shlex.split(rest) for word, rest in _dockerfile_instructions() if word == "COPY" and not rest.startswith("--from")]

    missing = [source for copy in copies for source in copy[:-1] if not (ROOT / source).exists()]

    assert copies
    assert missing == []


def test_the_image_runs_the_manager_without_privileges() -> None:
    instructions = dict(_dockerfile_instructions())

    assert instructions["ENTRYPOINT"] == '["capelin", "manager"]'
    assert instructions["USER"] not in ("", "root", "0", "0:0")


def test_every_command_of_the_image_parses() -> None:
    commands = [rest for word, rest in _dockerfile_instructions() if word == "RUN"]

    for command in commands:
        subprocess.run(["bash", "-n", "-c", command], check=True)


def test_a_base_install_has_at_most_forty_packages() -> None:
    lock = tomllib.loads((ROOT / "uv.lock").read_text())
    packages = {package["name"]: package for package in lock["package"]}
    found: set[str] = set()
    waiting = ["capelin"]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [dependency["name"] for dependency in packages[name].get("dependencies", ())]

    assert 10 < len(found) <= 41, sorted(found)  # the forty and capelin itself


@pytest.mark.parametrize("heavy", ["aiohttp", "pydantic", "msgspec", "rich", "kubernetes_asyncio", "cryptography", "yaml", "asyncio"])
def test_help_imports_nothing_heavy(heavy: str) -> None:
    program = "import sys; from capelin.cli.main import main; main(['--help'], standalone_mode=False); print(sorted(sys.modules))"

    printed = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout

    assert f"'{heavy}'" not in printed.splitlines()[-1]
