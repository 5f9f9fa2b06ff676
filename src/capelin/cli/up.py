"""`capelin up`: the embedded API server and all controllers in one process."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from capelin import assembly
from capelin.apiserver.admission.calling import ConnectedCaller
from capelin.apiserver.server import ApiServer
from capelin.apiserver.serving import HttpEndpoints
from capelin.apiserver.storage.sqlite import SqliteDatabase
from capelin.apiserver.tokens import ServiceAccountTokens
from capelin.cli import crds, webhooks
from capelin.cli.directory import AlreadyRunning, DataDirectory
from capelin.cli.identity import WEBHOOK_CALLER, ManagementIdentity, token_key, write_private
from capelin.cli.running import Running
from capelin.cli.session import reporting
from capelin.cli.webhooks import Webhooks
from capelin.cloud.inmemory.ports import SystemPorts
from capelin.cloud.inmemory.servers import ApiServers
from capelin.runtime import http, logs
from capelin.runtime.admission.configurations import UrlTarget
from capelin.runtime.client import ApiClient
from capelin.runtime.inprocess import InProcess
from capelin.runtime.manager import Settings, stop_on_signals
from capelin.runtime.seams import Random, SystemClock, SystemRandom, SystemThreads
from capelin.runtime.transport import User
from capelin.workload.keys import SystemKeys

HOST = "127.0.0.1"
DEFAULT_PORT = 6440
CONTROLLERS = User("capelin-controllers", ("capelin:controllers",))
MANAGEMENT_PARTITION = "management"
WEBHOOK_PORTS = range(19_000, 20_000)
"""None that a simulated cluster is given: theirs are stored, and opened again only after we have chosen one for the webhooks."""
OWN_NAMESPACE = "kube-system"
"""Where we keep what is our own: it is always there, and out of users' way."""


@dataclass(frozen=True, slots=True)
class Extent:
    """How much of Capelin runs."""

    controllers: bool = True
    webhooks: bool = True

    @property
    def options(self) -> list[str]:
        """The options that say so."""
        return [*([] if self.controllers else ["--server-only"]), *([] if self.webhooks else ["--no-webhooks"])]


def data_option(command: Callable[..., None]) -> Callable[..., None]:
    """Add --data."""
    return click.option(
        "--data",
        type=click.Path(path_type=Path, file_okay=False),
        help="Data directory. Default: $CAPELIN_DATA, else ~/.local/share/capelin.",
    )(command)


port_option = click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=DEFAULT_PORT,
    show_default=True,
    envvar="CAPELIN_PORT",
    show_envvar=True,
    help="Port of the API on loopback.",
)


@click.command("up")
@data_option
@port_option
@click.option("--detach", is_flag=True, help="Go on in the background once the API answers; `capelin down` stops it.")
@click.option("--server-only", is_flag=True, help="Start the API server without controllers; run them with `capelin manager`.")
@click.option("--no-webhooks", is_flag=True, help="Run the controllers without admission webhooks: the API takes what the schemas allow.")
@click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="warning", show_default=True)
@click.option("--ready-descriptor", type=int, hidden=True, help="Write a line to this file descriptor once the API answers.")
@reporting
def command(
    data: Path | None, port: int, detach: bool, server_only: bool, no_webhooks: bool, log_level: str, ready_descriptor: int | None
) -> None:
    """Start the embedded API server and all controllers on this machine."""
    directory = DataDirectory(data) if data else DataDirectory.default()
    directory.prepare()
    extent = Extent(controllers=not server_only, webhooks=not no_webhooks)
    if detach:
        start_detached(directory, port, extent=extent, log_level=log_level)
        click.echo(how_to_use(directory))
        return
    logs.configure(SystemClock(), level=log_level)

    def started() -> None:
        if ready_descriptor is None:
            click.echo(how_to_use(directory))
        else:
            os.write(ready_descriptor, b"ready\n")
            os.close(ready_descriptor)

    with directory.held():
        asyncio.run(_serve(directory, port, extent, started))


def how_to_use(directory: DataDirectory) -> str:
    """Return what a user types next."""
    return (
        f"The management API is up.\n\n  export KUBECONFIG={directory.kubeconfig}\n"
        f"  kubectl get clusters -A\n\nStop it with: {directory.down_command}"
    )


