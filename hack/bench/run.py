"""One fleet: created, left idle, deleted, and charged for."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp

from capelin.api import crds
from capelin.api.cluster import Cluster
from capelin.api.machine import Machine
from capelin.api.meta import ObjectKey, Resource, Unstructured
from capelin.runtime.client import ApiClient
from capelin.runtime.kubeconfig import load
from capelin.runtime.seams import SystemClock, SystemRandom
from capelin.runtime.transport import Handler, Request
from hack.bench import counters, fleet
from hack.bench.counters import Calls
from hack.bench.observe import Observation, observing
from hack.bench.processes import Measured
from tests.integration.realserver import assets, free_ports, running

Figures = dict[str, Any]

DEV_CONTROLLERS = ("devcluster", "devmachine")
WEBHOOKS_ARE_SERVED_BY = "core"
CREATORS = 8
"""Creates under way at once, as a busy GitOps tool has."""

_SETTLE = timedelta(seconds=5)
_NAMESPACES = Resource("", "v1", "namespaces", "Namespace", namespaced=False)
_BY_KIND = {kind.resource.kind: kind.resource for kind in crds.KINDS}


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured: which server, how many clusters, and how long is waited."""

    server: str  # embedded or real
    clusters: int
    idle_seconds: int
    timeout_seconds: int
    folder: Path
    webhooks: bool = True

    @property
    def machines(self) -> int:
        """How many machines the fleet has."""
        return self.clusters * fleet.MACHINES_PER_CLUSTER


@dataclass(slots=True)
class Bench:
    """The processes and the connection of one run."""

    plan: Plan
    kubeconfig: Path
    servers: list[Measured]
    managers: list[Measured]
    handler: Handler
    client: ApiClient
    own: Calls

    async def calls(self) -> Calls:
        """Return what the server has counted, without what this program asked."""
        response = await self.handler.send(Request("GET", "/metrics", headers={"accept": "text/plain"}))
        found = counters.parse(response.body.decode())
        found.subtract(self.own)
        return found

    async def create(self) -> None:
        """Create every object of the fleet, cluster by cluster, several at once."""
        waiting = iter(range(self.plan.clusters))

        async def creator() -> None:
            for number in waiting:
                for document in fleet.cluster("bench", f"c{number:04}"):
                    resource = _BY_KIND[document["kind"]]
                    await self.client.create(Unstructured(resource, document))
                    self.own["POST", resource.plural] += 1

        await asyncio.gather(*(creator() for _ in range(CREATORS)))

    async def delete(self) -> None:
        """Ask for the deletion of every Cluster."""
        for number in range(self.plan.clusters):
            await self.client.delete(Cluster, ObjectKey("bench", f"c{number:04}"))
            self.own["DELETE", "clusters"] += 1


def run(plan: Plan) -> Figures:
    """Return the figures of one fleet.

    Raises:
        TimeoutError: a step took longer than the plan allows; the message says how far it came.
    """
    with _server(plan) as (kubeconfig, servers), _managers(plan, kubeconfig) as managers:
        return asyncio.run(_measure(plan, kubeconfig, servers, managers))


async def _measure(plan: Plan, kubeconfig: Path, servers: list[Measured], managers: list[Measured]) -> Figures:
    async with _connected(plan, kubeconfig, servers, managers) as bench:
        machines, clusters = Observation(bench.client, Machine.resource, "Ready"), Observation(bench.client, Cluster.resource, "Available")
        async with observing(machines, clusters):
            await SystemClock().sleep(_SETTLE)
            bench.own[("WATCH", "machines")] += 1
            bench.own[("WATCH", "clusters")] += 1
            created = await _phase(bench, machines, clusters, create=True)
            idle = await _idle(bench)
            deleted = await _phase(bench, machines, clusters, create=False)
    sizes = {"clusters": plan.clusters, "machines": plan.machines}
    return {"server": plan.server, "webhooks": plan.webhooks, **sizes, **created, **idle, **deleted}


async def _phase(bench: Bench, machines: Observation, clusters: Observation, *, create: bool) -> Figures:
    clock, plan = SystemClock(), bench.plan
    before, begun, cpu = await bench.calls(), clock.monotonic(), _cpu(bench)
    try:
        async with asyncio.timeout(plan.timeout_seconds):
            if create:
                await bench.create()
                await machines.until_ready(plan.machines)
                await clusters.until_ready(plan.clusters)
            else:
                await bench.delete()
                await machines.until_gone()
                await clusters.until_gone()
    except TimeoutError as error:
        raise TimeoutError(f"after {plan.timeout_seconds} s: {machines}, {clusters}") from error
    seconds, used = clock.monotonic() - begun, _difference(_cpu(bench), cpu)
    await clock.sleep(_SETTLE)
    calls = await bench.calls()
    calls.subtract(before)
    return _created(bench, seconds, used, calls) if create else {"delete_seconds": round(seconds, 1), "delete_cpu_seconds": used}


