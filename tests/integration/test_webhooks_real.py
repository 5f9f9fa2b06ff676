"""Managers that answer a real API server: on loopback, one after another and side by side."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from capelin.runtime.seams import SystemClock
from capelin.webhooks.catalog import MUTATING_CONFIGURATION, VALIDATING_CONFIGURATION
from tests import build
from tests.integration.realserver import RealServer, assets, free_ports, missing, running

pytestmark = [pytest.mark.real, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
CONFIGURATIONS = f"mutatingwebhookconfiguration/{MUTATING_CONFIGURATION} validatingwebhookconfiguration/{VALIDATING_CONFIGURATION}"
MARGIN = timedelta(seconds=30)


@dataclass
class Manager:
    """A running `capelin manager` and its ports."""

    process: subprocess.Popen[bytes]
    health: int
    webhooks: int

    @property
    def is_ready(self) -> bool:
        """Whether it says so."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.health}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except urllib.error.URLError:
            return False

    def stop(self) -> None:
        """End it as a user does."""
        self.process.terminate()
        self.process.wait(20)


@dataclass
class Installation:
    """A server with our kinds, and the managers that run on it."""

    server: RealServer
    managers: list[Manager] = field(default_factory=list)

    async def start(self, *options: str) -> Manager:
        """Start a manager and return once it is ready."""
        health, webhooks = free_ports(2)
        command = [
            sys.executable,
            "-m",
            "capelin.cli",
            "manager",
            "--kubeconfig",
            str(self.server.kubeconfig()),
            "--controllers",
            "cluster",
        ]
        command += ["--health-address", f"127.0.0.1:{health}", "--metrics-address", "", "--webhook-address", f"127.0.0.1:{webhooks}"]
        with (self.server.folder / f"manager-{len(self.managers)}.log").open("wb") as log:
            manager = Manager(subprocess.Popen([*command, *options], stdout=log, stderr=log), health, webhooks)
        self.managers.append(manager)
        await becomes(lambda: manager.is_ready)
        return manager

    def kubectl(self, line: str, document: dict[str, Any] | None = None) -> subprocess.CompletedProcess[str]:
        """Run kubectl as the administrator."""
        command = [str(self.server.assets / "kubectl"), "--kubeconfig", str(self.server.kubeconfig()), *line.split()]
        return subprocess.run(command, capture_output=True, text=True, input=json.dumps(document) if document else None)

    def webhooks(self) -> list[dict[str, Any]]:
        """Return how the API server reaches each webhook."""
        found = json.loads(self.kubectl(f"get {CONFIGURATIONS} -o json --ignore-not-found").stdout or '{"items": []}')["items"]
        return [webhook["clientConfig"] for each in found for webhook in each["webhooks"]]

    async def is_asked(self, manager: Manager) -> None:
        """Return once both configurations lead to that manager: it is ready before it has written them."""
        base = f"https://127.0.0.1:{manager.webhooks}/"

        def written() -> bool:
            found = self.webhooks()
            tasks = {config.get("url", "").removeprefix(base).partition("-")[0] for config in found}
            return tasks == {"mutate", "validate"}

        await becomes(written)

    def bundles(self) -> set[str]:
        """Return what the API server trusts."""
        return {config["caBundle"] for config in self.webhooks()}

    def create(self, name: str, version: str) -> subprocess.CompletedProcess[str]:
        """Try to create a Machine of that version."""
        document = build.machine(name, spec={"version": version}).wire()
        return self.kubectl("create --dry-run=server -o json -f -", {**document, "metadata": {"name": name, "namespace": "default"}})


async def becomes(holds: Callable[[], bool]) -> None:
    """Return once it holds."""
    clock = SystemClock()
    deadline = clock.monotonic() + MARGIN.total_seconds()
    while not holds():
        assert clock.monotonic() < deadline, f"did not come true within {MARGIN}"
        await clock.sleep(timedelta(milliseconds=200))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    """A server of its own: webhooks that nobody answers any more would refuse what other tests create."""
    programs = assets()
    if programs is None:
        missing("the real server is not built (make envtest)")
    with running(tmp_path_factory.mktemp("webhooks"), programs) as started:
        found = Installation(started)
        assert found.kubectl(f"apply --server-side -k {ROOT / 'config/crd'}").returncode == 0
        assert found.kubectl("wait crd --all --for=condition=Established --timeout=30s").returncode == 0
        yield started


@pytest.fixture
def installation(server: RealServer) -> Iterator[Installation]:
    """The server without managers and without anything they leave behind."""
    found = Installation(server)
    try:
        yield found
    finally:
        for manager in found.managers:
            manager.process.kill()
            manager.process.wait()
        found.kubectl(f"delete {CONFIGURATIONS} --ignore-not-found")
        found.kubectl("delete secret capelin-webhook-certificate -n default --ignore-not-found")


async def test_a_real_server_asks_the_manager_on_loopback(installation: Installation) -> None:
    manager = await installation.start()

    await becomes(lambda: "allowed is a semantic version" in installation.create("bad", "banana").stderr)
    good = json.loads(installation.create("good", "1.34.0").stdout)

    assert {config["url"].rpartition("/")[0] for config in installation.webhooks()} == {f"https://127.0.0.1:{manager.webhooks}"}
    assert good["spec"]["version"] == "v1.34.0"


async def test_a_restart_on_another_port_keeps_the_bundle(installation: Installation) -> None:
    first = await installation.start()
    await installation.is_asked(first)
    before = installation.bundles()
    first.stop()

    second = await installation.start()
    await installation.is_asked(second)

    assert installation.bundles() == before
    assert len(before) == 1
    assert {config["url"].rpartition("/")[0] for config in installation.webhooks()} == {f"https://127.0.0.1:{second.webhooks}"}


async def test_a_second_replica_is_ready_and_changes_nothing(installation: Installation) -> None:
    first = await installation.start("--leader-elect")
    await installation.is_asked(first)
    before = installation.webhooks()

    await installation.start("--leader-elect")

    assert installation.webhooks() == before
    assert before != []


async def test_who_takes_over_the_lead_is_asked_from_then_on(installation: Installation) -> None:
    first = await installation.start("--leader-elect")
    await installation.is_asked(first)
    second = await installation.start("--leader-elect")
    before = installation.bundles()

    first.stop()

    address = f"https://127.0.0.1:{second.webhooks}/"
    await becomes(lambda: all(config["url"].startswith(address) for config in installation.webhooks()))
    await becomes(lambda: installation.create("good", "v1.34.0").returncode == 0)
    assert installation.bundles() == before


async def test_configurations_that_were_installed_for_a_service_are_moved(installation: Installation) -> None:
    manifests = ROOT / "config/webhook/manifests.yaml"
    assert installation.kubectl(f"apply -f {manifests}").returncode == 0

    manager = await installation.start()
    await installation.is_asked(manager)

    assert all(set(config) == {"url", "caBundle"} for config in installation.webhooks())
    await becomes(lambda: "allowed is a semantic version" in installation.create("bad", "banana").stderr)
    assert manager.is_ready


async def test_a_manager_without_webhooks_leaves_alone_what_others_wrote(installation: Installation) -> None:
    first = await installation.start()
    await installation.is_asked(first)
    before = installation.webhooks()
    first.stop()

    await installation.start("--webhook-address", "")

    assert installation.webhooks() == before
    assert before != []
