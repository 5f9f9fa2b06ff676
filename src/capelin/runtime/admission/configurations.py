"""The configurations that make an API server ask the webhooks: where it finds them and whom it trusts."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import structlog

from capelin.api.meta import ObjectKey, Resource, Unstructured
from capelin.runtime.client import Client
from capelin.runtime.codec import Document

FIELD_MANAGER: Final = "capelin-webhooks"
RESOURCES: Final = {
    kind: Resource("admissionregistration.k8s.io", "v1", f"{kind.lower()}s", kind, namespaced=False)
    for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
}

_log: Any = structlog.get_logger(__name__)

Published = Sequence[Unstructured | None]
"""The configurations as they were read, in the order in which they are declared; None for one that is not there."""


class Target(Protocol):
    """Where API servers find the webhooks."""

    def client_config(self, path: str) -> Document:
        """Return the `clientConfig` of the webhook at a path, without its `caBundle`."""


@dataclass(frozen=True, slots=True)
class UrlTarget:
    """Under a URL: `base` has neither path nor last slash."""

    base: str

    def client_config(self, path: str) -> Document:
        """Return the `clientConfig`; see `Target`."""
        return {"url": self.base + path}


@dataclass(frozen=True, slots=True)
class ServiceTarget:
    """Behind a Service of the cluster that the API server belongs to."""

    service: ObjectKey
    port: int = 443

    def client_config(self, path: str) -> Document:
        """Return the `clientConfig`; see `Target`."""
        return {"service": {"namespace": self.service.namespace, "name": self.service.name, "path": path, "port": self.port}}


@dataclass(frozen=True, slots=True)
class Configurations:
    """Writes configurations. `declared` are whole but for where the webhooks are: each has its path as `clientConfig.service.path`."""

    client: Client
    declared: Sequence[Document]
    target: Target

    async def read(self) -> Published:
        """Return the configurations as the API server has them now."""
        return [await self.client.get(_resource(document), _key(document)) for document in self.declared]

    def carry(self, published: Published, bundle: bytes) -> bool:
        """Tell whether every webhook of every configuration trusts exactly `bundle` (PEM)."""
        wanted = _encoded(bundle)
        found = [webhook.get("clientConfig") or {} for each in published if each for webhook in each.document.get("webhooks") or ()]
        return all(each is not None for each in published) and all(config.get("caBundle") == wanted for config in found)

    async def write(self, published: Published, bundle: bytes) -> None:
        """Have every configuration be as declared and trust `bundle`; what already is so is not written.

        Raises:
            Conflict: somebody has written one since it was read: what they know of may be newer than what we do.
        """
        for found, document in zip(published, self.declared, strict=True):
            wanted = self._wanted(document, bundle)
            if found is not None and _includes(found.document, wanted):
                continue
            _log.info("Writing webhook configuration", **{str(document["kind"]): _key(document).name})
            await self._write(found, Unstructured(_resource(document), wanted))

    async def remove(self) -> None:
        """Have no configuration be there: API servers then ask nobody."""
        await remove(self.client, self.declared)

    async def _write(self, found: Unstructured | None, wanted: Unstructured) -> None:
        if found is not None:
            wanted.document["metadata"]["resourceVersion"] = found.document["metadata"]["resourceVersion"]
        if found is not None and _has_more(found.document, wanted.document):
            # Applying removes nothing that somebody else has put there, and a webhook of theirs that is not ours answers nothing.
            replaced = {**found.document["metadata"], **wanted.document["metadata"]}
            await self.client.update(Unstructured(wanted.resource, {**wanted.document, "metadata": replaced}))
        else:
            await self.client.apply(wanted, manager=FIELD_MANAGER)

    def _wanted(self, document: Document, bundle: bytes) -> Document:
        webhooks = [
            {**webhook, "clientConfig": {**self.target.client_config(_path(webhook)), "caBundle": _encoded(bundle)}}
            for webhook in document["webhooks"]
        ]
        return {**document, "metadata": dict(document["metadata"]), "webhooks": webhooks}


async def remove(client: Client, declared: Sequence[Document]) -> None:
    """Delete the configurations of these kinds and names; nothing happens to those that are not there."""
    for document in declared:
        await client.delete(_resource(document), _key(document))


def _path(webhook: Mapping[str, Any]) -> str:
    return str(webhook["clientConfig"]["service"]["path"])


def _resource(document: Document) -> Resource:
    return RESOURCES[document["kind"]]


def _key(document: Document) -> ObjectKey:
    return ObjectKey("", document["metadata"]["name"])


def _encoded(bundle: bytes) -> str:
    return base64.b64encode(bundle).decode()


def _includes(found: Any, wanted: Any) -> bool:
    """Tell whether a document has everything that is wanted; what a server filled in besides does not matter."""
    match wanted:
        case dict():
            return isinstance(found, dict) and all(name in found and _includes(found[name], value) for name, value in wanted.items())
        case list():
            return (
                isinstance(found, list)
                and len(found) == len(wanted)
                and all(_includes(one, other) for one, other in zip(found, wanted, strict=True))
            )
    return bool(found == wanted)


def _has_more(found: Document, wanted: Document) -> bool:
    """Tell whether there are webhooks that are not wanted, or that are found where they are not."""
    places = {webhook["name"]: set(webhook["clientConfig"]) for webhook in wanted["webhooks"]}
    return any(set(webhook.get("clientConfig") or ()) - places.get(webhook["name"], set()) for webhook in found.get("webhooks") or ())
