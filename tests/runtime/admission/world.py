"""Replicas that serve webhooks, over one fake API server and one clock."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from capelin.api.meta import ObjectKey
from capelin.runtime.admission.certificates import Maker, Terms
from capelin.runtime.admission.configurations import RESOURCES, Configurations, Target, UrlTarget
from capelin.runtime.admission.keeping import SECRET_NAME, SECRETS, SecretKeeper
from capelin.runtime.admission.server import AdmissionServer
from capelin.runtime.client import Client
from capelin.runtime.codec import Document
from capelin.runtime.transport import Handler, Request, Response, ServingIdentity
from tests.fakes import FakeClient, FakeClock, FakeKeys, FakeRecorder, settle

SECRET = ObjectKey("capelin-system", SECRET_NAME)
TERMS = Terms(authority=timedelta(hours=3), serving=timedelta(hours=1.5))
"""Lives short enough that tests live through them look by look."""


def configuration(kind: str, *paths: str) -> Document:
    """Return a configuration as a catalog declares it."""
    webhooks = [{"name": f"{path}.example.org", "clientConfig": {"service": {"path": f"/{path}"}}, "sideEffects": "None"} for path in paths]
    return {"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": {"name": "capelin"}, "webhooks": webhooks}


DECLARED = (configuration("MutatingWebhookConfiguration", "mutate"), configuration("ValidatingWebhookConfiguration", "judge", "weigh"))


class Silent:
    """A `Handler` that is never asked."""

    async def send(self, request: Request) -> Response:
        raise AssertionError


@dataclass
class Windows:
    """`Endpoints` that remember what is shown."""

    shown: dict[tuple[str, int], ServingIdentity] = field(default_factory=dict)
    opened: list[ServingIdentity] = field(default_factory=list)
    closed: int = 0

    async def open(self, host: str, port: int, handler: Handler, identity: ServingIdentity) -> None:
        self.shown[host, port] = identity
        self.opened.append(identity)

    async def close(self, host: str, port: int) -> None:
        self.shown.pop((host, port), None)
        self.closed += 1


@dataclass
class Replica:
    """One process: it is dead when its memory is gone."""

    server: AdmissionServer
    windows: Windows
    recorder: FakeRecorder
    leads: bool = False

    @property
    def certificate(self) -> bytes:
        """What it shows (PEM); empty when it shows nothing."""
        return next((identity.certificate for identity in self.windows.shown.values()), b"")


@dataclass
class World:
    """An API server, and what replicas have made of it."""

    clock: FakeClock = field(default_factory=FakeClock)
    client: FakeClient = field(init=False)
    keys: FakeKeys = field(default_factory=FakeKeys)
    terms: Terms = TERMS

    def __post_init__(self) -> None:
        self.client = FakeClient(self.clock)

    def replica(
        self, *, leads: bool = False, client: Client | None = None, host: str = "127.0.0.1", target: Target | None = None
    ) -> Replica:
        """Return a replica that has not begun."""
        client, windows, recorder = client or self.client, Windows(), FakeRecorder()
        keeper = SecretKeeper(client, SECRET, Maker((host,), self.keys, self.terms), self.clock, recorder)
        configurations = Configurations(client, DECLARED, target or UrlTarget(f"https://{host}:9443"))
        server = AdmissionServer(Silent(), host, 9443, windows, keeper, configurations, lambda: replica.leads, self.clock, terms=self.terms)
        replica = Replica(server, windows, recorder, leads)
        return replica

    @contextmanager
    def running(self, *replicas: Replica) -> Iterator[None]:
        """Run replicas while the body does."""
        tasks = [asyncio.ensure_future(replica.server.run()) for replica in replicas]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()

    async def rest(self) -> None:
        """Let everything run that need not wait."""
        await settle(200)

    async def pass_time(self, time: timedelta, *, step: timedelta = timedelta(minutes=1)) -> None:
        """Let time pass in steps, so that every look takes place in its time."""
        while time > timedelta():
            await self.clock.advance(min(step, time))
            time -= step

    @property
    def files(self) -> dict[str, bytes]:
        """What the Secret has."""
        stored = self.client.stored(SECRETS, SECRET)
        return {name: base64.b64decode(content) for name, content in (stored or {}).get("data", {}).items()}

    def change(self, **data: Any) -> None:
        """Replace files of the Secret; dots are spelled as underscores, None removes one."""
        stored = self.client.objects[SECRETS.group, SECRETS.plural, SECRET]
        for name, content in data.items():
            stored["data"].pop(name.replace("_", "."), None)
            if content is not None:
                stored["data"][name.replace("_", ".")] = base64.b64encode(content).decode()

    def published(self) -> list[bytes]:
        """Return the bundle of every webhook of every configuration that is there."""
        found = [self.client.stored(resource, ObjectKey("", "capelin")) for resource in RESOURCES.values()]
        return [base64.b64decode(webhook["clientConfig"]["caBundle"]) for each in found if each for webhook in each["webhooks"]]

    def urls(self) -> set[str]:
        """Return where API servers ask."""
        found = [self.client.stored(resource, ObjectKey("", "capelin")) for resource in RESOURCES.values()]
        return {webhook["clientConfig"]["url"] for each in found if each for webhook in each["webhooks"]}

    def mistrusted(self, replicas: Iterable[Replica]) -> list[int]:
        """Return which of the replicas that call themselves ready show what some published bundle does not trust."""
        ready = [(number, replica.certificate) for number, replica in enumerate(replicas) if replica.server.ready]
        return [number for number, certificate in ready for bundle in self.published() if not trusts(bundle, certificate)]


def trusts(bundle: bytes, certificate: bytes) -> bool:
    """Tell whether one of the authorities has signed a certificate."""
    found = x509.load_pem_x509_certificate(certificate)
    for authority in x509.load_pem_x509_certificates(bundle):
        try:
            found.verify_directly_issued_by(authority)
        except (InvalidSignature, ValueError):
            continue
        return True
    return False
