"""How a manager of the command line serves its webhooks: the options, and what they come to."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import click

from capelin import assembly
from capelin.api.meta import ObjectKey
from capelin.runtime.admission.certificates import Maker, Terms
from capelin.runtime.admission.configurations import Configurations, ServiceTarget, Target, UrlTarget, remove
from capelin.runtime.admission.handler import AdmissionHandler
from capelin.runtime.admission.keeping import SECRET_NAME, MountedFiles, SecretKeeper, Source
from capelin.runtime.admission.metrics import WebhookMetrics
from capelin.runtime.admission.server import AdmissionServer
from capelin.runtime.client import Client
from capelin.runtime.manager import Manager
from capelin.webhooks import catalog

DEFAULT_ADDRESS = "127.0.0.1:9443"
DEFAULT_SERVICE = ObjectKey("capelin-system", "capelin-webhook")
"""As config/webhook names it."""


@dataclass(frozen=True, slots=True)
class Webhooks:
    """How webhooks are served.

    `target` is where API servers find them; None: who installed the configurations has said so there. `folder` has a certificate that
    somebody else renews; without one it is kept in a Secret of `namespace`. `caller` is who alone may ask, logged in with a certificate of
    `authority` (PEM).
    """

    address: tuple[str, int]
    target: Target | None
    hosts: tuple[str, ...]
    namespace: str
    folder: Path | None = None
    caller: str | None = None
    authority: bytes = b""
    terms: Terms = field(default_factory=Terms)

    def serve(self, manager: Manager, seams: assembly.Seams) -> AdmissionServer:
        """Have the manager serve webhooks from its start, and be known to its API server before its controllers work."""
        handler = AdmissionHandler(
            assembly.admission(manager), WebhookMetrics(manager.metrics.registry, seams.clock), seams.random, self.caller
        )
        target = self.target
        server = AdmissionServer(
            handler,
            *self.address,
            seams.endpoints,
            self._source(manager, seams),
            None if target is None else Configurations(manager.server, catalog.configurations(), target),
            lambda: manager.leading,
            seams.clock,
            self.authority,
            self.terms,
        )
        manager.background("webhooks", server.run)
        manager.before_work("webhooks", server.publish)
        manager.ready_when(lambda: server.ready)
        return server

    def _source(self, manager: Manager, seams: assembly.Seams) -> Source:
        if self.folder is not None:
            return MountedFiles(self.folder, seams.clock)
        key = ObjectKey(self.namespace, SECRET_NAME)
        return SecretKeeper(manager.server, key, Maker(self.hosts, seams.keys, self.terms), seams.clock, manager.recorder)


def chosen(
    address: tuple[str, int] | None, url: str | None, service: ObjectKey | None, folder: Path | None, namespace: str, *, in_cluster: bool
) -> Webhooks | None:
    """Return what the options come to; None: no webhooks.

    Raises:
        click.UsageError: they contradict each other, or leave open how API servers reach the webhooks.
    """
    if address is None:
        return None
    if url and service:
        raise click.UsageError("--webhook-url and --webhook-service: found both, allowed is one of them")
    if url is None and service is None:
        url, service = _default(address, in_cluster=in_cluster)
    if folder is not None:
        return Webhooks(address, None, (), namespace, folder)
    if service is not None:
        return Webhooks(address, ServiceTarget(service), service_hosts(service), namespace)
    assert url is not None  # noqa: S101 - one of the two is there, see above
    return Webhooks(address, UrlTarget(url), (urlsplit(url).hostname or "",), namespace)


def service_hosts(service: ObjectKey) -> tuple[str, ...]:
    """Return the names under which a Service is called."""
    name = f"{service.name}.{service.namespace}"
    return f"{name}.svc", f"{name}.svc.cluster.local"


async def withdraw(client: Client) -> None:
    """Delete the configurations that an earlier run has left: nobody answers where they point to."""
    await remove(client, catalog.configurations())


def base_url(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """Check the value of --webhook-url."""
    if not value:
        return None
    parts = urlsplit(value)
    if parts.scheme != "https" or not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
        raise click.BadParameter(f"found {value!r}; allowed is https://host:port")
    return value.rstrip("/")


def service_key(_context: click.Context, _parameter: click.Parameter, value: str | None) -> ObjectKey | None:
    """Turn `namespace/name` into a key."""
    if not value:
        return None
    namespace, _, name = value.partition("/")
    if not namespace or not name or "/" in name:
        raise click.BadParameter(f"found {value!r}; allowed is namespace/name")
    return ObjectKey(namespace, name)


def _default(address: tuple[str, int], *, in_cluster: bool) -> tuple[str | None, ObjectKey | None]:
    host, port = address
    if _is_loopback(host):
        return f"https://{f'[{host}]' if ':' in host else host}:{port}", None
    if in_cluster:
        return None, DEFAULT_SERVICE
    raise click.UsageError(
        f"--webhook-address: found {host}, which is not loopback; say with --webhook-url or --webhook-service how API servers reach it"
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
