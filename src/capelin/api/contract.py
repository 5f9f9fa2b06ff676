"""The contracts between the core controllers and providers, as field paths over plain documents.

Objects of providers (infrastructure, bootstrap, control plane) are of kinds this program may never have heard of. What they promise is a
handful of fields: https://cluster-api.sigs.k8s.io/developer/providers/contracts/overview. Each function below reads one of them from the
object's JSON document. Where a provider still follows the v1beta1 contract, its field is read as well.

A field that is absent is None, False or empty, as its function says; a field of the wrong type raises ContractViolation, because guessing
at what a provider meant could destroy a machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError

from capelin.api.meta import Condition, find_condition

Document = Mapping[str, Any]
T = TypeVar("T")

NO_REASON = "NoReasonReported"
"""The reason given to a condition of the v1beta1 contract, which may have none."""


class ContractViolation(ValueError):
    """A provider's object has a field of the contract with the wrong type."""

    def __init__(self, document: Document, path: tuple[str, ...], found: object, allowed: str) -> None:
        metadata = document.get("metadata") or {}
        super().__init__(
            f"{document.get('kind', 'object')} {metadata.get('namespace', '')}/{metadata.get('name', '')}: "
            f"{'.'.join(path)}: found {type(found).__name__}, allowed is {allowed}"
        )


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the API server of a workload cluster answers."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Counters:
    """The replica counters of a control plane; None where it reports none."""

    desired: int | None = None
    current: int | None = None
    ready: int | None = None
    available: int | None = None
    up_to_date: int | None = None


_ALLOWED = {bool: "a boolean", str: "a string", int: "an integer", list: "a list", dict: "an object"}


def _read(document: Document, kind: type[T], *path: str) -> T | None:
    """Return the field at `path`, or None when it or an object above it is absent or null."""
    value: Any = document
    for depth, name in enumerate(path):
        if value is None:
            return None
        if not isinstance(value, Mapping):
            raise ContractViolation(document, path[:depth], value, _ALLOWED[dict])
        value = value.get(name)
    if value is None:
        return None
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ContractViolation(document, path, value, _ALLOWED[kind])
    return value


def conditions(document: Document) -> list[Condition]:
    """Return the object's conditions; those without a reason get `NO_REASON`.

    Raises:
        ContractViolation: the list or an entry is malformed.
    """
    found = []
    for entry in _read(document, list, "status", "conditions") or []:
        try:
            reason = entry.get("reason") or NO_REASON
            found.append(Condition.model_validate({**entry, "reason": reason, "message": entry.get("message") or ""}))
        except (AttributeError, ValidationError) as error:
            raise ContractViolation(document, ("status", "conditions"), entry, "a list of conditions") from error
    return found


def condition(document: Document, type_: str) -> Condition | None:
    """Return the object's condition of that type (`Ready`, `Available`), or None."""
    return find_condition(conditions(document), type_)


def is_provisioned(document: Document) -> bool:
    """InfraCluster, InfraMachine: the infrastructure exists and can be used."""
    return bool(_read(document, bool, "status", "initialization", "provisioned") or _read(document, bool, "status", "ready"))


def control_plane_endpoint(document: Document) -> Endpoint | None:
    """InfraCluster, ControlPlane: the endpoint the provider set; None until both host and port are known."""
    host = _read(document, str, "spec", "controlPlaneEndpoint", "host")
    port = _read(document, int, "spec", "controlPlaneEndpoint", "port")
    return Endpoint(host, port) if host and port else None


def failure_domains(document: Document) -> list[dict[str, Any]]:
    """InfraCluster: the failure domains, each with `name` and perhaps `controlPlane` and `attributes`, ordered by name."""
    status = _read(document, dict, "status") or {}
    found = status.get("failureDomains")
    if isinstance(found, dict):  # the v1beta1 contract keys them by name
        found = [{"name": name, **(value or {})} if isinstance(value, dict | None) else value for name, value in found.items()]
    if found is None:
        return []
    if not isinstance(found, list) or not all(_is_failure_domain(domain) for domain in found):
        raise ContractViolation(document, ("status", "failureDomains"), found, "a list of named failure domains")
    return sorted(found, key=lambda domain: str(domain["name"]))


def _is_failure_domain(found: object) -> bool:
    if not isinstance(found, dict) or not isinstance(found.get("controlPlane"), bool | None):
        return False
    attributes = found.get("attributes") or {}
    return isinstance(found.get("name"), str) and isinstance(attributes, dict) and all(isinstance(v, str) for v in attributes.values())


def provider_id(document: Document) -> str:
    """InfraMachine: the identity of the machine, which its Node repeats; empty until known."""
    return _read(document, str, "spec", "providerID") or ""


def failure_domain(document: Document) -> str:
    """InfraMachine: the failure domain the machine is in; empty when the provider does not say."""
    return _read(document, str, "status", "failureDomain") or _read(document, str, "spec", "failureDomain") or ""


def addresses(document: Document) -> list[dict[str, str]]:
    """InfraMachine: the machine's addresses, each with `type` and `address`, in the provider's order."""
    found = _read(document, list, "status", "addresses") or []
    if not all(isinstance(a, dict) and isinstance(a.get("type"), str) and isinstance(a.get("address"), str) for a in found):
        raise ContractViolation(document, ("status", "addresses"), found, "a list of objects with type and address")
    return [{"type": a["type"], "address": a["address"]} for a in found]


def is_interruptible(document: Document) -> bool:
    """InfraMachine: the provider may take the machine away at any time."""
    return bool(_read(document, bool, "status", "interruptible"))


def is_data_secret_created(document: Document) -> bool:
    """BootstrapConfig: the Secret with the bootstrap data exists."""
    return bool(_read(document, bool, "status", "initialization", "dataSecretCreated") or _read(document, bool, "status", "ready"))


def data_secret_name(document: Document) -> str:
    """BootstrapConfig: the name of the Secret with the bootstrap data; empty until known."""
    return _read(document, str, "status", "dataSecretName") or ""


def is_control_plane_initialized(document: Document) -> bool:
    """ControlPlane: the workload cluster's API server can be used."""
    return bool(
        _read(document, bool, "status", "initialization", "controlPlaneInitialized") or _read(document, bool, "status", "initialized")
    )


def counters(document: Document) -> Counters:
    """ControlPlane: its replica counters, as far as it has a notion of replicas."""
    return Counters(
        desired=_read(document, int, "spec", "replicas"),
        current=_read(document, int, "status", "replicas"),
        ready=_read(document, int, "status", "readyReplicas"),
        available=_read(document, int, "status", "availableReplicas"),
        up_to_date=_read(document, int, "status", "upToDateReplicas"),
    )


def versions(document: Document) -> list[dict[str, Any]]:
    """ControlPlane: the Kubernetes versions its machines run, each with `version` and perhaps `replicas`."""
    found = _read(document, list, "status", "versions")
    if found is None:
        version = _read(document, str, "status", "version")
        return [{"version": version}] if version else []
    if not all(isinstance(v, dict) and isinstance(v.get("version"), str) and isinstance(v.get("replicas"), int | None) for v in found):
        raise ContractViolation(document, ("status", "versions"), found, "a list of objects with version and replicas")
    return found