def start_detached(directory: DataDirectory, port: int, *, extent: Extent = Extent(), log_level: str = "warning") -> None:
    """Start `capelin up` as a process of its own and return once it is ready.

    Raises:
        AlreadyRunning: there is one on the data directory.
        click.ClickException: it ended instead; the message has the end of its log.
    """
    holder = directory.holder()
    if holder is not None:
        raise AlreadyRunning(f"data directory {directory.path}: process {holder} is running on it; stop it with capelin down")
    reading, writing = os.pipe()
    options = ["--data", str(directory.path), "--port", str(port), "--log-level", log_level, "--ready-descriptor", str(writing)]
    command = [sys.executable, "-m", "capelin.cli", "up", *options, *extent.options]
    descriptor = os.open(directory.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "wb") as log:
        process = subprocess.Popen(  # noqa: S603 - this very program, with arguments of our own
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=(writing,), start_new_session=True, cwd=directory.path
        )
    os.close(writing)
    with open(reading, "rb") as pipe:
        answer = pipe.readline()  # ends, too, when the process does
    if answer != b"ready\n":
        process.wait()
        told = directory.log.read_text(errors="replace").strip().splitlines()
        raise click.ClickException("\n".join(line.removeprefix("Error: ") for line in told[-10:]) or "the API server ended without a word")


@asynccontextmanager
async def _released(*release: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Call all of `release`, last first, when the block ends, however it ends."""
    async with AsyncExitStack() as stack:
        for call in release:
            stack.push_async_callback(call)
        yield


async def _serve(directory: DataDirectory, port: int, extent: Extent, started: Callable[[], None]) -> None:
    """Serve the API, run the controllers, and return when told to stop.

    Raises:
        click.ClickException: the port is taken.
        DatabaseError: the data cannot be used.
    """
    clock, random, threads = SystemClock(), SystemRandom(), SystemThreads()
    keys, endpoints = SystemKeys(threads), HttpEndpoints()
    identity = await ManagementIdentity.at(directory.path / "pki", keys, clock)
    database = await SqliteDatabase.open(directory.database, threads)
    store = await database.store(MANAGEMENT_PARTITION)
    tokens = ServiceAccountTokens.of(await token_key(directory.path / "pki", keys), store, clock)
    login = await identity.webhook_login()
    caller = ConnectedCaller(http.connect, certificate=login.certificate, key=login.key)
    server = ApiServer(store, clock=clock, random=random, tokens=tokens, webhooks=caller)
    async with _released(database.close, server.stop, endpoints.close_all):
        await server.start()
        try:
            await endpoints.open(HOST, port, server, await identity.serving())
        except OSError as error:
            raise click.ClickException(f"port {port} on {HOST} cannot be taken ({error.strerror}); choose another with --port") from error
        connection = InProcess(server, CONTROLLERS)
        await crds.install(ApiClient(connection), clock)
        if not (extent.controllers and extent.webhooks):
            await webhooks.withdraw(ApiClient(connection))
        write_private(directory.kubeconfig, await identity.admin_kubeconfig(f"https://{HOST}:{port}"))
        if not extent.controllers:
            await _until_stopped(started)
            return
        servers = ApiServers(database, clock, random)
        seams = assembly.Seams(clock, random, keys, http.connect, HttpEndpoints(), servers, SystemPorts(random))
        served = _webhooks(random, identity) if extent.webhooks else None
        running = Running(connection, "in-process", seams, Settings(plan=assembly.cache_plan()), webhooks=served)
        await running.run(started=started)


async def _until_stopped(started: Callable[[], None]) -> None:
    stopping = asyncio.Event()
    stop_on_signals(stopping.set)
    started()
    await stopping.wait()


def _webhooks(random: Random, identity: ManagementIdentity) -> Webhooks:
    """Return how our own server is answered: over the network as any other, on a port that may be another in every run."""
    port = SystemPorts(random, WEBHOOK_PORTS).free(HOST, ())
    target = UrlTarget(f"https://{HOST}:{port}")
    authority = identity.authority.certificate
    return Webhooks((HOST, port), target, (HOST,), OWN_NAMESPACE, caller=WEBHOOK_CALLER, authority=authority)
