"""A24, A25: who asks the webhooks without being their API server, or asks nonsense; and what still works while they are down."""

from __future__ import annotations

import asyncio
import io
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from capelin import assembly
from capelin.api.cluster import Cluster
from capelin.api.machine import Machine
from capelin.api.meta import ObjectKey
from capelin.apiserver.admission.calling import ConnectedCaller
from capelin.apiserver.server import ApiServer
from capelin.apiserver.serving import HttpEndpoints
from capelin.apiserver.storage.store import MemoryDatabase
from capelin.cli import crds
from capelin.cli.identity import WEBHOOK_CALLER, ManagementIdentity
from capelin.cli.webhooks import Webhooks
from capelin.cloud.inmemory.ports import SystemPorts
from capelin.cloud.inmemory.servers import ApiServers
from capelin.runtime import errors, http, tls
from capelin.runtime.admission.configurations import UrlTarget
from capelin.runtime.admission.reviews import ReviewRequest
from capelin.runtime.client import ApiClient
from capelin.runtime.inprocess import InProcess
from capelin.runtime.manager import Manager, Settings
from capelin.runtime.pki import KeyPair, issue
from capelin.runtime.seams import SystemClock, SystemRandom, SystemThreads
from capelin.runtime.transport import User
from capelin.workload.keys import SystemKeys
from tests import build
from tests.integration.realserver import free_ports
from tests.runtime.admission.asking import read_answer, review_body

pytestmark = [pytest.mark.slow, pytest.mark.gate]
HOST = "127.0.0.1"
PATH = "/validate-cluster-x-k8s-io-v1beta2-machine"
KEYS = SystemKeys(SystemThreads())


