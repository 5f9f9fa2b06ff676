"""`kill -9` at random moments: what was acknowledged is there, and the next run goes on to the same end."""

from __future__ import annotations

import asyncio
import json
import os
import random  # noqa: TID251 - seeded, so that a moment that fails can be had again
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from capelin.runtime.seams import SystemClock
from tests.e2e.management import OURS, SAMPLE, Management, capelin, embedded
from tests.integration.realserver import free_ports

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

SEEDS = range(20)
GATE = range(4)
"""The seeds that continuous integration runs: each of the moments below, and one of them twice."""

SURGE = 1
UPGRADED = "v1.35.0"
SPEC = json.dumps({"spec": {"replicas": 4, "template": {"spec": {"version": UPGRADED}}}}, separators=(",", ":"))


@dataclass(frozen=True)
class Moment:
    """What is under way when the process is killed: a kubectl command, how long it takes to come true, and what is to come of it."""

    command: str
    takes: timedelta
    workers: int
    version: str = "v1.34.0"


CREATE = Moment(f"apply -f {SAMPLE}", timedelta(seconds=5), workers=3)
ROLL_OUT = Moment(f"patch md quickstart-workers --type=merge -p {SPEC}", timedelta(seconds=8), workers=4, version=UPGRADED)
DELETE = Moment("delete cluster quickstart --ignore-not-found", timedelta(seconds=2), workers=0)
MOMENTS = (CREATE, ROLL_OUT, DELETE)


@pytest.fixture
def management(tmp_path: Path) -> Iterator[Management]:
    with embedded(tmp_path, *free_ports(1)) as running:
        yield running


@pytest.mark.parametrize("seed", [pytest.param(seed, marks=[pytest.mark.gate] if seed in GATE else []) for seed in SEEDS])
async def test_what_was_begun_is_ended_after_a_kill(management: Management, tmp_path: Path, seed: int) -> None:
    moment, drawn = MOMENTS[seed % len(MOMENTS)], random.Random(seed)
    if moment is not CREATE:
        management.kubectl(CREATE.command)
        await _ready(management, CREATE)

    for _ in range(drawn.choice((1, 2))):
        await _strike(management, moment, drawn.random() * moment.takes)
    management.kubectl(moment.command, timeout=90)  # a command that was cut off is given again, as a user would

    if moment is not DELETE:
        await _ready(management, moment)
        _nothing_twice(management, moment, tmp_path)
        management.kubectl(DELETE.command, timeout=90)
    await _nothing_left(management, tmp_path)


async def _strike(management: Management, moment: Moment, delay: timedelta) -> None:
    """Kill the process a while after the command was begun, and start it again."""
    command = [str(management.program), *moment.command.split()]
    environment = {**os.environ, "KUBECONFIG": str(management.kubeconfig)}
    begun = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    await SystemClock().sleep(delay)
    management.kill()
    begun.kill()
    begun.wait()
    management.start()


async def _ready(management: Management, moment: Moment) -> None:
    """Return once the cluster is as it should be; on the way there is never a machine too many."""
    async with asyncio.timeout(60):
        while not _is_ready(management, moment):
            await SystemClock().sleep(timedelta(milliseconds=300))


def _is_ready(management: Management, moment: Moment) -> bool:
    machines = management.items("machines")
    staying = [machine for machine in machines if "deletionTimestamp" not in machine["metadata"]]
    assert len(staying) <= 1 + moment.workers + SURGE
    if len(machines) != 1 + moment.workers or not all(_is(machine, "Ready") for machine in machines):
        return False
    workers = [machine for machine in machines if "cluster.x-k8s.io/deployment-name" in machine["metadata"].get("labels", {})]
    clusters = management.items("clusters")
    return {machine["spec"]["version"] for machine in workers} == {moment.version} and all(_is(c, "Available") for c in clusters)


def _is(item: dict[str, Any], condition: str) -> bool:
    conditions = item.get("status", {}).get("conditions", [])
    return any(found["type"] == condition and found["status"] == "True" for found in conditions)


def _nothing_twice(management: Management, moment: Moment, folder: Path) -> None:
    """Every Machine has one of each, and nobody has one without a Machine."""
    wanted = 1 + moment.workers
    machines = {machine["status"]["nodeRef"]["name"] for machine in management.items("machines")}
    kubeconfig = folder / "workload.kubeconfig"
    kubeconfig.touch(mode=0o600)
    kubeconfig.write_text(capelin("get", "kubeconfig", "quickstart", "--kubeconfig", str(management.kubeconfig)).stdout)
    nodes = json.loads(management.kubectl(f"--kubeconfig {kubeconfig} get nodes -o json"))["items"]
    assert {node["metadata"]["name"] for node in nodes} == machines
    assert len(nodes) == wanted
    assert len({node["spec"]["providerID"] for node in nodes}) == wanted
    assert len(management.items("devmachines")) == wanted
    assert len(management.items("kubeadmconfigs")) == wanted
    sets = [item["spec"]["replicas"] for item in management.items("machinesets")]
    assert sum(sets) == moment.workers
    assert len([replicas for replicas in sets if replicas]) == 1


async def _nothing_left(management: Management, folder: Path) -> None:
    """No object, no Secret of the cluster and no open port remain."""
    selector = "-l cluster.x-k8s.io/cluster-name=quickstart"
    async with asyncio.timeout(30):
        while management.items(f"{OURS},secrets,configmaps {selector}") or management.items(OURS):
            await SystemClock().sleep(timedelta(milliseconds=300))
    assert management.items("secrets") == []
    assert _listening(management) == {_port(management.kubeconfig), _webhook_port(management)}


def _webhook_port(management: Management) -> int:
    """Return where the API server asks the webhooks of the process that runs now."""
    path = "{.items[0].webhooks[0].clientConfig.url}"
    url = management.kubectl(f"get validatingwebhookconfigurations -o jsonpath={path}")
    return int(url.removeprefix("https://127.0.0.1:").partition("/")[0])


def _port(kubeconfig: Path) -> int:
    return int(kubeconfig.read_text().partition("server: https://127.0.0.1:")[2].split()[0])


def _listening(management: Management) -> set[int]:
    """Return the loopback ports on which the process that runs now listens."""
    process = json.loads((management.kubeconfig.parent / "running.json").read_text())["pid"]
    sockets = set()
    for descriptor in Path(f"/proc/{process}/fd").iterdir():
        with suppress(OSError):  # it was closed meanwhile
            sockets.add(str(descriptor.readlink()))
    rows = [line.split() for line in Path(f"/proc/{process}/net/tcp").read_text().splitlines()[1:]]
    return {int(row[1].partition(":")[2], 16) for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in sockets}
