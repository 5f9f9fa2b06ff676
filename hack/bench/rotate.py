"""Change the authority behind the webhooks again and again while an API server asks them, and print what clients noticed.

    python -m hack.bench rotate [-n 100] [--server embedded|real] [--rate 50]

Every request is a dry-run create of a Machine, so that a mutating and a validating webhook are asked over TLS each time. A rotation is what
deleting the Secret asks for: a successor is announced, takes over, and the old authority is retired. Only the waiting between these steps
is shorter than in an installation.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from capelin import assembly
from capelin.api.machine import Machine
from capelin.api.meta import ObjectKey, Unstructured
from capelin.apiserver.admission.calling import ConnectedCaller
from capelin.apiserver.server import ApiServer
from capelin.apiserver.serving import HttpEndpoints
from capelin.apiserver.storage.store import MemoryDatabase
from capelin.cli import crds
from capelin.cli.webhooks import Webhooks
from capelin.cloud.inmemory.ports import SystemPorts
from capelin.cloud.inmemory.servers import ApiServers
from capelin.runtime import errors, http, logs
from capelin.runtime.admission.certificates import Terms
from capelin.runtime.admission.configurations import UrlTarget
from capelin.runtime.admission.keeping import SECRET_NAME, SECRETS
from capelin.runtime.client import ApiClient, Client
from capelin.runtime.inprocess import InProcess
from capelin.runtime.manager import Manager, Settings
from capelin.runtime.seams import SystemClock, SystemRandom, SystemThreads
from capelin.runtime.transport import Credentials, User
from capelin.workload.keys import SystemKeys
from tests.integration.realserver import assets, free_ports, running

HOST = "127.0.0.1"
SECRET = ObjectKey("kube-system", SECRET_NAME)
TERMS = Terms(
    look_again=timedelta(milliseconds=100),
    settling=timedelta(milliseconds=500),
    fresh=timedelta(milliseconds=700),
    retiring=timedelta(seconds=1),
)
ROTATION_TIMEOUT = timedelta(seconds=30)


@dataclass(slots=True)
class Load:
    """Requests at a steady rate, and what became of them."""

    client: Client
    rate: float
    latencies: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)

    async def run(self) -> None:
        """Send until cancelled, whether or not earlier requests have been answered."""
        clock, number = SystemClock(), 0
        begun = clock.monotonic()
        async with asyncio.TaskGroup() as requests:
            while True:
                requests.create_task(self._ask(number))
                number += 1
                await clock.sleep(timedelta(seconds=begun + number / self.rate - clock.monotonic()))

    async def _ask(self, number: int) -> None:
        clock = SystemClock()
        begun = clock.monotonic()
        reference = {"apiGroup": "infrastructure.cluster.x-k8s.io", "kind": "DevMachine", "name": "rotation"}
        spec = {"clusterName": "rotation", "bootstrap": {"dataSecretName": "rotation"}, "infrastructureRef": reference}
        document = {"metadata": {"name": f"rotation-{number}", "namespace": "default"}, "spec": spec}
        try:
            created = await self.client.create(Unstructured(Machine.resource, document), dry_run=True)
            if "labels" not in created.document["metadata"]:
                self.failures["no webhook was asked"] += 1
        except errors.ApiError as error:
            self.failures[str(error)[:300]] += 1
        self.latencies.append(clock.monotonic() - begun)


async def measure(client: Client, manager: Manager, rotations: int, rate: float) -> dict[str, Any]:
    """Return what clients noticed of so many rotations."""
    clock, load = SystemClock(), Load(client, rate)
    while not manager.leading:
        await clock.sleep(TERMS.look_again)
    begun = clock.monotonic()
    asking = asyncio.ensure_future(load.run())
    for _ in range(rotations):
        async with asyncio.timeout(ROTATION_TIMEOUT.total_seconds()):
            await _rotate(client)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    seconds, latencies = clock.monotonic() - begun, sorted(load.latencies)
    return {
        "rotations": rotations,
        "seconds": round(seconds, 1),
        "requests": len(latencies),
        "failures": sum(load.failures.values()),
        "messages": dict(load.failures),
        "latency_ms": {f"p{part}": round(latencies[len(latencies) * part // 100] * 1000, 1) for part in (50, 99)}
        | {"max": round(latencies[-1] * 1000, 1)},
    }


async def _rotate(client: Client) -> None:
    """Ask for a rotation, and return when the old authority is trusted no more."""
    before = await _files(client)
    await client.delete(SECRETS, SECRET)
    while True:
        await SystemClock().sleep(TERMS.look_again)
        after = await _files(client)
        if after and after["authority.crt"] != before["authority.crt"] and "retired.crt" not in after:
            return


async def _files(client: Client) -> dict[str, str]:
    secret = await client.get(SECRETS, SECRET)
    return secret.document["data"] if secret else {}


def run(server: str, rotations: int, rate: float, folder: Path) -> dict[str, Any]:
    """Return the figures of one server.

    Raises:
        SystemExit: the real server is not built.
    """
    if server == "embedded":
        return {"server": server, **asyncio.run(_run(_embedded(), rotations, rate))}
    programs = assets()
    if programs is None:
        raise SystemExit("the real server is not built: make envtest")
    with running(folder, programs) as real:
        return {"server": server, **asyncio.run(_run(_connected(real.credentials()), rotations, rate))}


async def _run(place: AbstractAsyncContextManager[Client], rotations: int, rate: float) -> dict[str, Any]:
    async with place as client, asyncio.TaskGroup() as tasks:
        await crds.install(client, SystemClock())
        manager = _manager(client)
        tasks.create_task(manager.run())
        try:
            return {"rate": rate, **await measure(client, manager, rotations, rate)}
        finally:
            manager.stop()


def _manager(client: Client) -> Manager:
    """Return a manager without controllers, which serves the webhooks as any does."""
    clock, random = SystemClock(), SystemRandom()
    manager = Manager(client, clock, random, Settings(plan=assembly.cache_plan()))
    servers, keys = ApiServers(MemoryDatabase(), clock, random), SystemKeys(SystemThreads())
    seams = assembly.Seams(clock, random, keys, http.connect, HttpEndpoints(), servers, SystemPorts(random))
    (port,) = free_ports(1)
    Webhooks((HOST, port), UrlTarget(f"https://{HOST}:{port}"), (HOST,), SECRET.namespace, terms=TERMS).serve(manager, seams)
    return manager


@asynccontextmanager
async def _embedded() -> AsyncIterator[Client]:
    server = ApiServer.in_memory(clock=SystemClock(), random=SystemRandom(), webhooks=ConnectedCaller(http.connect))
    await server.start()
    try:
        yield ApiClient(InProcess(server, User("admin", ("system:masters",))))
    finally:
        await server.stop()


@asynccontextmanager
async def _connected(credentials: Credentials) -> AsyncIterator[Client]:
    connection = http.connect(credentials)
    try:
        yield ApiClient(connection)
    finally:
        await connection.close()


def main(arguments: Sequence[str]) -> int:
    """Run the benchmark, print its figures as a line of JSON, and fail when a client noticed anything."""
    parser = argparse.ArgumentParser(prog="hack.bench rotate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", "--rotations", type=int, default=100, help="how often the authority changes")
    parser.add_argument("--server", choices=["embedded", "real"], default="embedded", help="which API server asks")
    parser.add_argument("--rate", type=float, default=50, help="requests a second")
    options = parser.parse_args(arguments)
    logs.configure(SystemClock(), level="error")
    with tempfile.TemporaryDirectory(prefix="capelin-bench-") as folder:
        figures = run(options.server, options.rotations, options.rate, Path(folder))
    print(json.dumps(figures))
    return 1 if figures["failures"] else 0