@dataclass
class Place:
    """An embedded API server whose manager serves webhooks, as `capelin up` has it, with the controllers that a test names."""

    client: ApiClient
    manager: Manager
    identity: ManagementIdentity
    url: str
    endpoints: HttpEndpoints

    async def ask(self, body: bytes, login: KeyPair | None, *, path: str = PATH) -> tuple[int, bytes]:
        """Ask the webhooks directly; return status and body of the answer."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # an attacker does not mind
        if login is not None:
            tls.show(context, login.certificate, login.key)
        headers = {"content-type": "application/json"}
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session,
            session.post(self.url + path, data=io.BytesIO(body), headers=headers) as answer,
        ):
            return answer.status, await answer.read()

    async def login(self, user: str) -> KeyPair:
        """Return a certificate of the management authority for a user."""
        key = await KEYS.generate("ECDSA-P256")
        clock = SystemClock()
        return issue(self.identity.authority, key, common_name=user, usage="client", now=clock.now(), valid_for=timedelta(hours=1))

    async def becomes(self, settled: Callable[[Cluster | None], bool]) -> None:
        """Return once the Cluster is as it should be."""
        async with asyncio.timeout(30):
            while not settled(await self.client.get(Cluster, build.cluster().key)):
                await SystemClock().sleep(timedelta(milliseconds=20))

    async def go_down(self) -> None:
        """Let nobody answer any more where the API server asks."""
        await self.endpoints.close_all()


@asynccontextmanager
async def place(folder: Path, *controllers: str) -> AsyncIterator[Place]:
    clock, random = SystemClock(), SystemRandom()
    identity, endpoints = await ManagementIdentity.at(folder / "pki", KEYS, clock), HttpEndpoints()
    login = await identity.webhook_login()
    caller = ConnectedCaller(http.connect, certificate=login.certificate, key=login.key)
    server = ApiServer.in_memory(clock=clock, random=random, webhooks=caller)
    await server.start()
    client = ApiClient(InProcess(server, User("admin", ("system:masters",))))
    await crds.install(client, clock)
    servers = ApiServers(MemoryDatabase(), clock, random)
    seams = assembly.Seams(clock, random, KEYS, http.connect, endpoints, servers, SystemPorts(random))
    manager = Manager(client, clock, random, Settings(plan=assembly.cache_plan(), after_sync=lambda: None))
    if controllers:
        assembly.assemble(manager, seams, controllers=controllers)
    (port,) = free_ports(1)
    url, authority = f"https://{HOST}:{port}", identity.authority.certificate
    Webhooks((HOST, port), UrlTarget(url), (HOST,), "kube-system", caller=WEBHOOK_CALLER, authority=authority).serve(manager, seams)
    working = asyncio.Event()
    manager.before_work("told", _setting(working))
    running = asyncio.ensure_future(manager.run())
    await working.wait()
    try:
        yield Place(client, manager, identity, url, endpoints)
    finally:
        manager.stop()
        await running
        await endpoints.close_all()
        await server.stop()


def _setting(event: asyncio.Event) -> Any:
    async def call() -> None:
        event.set()

    return call


def review(**changes: Any) -> ReviewRequest:
    machine = build.machine()
    found = {"uid": "u-1", "operation": "CREATE", "resource": Machine.resource, "namespace": "default", "name": machine.key.name}
    return ReviewRequest(**{**found, "object": machine.wire(), **changes})


async def test_a_caller_without_a_certificate_gets_no_answer(tmp_path: Path) -> None:
    async with place(tmp_path) as here:
        status, body = await here.ask(review_body(review()), None)

    assert status == 403
    assert b"u-1" not in body


async def test_a_caller_with_somebody_elses_certificate_gets_no_answer(tmp_path: Path) -> None:
    async with place(tmp_path) as here:
        status, _ = await here.ask(review_body(review()), await here.login("mallory"))

    assert status == 403


async def test_a_caller_whose_certificate_another_authority_signed_is_not_even_heard(tmp_path: Path) -> None:
    forged = await ManagementIdentity.at(tmp_path / "forged", KEYS, SystemClock())

    async with place(tmp_path) as here:
        with pytest.raises((aiohttp.ClientError, ssl.SSLError)):
            await here.ask(review_body(review()), await forged.webhook_login())


async def test_a_replayed_review_changes_nothing_and_gets_the_same_answer(tmp_path: Path) -> None:
    async with place(tmp_path) as here:
        login, body = await here.login(WEBHOOK_CALLER), review_body(review())
        before = await here.client.list(Machine)

        answers = [await here.ask(body, login) for _ in range(3)]

        assert len(set(answers)) == 1
        assert await here.client.list(Machine) == before == []


@pytest.mark.parametrize(
    ("body", "path", "status"),
    [
        pytest.param(review_body(review(object={"spec": "none"})), PATH, 200, id="an object that is no Machine"),
        pytest.param(review_body(review(object={"kind": "Secret", "apiVersion": "v1"})), PATH, 200, id="an unknown kind"),
        pytest.param(review_body(review()), "/validate-v1-secret", 404, id="a path of no webhook"),
        pytest.param(b"\x00\xff" * 1000, PATH, 400, id="garbage"),
        pytest.param(b'{"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview"}', PATH, 400, id="an older review"),
        pytest.param(b'{"a":' * 100_000, PATH, 400, id="a deep document"),
        pytest.param(b" " * (4 << 20), PATH, 413, id="a large body"),
    ],
)
async def test_nonsense_is_refused_and_never_a_server_error(body: bytes, path: str, status: int, tmp_path: Path) -> None:
    async with place(tmp_path) as here:
        got, answer = await here.ask(body, await here.login(WEBHOOK_CALLER), path=path)

    assert got == status
    if got == 200:
        refusal = read_answer(answer, "u-1").refusal
        assert refusal is not None
        assert 400 <= refusal.code < 500


async def test_while_webhooks_are_down_what_they_judge_is_refused_and_the_message_says_who_is_missing(tmp_path: Path) -> None:
    async with place(tmp_path) as here:
        stored = await here.client.create(build.machine("stored"))
        await here.go_down()

        with pytest.raises(errors.ApiError) as created:
            await here.client.create(build.machine("new"))
        with pytest.raises(errors.ApiError) as updated:
            await here.client.patch(Machine, stored.key, {"spec": {"version": "v1.35.0"}})

        for told in (created, updated):
            assert told.value.code == 500
            assert here.url in str(told.value)
            assert "machine.cluster.x-k8s.io" in str(told.value)
        assert await here.client.get(Machine, ObjectKey("default", "new")) is None


async def test_while_webhooks_are_down_statuses_metadata_and_deletions_still_pass(tmp_path: Path) -> None:
    async with place(tmp_path) as here:
        stored = await here.client.create(build.machine("stored"))
        await here.go_down()

        await here.client.patch(Machine, stored.key, {"status": {"phase": "Running"}}, subresource="status")
        await here.client.patch(Machine, stored.key, {"metadata": {"finalizers": ["example.org/hold"]}})
        await here.client.delete(Machine, stored.key)
        leaving = await here.client.get(Machine, stored.key)
        await here.client.patch(Machine, stored.key, {"metadata": {"finalizers": None}})

        assert leaving is not None
        assert leaving.status is not None
        assert leaving.status.phase == "Running"
        assert await here.client.get(Machine, stored.key) is None


async def test_while_webhooks_are_down_controllers_go_on(tmp_path: Path) -> None:
    async with place(tmp_path, "cluster") as here:
        cluster = await here.client.create(build.cluster())
        await here.becomes(lambda found: found is not None and bool(found.metadata.finalizers))
        await here.go_down()

        await here.client.delete(Cluster, cluster.key)

        await here.becomes(lambda found: found is None)