def _created(bench: Bench, seconds: float, used: dict[str, float], calls: Calls) -> Figures:
    machines = bench.plan.machines
    ours = used["core"] + used["dev"]
    memory = {process.name: process.memory_mib() for process in (*bench.managers, *bench.servers)}
    return {
        "ready_seconds": round(seconds, 1),
        "controllers_cpu_seconds": round(used["core"], 2),
        "dev_provider_cpu_seconds": round(used["dev"], 2),
        "server_cpu_seconds": round(used["server"], 2),
        "calls": counters.total(calls),
        "per_machine": {
            "controllers_cpu_seconds": round(used["core"] / machines, 3),
            "with_dev_provider_cpu_seconds": round(ours / machines, 3),
            "server_cpu_seconds": round(used["server"] / machines, 3),
            "calls": round(counters.total(calls) / machines, 1),
            "writes": round(counters.writes(calls) / machines, 1),
            "by_verb_and_resource": {
                f"{verb} {resource}": round(count / machines, 2)
                for (verb, resource), count in sorted(calls.items())
                if count / machines >= 0.01
            },
        },
        "memory_mib": {name: {key: round(value) for key, value in found.items()} for name, found in memory.items()},
    }


async def _idle(bench: Bench) -> Figures:
    clock, plan = SystemClock(), bench.plan
    before, cpu = await bench.calls(), _cpu(bench)
    await clock.sleep(timedelta(seconds=plan.idle_seconds))
    used, calls = _difference(_cpu(bench), cpu), await bench.calls()
    calls.subtract(before)
    scale = 1000 / plan.idle_seconds / plan.clusters
    return {
        "idle": {
            "controllers_millicpu_per_cluster": round(used["core"] * scale, 2),
            "dev_provider_millicpu_per_cluster": round(used["dev"] * scale, 2),
            "calls_per_minute": round(counters.total(calls) * 60 / plan.idle_seconds, 1),
            "writes": counters.writes(calls),
            "memory_mib": {process.name: round(process.memory_mib()["now"]) for process in bench.managers},
        }
    }


def _cpu(bench: Bench) -> dict[str, float]:
    found: Counter[str] = Counter()
    for process in bench.managers:
        found[process.name] += process.cpu_seconds()  # type: ignore[assignment]  # seconds are no integers, and counters add anything
    server = sum(process.cpu_seconds() for process in bench.servers)
    return {**found, "server": server}


def _difference(after: dict[str, float], before: dict[str, float]) -> dict[str, float]:
    return {name: round(value - before[name], 2) for name, value in after.items()}


# -- what is measured ---------------------------------------------------------------------------------------------------------------


@contextmanager
def _server(plan: Plan) -> Iterator[tuple[Path, list[Measured]]]:
    """Run the management API; yield its kubeconfig and its processes."""
    if plan.server == "real":
        programs = assets()
        if programs is None:
            raise SystemExit("the real server is not built: make envtest")
        with running(plan.folder, programs) as server:
            processes = [Measured(name, server.processes[name]) for name in ("kube-apiserver",)]
            yield server.kubeconfig(), processes
        return
    data = plan.folder / "data"
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "capelin.cli", "up", "--data", str(data), "--port", str(port), "--server-only"]
    server_process = Measured.start("server", command, log=plan.folder / "server.log")
    try:
        asyncio.run(_until_exists(data / "kubeconfig", server_process))
        yield data / "kubeconfig", [server_process]
    finally:
        server_process.stop()


@contextmanager
def _managers(plan: Plan, kubeconfig: Path) -> Iterator[list[Measured]]:
    """Run the core controllers and the simulated provider, each in a process, once the CRDs are there."""
    subprocess.run(
        [sys.executable, "-m", "capelin.cli", "crds", "--install", "--kubeconfig", str(kubeconfig)], check=True, stdout=subprocess.DEVNULL
    )
    with ExitStack() as stack:
        processes = []
        for name, controllers in _split_controllers().items():
            (port,) = free_ports(1)
            command = [sys.executable, "-m", "capelin.cli", "manager", "--kubeconfig", str(kubeconfig), "--log-level", "warning"]
            command += ["--controllers", ",".join(controllers), "--health-address", f"127.0.0.1:{port}", "--metrics-address", ""]
            # One of the managers answers for all kinds.
            answers = plan.webhooks and name == WEBHOOKS_ARE_SERVED_BY
            command += ["--webhook-address", f"127.0.0.1:{free_ports(1)[0]}" if answers else ""]
            process = Measured.start(name, command, log=plan.folder / f"{name}.log")
            stack.callback(process.stop)
            asyncio.run(_until_healthy(port, process))
            processes.append(process)
        yield processes


def _split_controllers() -> dict[str, list[str]]:
    from capelin import assembly

    names = [declaration.name for declaration in assembly.declarations()]
    return {"core": [n for n in names if n not in DEV_CONTROLLERS], "dev": [n for n in names if n in DEV_CONTROLLERS]}


async def _until_exists(path: Path, process: Measured) -> None:
    while not path.exists():
        _check_alive(process)
        await SystemClock().sleep(timedelta(milliseconds=50))


async def _until_healthy(port: int, process: Measured) -> None:
    async with aiohttp.ClientSession() as session:
        while True:
            _check_alive(process)
            try:
                async with session.get(f"http://127.0.0.1:{port}/readyz") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await SystemClock().sleep(timedelta(milliseconds=100))


def _check_alive(process: Measured) -> None:
    if process.process.poll() is not None:
        raise RuntimeError(f"{process.name} ended with code {process.process.returncode}; its log is in the run's folder")


@asynccontextmanager
async def _connected(plan: Plan, kubeconfig: Path, servers: list[Measured], managers: list[Measured]) -> AsyncIterator[Bench]:
    connection = load([kubeconfig], SystemClock()).connect(SystemClock(), SystemRandom())
    try:
        client = ApiClient(connection)
        await client.create(Unstructured(_NAMESPACES, {"metadata": {"name": "bench"}}))
        yield Bench(plan, kubeconfig, servers, managers, connection, client, Counter())
    finally:
        await connection.close()
