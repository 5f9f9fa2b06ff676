"""The few built-in kinds that the API server itself has a say in, beyond what their schemas tell.

Everything here is a pure function: what a new state of such an object is turned into before it is stored, and which rules it must keep.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from capelin.apiserver import crds
from capelin.apiserver.admission import hooks, validation
from capelin.apiserver.builtin import podspecs
from capelin.apiserver.registry import Registry
from capelin.runtime.codec import Document
from capelin.runtime.documents import causes, names
from capelin.runtime.documents.documents import identical
from capelin.runtime.errors import Cause

NAMESPACES = "namespaces"
SECRETS = "secrets"
SERVICE_ACCOUNTS = "serviceaccounts"
CUSTOM_RESOURCE_DEFINITIONS = crds.RESOURCE

KUBERNETES_FINALIZER = "kubernetes"
FIRST_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
PERMANENT_NAMESPACES = frozenset(("default", "kube-system", "kube-public"))
SECRET_LIMIT = 1024 * 1024  # bytes of all values together, as in Kubernetes

Prepare = Callable[[Document, Document | None, Registry], Document]
"""Returns the state to store for a wanted state, given the stored state (None on create) and what the server serves."""

Complete = Callable[[Document, Document | None], Document]
"""Returns a wanted state with what the kind's defaults make of it, so that webhooks see it; `prepare` does the same and more."""

Validate = Callable[[Document, Document | None], Iterable[Cause]]


def _as_wanted(document: Document, old: Document | None, registry: Registry) -> Document:  # noqa: ARG001 - the shape of a Prepare
    return document


def _as_sent(document: Document, old: Document | None) -> Document:  # noqa: ARG001 - the shape of a Complete
    return document


def _no_complaints(document: Document, old: Document | None) -> Iterable[Cause]:  # noqa: ARG001 - the shape of a Validate
    return ()


@dataclass(frozen=True, slots=True)
class Behavior:
    """How the server treats one resource."""

    prepare: Prepare = _as_wanted
    complete: Complete = _as_sent
    validate: Validate = _no_complaints
    name_rule: names.Rule = names.dns_subdomain
    conditional: bool = False  # an update must name the resourceVersion it was made from, as one of a custom resource must


def _complete_namespace(document: Document, old: Document | None) -> Document:  # noqa: ARG001 - a Complete
    name = document["metadata"].get("name")
    if not name:
        return document  # it will be generated
    labels = {**(document["metadata"].get("labels") or {}), "kubernetes.io/metadata.name": name}
    return {**document, "metadata": {**document["metadata"], "labels": labels}}


def _prepare_namespace(document: Document, old: Document | None, registry: Registry) -> Document:  # noqa: ARG001 - a Prepare
    document = _complete_namespace(document, old)
    spec = dict(document.get("spec") or {})
    if old is None:
        spec["finalizers"] = [KUBERNETES_FINALIZER]
        document = {**document, "status": {"phase": "Active"}}
    else:
        spec["finalizers"] = (old.get("spec") or {}).get("finalizers") or []
    return {**document, "spec": spec}


def _prepare_secret(document: Document, old: Document | None, registry: Registry) -> Document:  # noqa: ARG001 - a Prepare
    return _complete_secret(document, old)


def _complete_secret(document: Document, old: Document | None) -> Document:
    result = {key: value for key, value in document.items() if key != "stringData"}
    texts: Mapping[str, str] = document.get("stringData") or {}
    if texts:
        encoded = {key: base64.b64encode(str(value).encode()).decode() for key, value in texts.items()}
        result["data"] = {**(document.get("data") or {}), **encoded}
    if not result.get("type"):
        result["type"] = (old or {}).get("type") or "Opaque"
    return result


