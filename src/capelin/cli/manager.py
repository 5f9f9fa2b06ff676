"""`capelin manager`."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import click

from capelin import assembly
from capelin.api.labels import WATCH_FILTER_LABEL
from capelin.api.meta import ObjectKey
from capelin.apiserver.serving import HttpEndpoints
from capelin.apiserver.storage.sqlite import SqliteDatabase
from capelin.apiserver.storage.store import Database, MemoryDatabase
from capelin.cli import webhooks
from capelin.cli.directory import DataDirectory
from capelin.cli.running import Running, Surroundings
from capelin.cli.session import find_access, kubeconfig_options, reporting
from capelin.cloud.inmemory.ports import SystemPorts
from capelin.cloud.inmemory.servers import ApiServers
from capelin.runtime import http, logs
from capelin.runtime.manager import Settings
from capelin.runtime.seams import SystemClock, SystemRandom, SystemThreads
from capelin.workload.keys import SystemKeys

LEASE_NAME = "capelin-manager"
IN_CLUSTER = "in-cluster"
"""The context of a Pod."""


def address(_context: click.Context, _parameter: click.Parameter, value: str | None) -> tuple[str, int] | None:
    """Turn `host:port` into its parts; an empty value means none."""
    if not value:
        return None
    host, _, port = value.rpartition(":")
    if not port.isdigit() or int(port) > 65535:
        raise click.BadParameter(f"found {value!r}; allowed is host:port, for example 127.0.0.1:9440")
    return host.strip("[]") or "127.0.0.1", int(port)


def controller_names(_context: click.Context, _parameter: click.Parameter, value: str) -> list[str]:
    """Turn a comma-separated list into the names of controllers there are."""
    names, known = [name for name in value.split(",") if name], [declaration.name for declaration in assembly.declarations()]
    if unknown := [name for name in names if name not in known]:
        raise click.BadParameter(f"found {', '.join(unknown)}; allowed are {', '.join(known)}")
    return names


def label(_context: click.Context, _parameter: click.Parameter, value: str | None) -> tuple[str, str] | None:
    """Turn the value of --watch-filter into the label objects must have."""
    return (WATCH_FILTER_LABEL, value) if value else None


@click.command("manager")
@kubeconfig_options
@click.option("--controllers", default="", callback=controller_names, help="Run only these controllers, separated by commas. Default: all.")
@click.option("--namespace", "namespaces", multiple=True, help="Watch only this namespace; may be repeated. Default: all.")
@click.option("--watch-filter", "only", callback=label, help=f"Reconcile only objects whose label {WATCH_FILTER_LABEL} has this value.")
@click.option("--leader-elect", is_flag=True, help="Work only while holding the lease, so that of several managers one works.")
@click.option("--leader-elect-namespace", help="Namespace of the lease. Default: that of the context or the Pod.")
@click.option(
    "--health-address",
    callback=address,
    default="127.0.0.1:9440",
    show_default=True,
    help="Where /healthz and /readyz answer; empty: nowhere.",
)
@click.option(
    "--metrics-address", callback=address, default="127.0.0.1:8080", show_default=True, help="Where /metrics answers; empty: nowhere."
)
@click.option(
    "--webhook-address",
    callback=address,
    default=webhooks.DEFAULT_ADDRESS,
    show_default=True,
    help="Where admission webhooks answer the API server; empty: nowhere, and what an API server has been told of them stays.",
)
@click.option(
    "--webhook-url",
    callback=webhooks.base_url,
    help="https://host:port under which the API server reaches them. Default for a loopback address: that address.",
)
@click.option(
    "--webhook-service",
    callback=webhooks.service_key,
    help="namespace/name of the Service behind which the API server reaches them. Default in a Pod: capelin-system/capelin-webhook.",
)
@click.option(
    "--webhook-certificate-directory",
    "webhook_folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Show tls.crt and tls.key of this folder, which somebody else renews (cert-manager), and leave what API servers trust to them.",
)
@click.option("--otlp-endpoint", default="", help="Send traces to this OTLP/HTTP endpoint (needs the extra otlp).")
@click.option("--trace-ratio", type=click.FloatRange(0, 1), default=1.0, show_default=True, help="Share of the reconciles that are traced.")
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), help="Where the simulated provider keeps its clusters. Default: in memory."
)
@click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info", show_default=True)
@reporting
def command(
    kubeconfig: Path | None,
    context: str | None,
    controllers: list[str],
    namespaces: tuple[str, ...],
    only: tuple[str, str] | None,
    leader_elect: bool,
    leader_elect_namespace: str | None,
    health_address: tuple[str, int] | None,
    metrics_address: tuple[str, int] | None,
    webhook_address: tuple[str, int] | None,
    webhook_url: str | None,
    webhook_service: ObjectKey | None,
    webhook_folder: Path | None,
    otlp_endpoint: str,
    trace_ratio: float,
    data: Path | None,
    log_level: str,
) -> None:
    """Run the controllers against a Kubernetes API server until told to stop (SIGTERM)."""
    clock, random = SystemClock(), SystemRandom()
    logs.configure(clock, level=log_level)
    access = find_access(kubeconfig, context)
    namespace = leader_elect_namespace or access.namespace
    settings = Settings(
        plan=assembly.cache_plan(namespaces),
        only=only,
        lease=ObjectKey(namespace, LEASE_NAME) if leader_elect else None,
        identity=f"{socket.gethostname()}-{os.getpid()}-{random.uid()[:8]}",
    )

    served = webhooks.chosen(
        webhook_address, webhook_url, webhook_service, webhook_folder, namespace, in_cluster=access.context == IN_CLUSTER
    )

    async def run() -> None:
        async with AsyncExitStack() as stack:
            connection = access.connect(clock, random)
            stack.push_async_callback(connection.close)
            endpoints = HttpEndpoints()
            servers = ApiServers(await stack.enter_async_context(_database(data)), clock, random)
            stack.push_async_callback(endpoints.close_all)
            seams = assembly.Seams(clock, random, SystemKeys(SystemThreads()), http.connect, endpoints, servers, SystemPorts(random))
            surroundings = Surroundings(health_address, metrics_address, otlp_endpoint, trace_ratio)
            await Running(connection, access.address.url, seams, settings, controllers, surroundings, served).run()

    asyncio.run(run())


@asynccontextmanager
async def _database(folder: Path | None) -> AsyncIterator[Database]:
    """Yield the database of the simulated clusters: durable in `folder`, or in memory.

    Raises:
        DirectoryError: the folder cannot be used.
        DatabaseError: another process uses it.
    """
    if folder is None:
        yield MemoryDatabase()
        return
    directory = DataDirectory(folder)
    directory.prepare()
    database = await SqliteDatabase.open(directory.database, SystemThreads())
    try:
        yield database
    finally:
        await database.close()
