from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.gate]


def simulate(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONHASHSEED": "random"}  # the program has to see to its own
    command = [sys.executable, "-m", "capelin.simulation", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)


def test_seeds_are_run_and_counted() -> None:
    done = simulate("run", "--seeds", "2", "--from", "3", "--workload", "delete-while-creating", "--jobs", "1")

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("2 schedules, 0 broke a rule;")


def test_a_replay_tells_the_same_story_each_time() -> None:
    first, again = (simulate("replay", "3", "--workload", "delete-while-creating", "--trace") for _ in range(2))

    assert first.returncode == 0, first.stderr
    assert "DELETED clusters.cluster.x-k8s.io default/quickstart" in first.stdout
    assert first.stdout == again.stdout


def test_the_canary_finds_runs_equal_in_two_processes() -> None:
    done = simulate("canary", "--seeds", "2", "--workload", "delete-while-creating", "--jobs", "2")

    assert (done.returncode, done.stdout) == (0, "2 seeds, twice each: equal\n"), done.stderr


def test_a_workload_survives_crashes_at_chosen_calls() -> None:
    done = simulate("crash", "--workload", "delete-while-creating", "--every", "120", "--jobs", "1")

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith(" 0 did not recover\n")


def test_an_unknown_workload_is_refused_with_those_there_are() -> None:
    done = simulate("run", "--workload", "nonsense")

    assert done.returncode == 2
    assert "delete-while-creating" in done.stderr