def _validate_secret(document: Document, old: Document | None) -> Iterator[Cause]:
    size = 0
    for key, value in (document.get("data") or {}).items():
        yield from _key_complaints(("data", causes.Key(key)), key)
        try:
            size += len(base64.b64decode(value or "", validate=True))
        except binascii.Error:
            yield causes.invalid(("data", causes.Key(key)), "<redacted>", "illegal base64 data")
    if size > SECRET_LIMIT:
        yield causes.too_long(("data",), SECRET_LIMIT)
    if old is not None:
        if document.get("type") != old.get("type"):
            yield causes.invalid(("type",), document.get("type"), "field is immutable")
        yield from _immutable_complaints(document, old, ("data",))


def _validate_config_map(document: Document, old: Document | None) -> Iterator[Cause]:
    texts, binaries = document.get("data") or {}, document.get("binaryData") or {}
    for key in texts:
        yield from _key_complaints(("data", causes.Key(key)), key)
        if key in binaries:
            yield causes.invalid(("data", causes.Key(key)), key, "duplicate of key present in binaryData")
    for key in binaries:
        yield from _key_complaints(("binaryData", causes.Key(key)), key)
    if old is not None:
        yield from _immutable_complaints(document, old, ("data", "binaryData"))


def _key_complaints(path: causes.Path, key: str) -> Iterator[Cause]:
    allowed = key.replace("-", "").replace("_", "").replace(".", "")
    if key in (".", "..") or len(key) > 253 or not key or (allowed and not (allowed.isascii() and allowed.isalnum())):
        rule = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
        yield causes.invalid(
            path, key, f"{rule} (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
        )


def _immutable_complaints(document: Document, old: Document, fields: tuple[str, ...]) -> Iterator[Cause]:
    if not old.get("immutable"):
        return
    if not document.get("immutable"):
        yield causes.forbidden(("immutable",), "field is immutable when `immutable` is set")
    for field in fields:
        if not identical(document.get(field), old.get(field)):
            yield causes.forbidden((field,), "field is immutable when `immutable` is set")


def _prepare_pod(document: Document, old: Document | None, registry: Registry) -> Document:  # noqa: ARG001 - a Prepare
    document = podspecs.completed_pod(document)
    return {**document, "status": {"phase": "Pending"}} if old is None else document


def _complete_pod(document: Document, old: Document | None) -> Document:  # noqa: ARG001 - a Complete
    return podspecs.completed_pod(document)


def _complete_workload(document: Document, old: Document | None) -> Document:  # noqa: ARG001 - a Complete
    return podspecs.completed_workload(document)


def _prepare_workload(document: Document, old: Document | None, registry: Registry) -> Document:  # noqa: ARG001 - a Prepare
    return podspecs.completed_workload(document)


_WEBHOOKS = Behavior(validate=validation.validate, conditional=True)
_RBAC = Behavior(name_rule=names.path_segment)

_BEHAVIORS: Mapping[str, Behavior] = {
    NAMESPACES: Behavior(_prepare_namespace, _complete_namespace, name_rule=names.dns_label),
    SECRETS: Behavior(_prepare_secret, _complete_secret, _validate_secret),
    "configmaps": Behavior(validate=_validate_config_map),
    "pods": Behavior(_prepare_pod, _complete_pod),
    hooks.MUTATING: _WEBHOOKS,
    hooks.VALIDATING: _WEBHOOKS,
    CUSTOM_RESOURCE_DEFINITIONS: Behavior(crds.prepare, validate=crds.validate),
    "deployments.apps": Behavior(_prepare_workload, _complete_workload),
    "daemonsets.apps": Behavior(_prepare_workload, _complete_workload),
    "replicasets.apps": Behavior(_prepare_workload, _complete_workload),
    "services": Behavior(name_rule=names.dns_1035_label),
    "roles.rbac.authorization.k8s.io": _RBAC,
    "rolebindings.rbac.authorization.k8s.io": _RBAC,
    "clusterroles.rbac.authorization.k8s.io": _RBAC,
    "clusterrolebindings.rbac.authorization.k8s.io": _RBAC,
}
_ORDINARY = Behavior()


def behavior(resource: str) -> Behavior:
    """Return how the server treats the resource of that name (`plural.group`)."""
    return _BEHAVIORS.get(resource, _ORDINARY)
