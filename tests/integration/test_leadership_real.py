"""Two managers on the real API server: one works at a time, and the other goes on when it dies."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from capelin.api.cluster import CLUSTER_FINALIZER
from capelin.runtime.leases import Terms
from capelin.runtime.seams import SystemClock
from tests.integration.realserver import RealServer, assets, missing, running

pytestmark = [pytest.mark.real, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
USERS = ("manager-one", "manager-two")
WRITES = ("create", "update", "patch", "delete")
MARGIN = timedelta(seconds=10)  # a try comes every two seconds, and the machine has other work


@dataclass
class Managers:
    """A server that writes down who asked what, and managers that compete on it, by the user they log in as."""

    server: RealServer
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, user: str) -> None:
        options = ["--kubeconfig", str(self.server.kubeconfig(user, "system:masters")), "--leader-elect", "--health-address", ""]
        options += ["--metrics-address", "", "--webhook-address", "", "--controllers", "cluster"]
        command = [sys.executable, "-m", "capelin.cli", "manager", *options]
        with (self.server.folder / f"{user}.log").open("ab") as log:
            self.running[user] = subprocess.Popen(command, stdout=log, stderr=log)

    def kubectl(self, line: str, document: dict[str, Any] | None = None) -> str:
        command = [str(self.server.assets / "kubectl"), "--kubeconfig", str(self.server.kubeconfig()), *line.split()]
        sent = json.dumps(document) if document else None
        return subprocess.run(command, capture_output=True, text=True, check=True, input=sent).stdout

    def create(self, name: str) -> None:
        spec = {"controlPlaneEndpoint": {"host": "example.org", "port": 6443}}
        metadata = {"name": name, "namespace": "default"}
        document = {"apiVersion": "cluster.x-k8s.io/v1beta2", "kind": "Cluster", "metadata": metadata, "spec": spec}
        self.kubectl("create -f -", document)

    def has_been_seen(self, name: str) -> bool:
        return CLUSTER_FINALIZER in self.kubectl(f"get cluster {name} -o jsonpath={{.metadata.finalizers}}")

    def leader(self) -> str:
        """Return the user as whom the holder of the lease logs in, empty when nobody holds it."""
        holder = self.kubectl("get lease capelin-manager -n default --ignore-not-found -o jsonpath={.spec.holderIdentity}")
        return next((user for user, process in self.running.items() if f"-{process.pid}-" in holder), "")

    def writers(self) -> list[str]:
        """Return who wrote, in the order of the writes; the lease itself is everybody's."""
        events = [json.loads(line) for line in (self.server.folder / "audit.log").read_text().splitlines()]
        events.sort(key=lambda event: str(event["requestReceivedTimestamp"]))
        return [
            event["user"]["username"]
            for event in events
            if event["verb"] in WRITES and event["user"]["username"] in USERS and event["objectRef"]["resource"] != "leases"
        ]


@pytest.fixture
def managers(tmp_path: Path) -> Iterator[Managers]:
    programs = assets()
    if programs is None:
        missing("the real server is not built (make envtest)")
    with running(tmp_path, programs, audit=True) as server:
        managers = Managers(server)
        managers.kubectl(f"apply --server-side -k {ROOT / 'config/crd'}")
        managers.kubectl("wait crd --all --for=condition=Established --timeout=30s")
        try:
            yield managers
        finally:
            for process in managers.running.values():
                process.kill()
                process.wait()


async def _becomes(holds: Callable[[], bool], *, within: timedelta) -> None:
    clock = SystemClock()
    deadline = clock.monotonic() + within.total_seconds()
    while not holds():
        assert clock.monotonic() < deadline, f"did not come true within {within}"
        await clock.sleep(timedelta(milliseconds=200))


async def test_of_two_managers_one_works_and_the_other_takes_over_when_it_dies_or_leaves(managers: Managers) -> None:
    for user in USERS:
        managers.start(user)
    managers.create("first")
    await _becomes(lambda: managers.has_been_seen("first"), within=3 * MARGIN)
    leader = managers.leader()
    (other,) = set(USERS) - {leader}

    managers.running[leader].kill()
    managers.running[leader].wait()
    managers.create("second")
    await _becomes(lambda: managers.has_been_seen("second"), within=Terms().lease + MARGIN)
    assert managers.leader() == other

    managers.start(leader)  # comes back, and waits for its turn
    managers.create("third")
    await _becomes(lambda: managers.has_been_seen("third"), within=MARGIN)
    assert managers.leader() == other

    managers.running[other].terminate()  # told to leave, it hands over at once
    assert managers.running[other].wait(MARGIN.total_seconds()) == 0
    managers.create("fourth")
    await _becomes(lambda: managers.has_been_seen("fourth"), within=MARGIN)
    assert managers.leader() == leader

    writers = managers.writers()
    changes = [writer for place, writer in enumerate(writers) if place == 0 or writers[place - 1] != writer]
    assert changes == [leader, other, leader]
