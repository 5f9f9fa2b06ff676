"""The cells that `kubectl get` shows of built-in kinds: the functions and fields that `kinds.yaml` names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from capelin.apiserver.builtin.podcells import POD_CELLS
from capelin.apiserver.surface import ages
from capelin.runtime.codec import Document

Cell = Callable[[Document, datetime], Any]
"""From an object and the present time to what its cell shows."""

NONE = "<none>"
_UNKNOWN = "<unknown>"
_ROLE_PREFIX = "node-role.kubernetes.io/"
_ACCESS_MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}


def _at(document: Mapping[str, Any], *path: str) -> Any:
    """Return what lies at the path, or None."""
    found: Any = document
    for step in path:
        found = found.get(step) if isinstance(found, Mapping) else None
    return found


def _value(*path: str, default: Any = "") -> Cell:
    """Return the cell that shows one field, and `default` where it is absent or empty."""
    return lambda document, _now: _at(document, *path) or default


def _pairs(labels: Mapping[str, str] | None) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted((labels or {}).items())) or NONE


def _joined(items: Iterable[str]) -> str:
    return ",".join(items)


def age(document: Document, now: datetime) -> str:
    """How long ago the object was created."""
    return ages.since(_at(document, "metadata", "creationTimestamp"), now)


def selector(document: Document, _now: datetime) -> str:
    """The label selector of the spec in the syntax of the command line, rules in the order of their keys."""
    found = _at(document, "spec", "selector") or {}
    rules = [(key, f"{key}={value}") for key, value in (found.get("matchLabels") or {}).items()]
    for rule in found.get("matchExpressions") or ():
        key, values = rule.get("key", ""), ",".join(sorted(rule.get("values") or ()))
        forms = {"In": f"{key} in ({values})", "NotIn": f"{key} notin ({values})", "Exists": key, "DoesNotExist": f"!{key}"}
        rules.append((key, forms.get(rule.get("operator", ""), key)))
    return _joined(text for _, text in sorted(rules)) or NONE


def _container_field(field: str) -> Cell:
    return lambda document, _now: _joined(
        container.get(field) or "" for container in _at(document, "spec", "template", "spec", "containers") or ()
    )


def _data_count(document: Document, _now: datetime) -> int:
    return len(document.get("data") or {}) + len(document.get("binaryData") or {})


def _node_status(document: Document, _now: datetime) -> str:
    ready = next((c for c in _at(document, "status", "conditions") or () if c.get("type") == "Ready"), None)
    words = ["Unknown" if ready is None else "Ready" if ready.get("status") == "True" else "NotReady"]
    if _at(document, "spec", "unschedulable"):
        words.append("SchedulingDisabled")
    return _joined(words)


def _node_roles(document: Document, _now: datetime) -> str:
    labels = _at(document, "metadata", "labels") or {}
    roles = {key.removeprefix(_ROLE_PREFIX) for key in labels if key.startswith(_ROLE_PREFIX)} | {labels.get("kubernetes.io/role", "")}
    return _joined(sorted(roles - {""})) or NONE


def _node_address(type_: str) -> Cell:
    def cell(document: Document, _now: datetime) -> str:
        addresses = _at(document, "status", "addresses") or ()
        return next((address.get("address") or "" for address in addresses if address.get("type") == type_), NONE)

    return cell


def _node_kernel_version(document: Document, _now: datetime) -> str:
    version = _at(document, "status", "nodeInfo", "kernelVersion") or _UNKNOWN
    architecture = _at(document, "status", "nodeInfo", "architecture")
    return f"{version} ({architecture})" if architecture else version


def _service_external_ip(document: Document, _now: datetime) -> str:
    spec = document.get("spec") or {}
    addresses = list(spec.get("externalIPs") or ())
    match spec.get("type"):
        case "ClusterIP" | "NodePort":
            return _joined(addresses) or NONE
        case "LoadBalancer":
            ingress = _at(document, "status", "loadBalancer", "ingress") or ()
            found = sorted({point.get("ip") or point.get("hostname") or "" for point in ingress} - {""})
            return _joined([*found, *addresses]) or "<pending>"
        case "ExternalName":
            return str(spec.get("externalName") or "")
    return _UNKNOWN


def _service_ports(document: Document, _now: datetime) -> str:
    ports = _at(document, "spec", "ports") or ()
    return (
        _joined(
            f"{port.get('port')}{':' + str(port['nodePort']) if port.get('nodePort') else ''}/{port.get('protocol', '')}" for port in ports
        )
        or NONE
    )


def _access_modes(modes: Iterable[str] | None) -> str:
    return _joined(short for mode, short in _ACCESS_MODES.items() if mode in (modes or ()))


def _volume_phase(document: Document, _now: datetime) -> str:
    return "Terminating" if _at(document, "metadata", "deletionTimestamp") else _at(document, "status", "phase") or ""


def _volume_claim(document: Document, _now: datetime) -> str:
    claim = _at(document, "spec", "claimRef")
    return f"{claim.get('namespace', '')}/{claim.get('name', '')}" if claim else ""


def _of_bound_claim(document: Document, value: Any) -> Any:
    return value if _at(document, "spec", "volumeName") else ""


def _event_times(document: Document, now: datetime) -> tuple[str, str]:
    """Return when the event was first and last seen, in either of the two forms events have."""
    first_at = document.get("firstTimestamp") or document.get("deprecatedFirstTimestamp") or document.get("eventTime")
    last_at = document.get("lastTimestamp") or document.get("deprecatedLastTimestamp") or first_at
    series = document.get("series")
    return ages.since(first_at, now), ages.since(series.get("lastObservedTime") if series else last_at, now)


def _event_object(document: Document, _now: datetime) -> str:
    target = document.get("involvedObject") or document.get("regarding") or {}
    return "/".join(part for part in (str(target.get("kind") or "").lower(), target.get("name") or "") if part)


def _event_source(document: Document, _now: datetime) -> str:
    source = document.get("source") or document.get("deprecatedSource") or {}
    component = source.get("component") or document.get("reportingComponent") or document.get("reportingController") or ""
    host = source.get("host") or document.get("reportingInstance") or ""
    return f"{component}, {host}" if host else component


def _event_count(document: Document, _now: datetime) -> int:
    if series := document.get("series"):
        return int(series.get("count") or 0)
    return int(document.get("count") or document.get("deprecatedCount") or 1)


def _binding_role(document: Document, _now: datetime) -> str:
    return f"{_at(document, 'roleRef', 'kind') or ''}/{_at(document, 'roleRef', 'name') or ''}"


def _binding_subjects(kind: str) -> Cell:
    def cell(document: Document, _now: datetime) -> str:
        subjects = [subject for subject in document.get("subjects") or () if subject.get("kind") == kind]
        prefix = "{namespace}/" if kind == "ServiceAccount" else ""
        return ", ".join((prefix + "{name}").format_map({"namespace": "", "name": "", **subject}) for subject in subjects)

    return cell


def _bound(document: Document, field: str) -> str:
    found = _at(document, "spec", field)
    return "N/A" if found is None else str(found)


def _created_at(document: Document, _now: datetime) -> str:
    return str(_at(document, "metadata", "creationTimestamp") or "")


_COMPUTED: Mapping[str, Cell] = {
    **POD_CELLS,
    "age": age,
    "attachment_attached": _value("status", "attached", default=False),
    "available_replicas": _value("status", "availableReplicas", default=0),
    "binding_groups": _binding_subjects("Group"),
    "binding_role": _binding_role,
    "binding_service_accounts": _binding_subjects("ServiceAccount"),
    "binding_users": _binding_subjects("User"),
    "budget_allowed": _value("status", "disruptionsAllowed", default=0),
    "budget_max_unavailable": lambda document, _now: _bound(document, "maxUnavailable"),
    "budget_min_available": lambda document, _now: _bound(document, "minAvailable"),
    "claim_access_modes": lambda document, _now: _of_bound_claim(document, _access_modes(_at(document, "status", "accessModes"))),
    "claim_capacity": lambda document, _now: _of_bound_claim(document, _at(document, "status", "capacity", "storage") or "0"),
    "container_images": _container_field("image"),
    "container_names": _container_field("name"),
    "created_at": _created_at,
    "current_replicas": _value("status", "replicas", default=0),
    "daemonset_available": _value("status", "numberAvailable", default=0),
    "daemonset_current": _value("status", "currentNumberScheduled", default=0),
    "daemonset_desired": _value("status", "desiredNumberScheduled", default=0),
    "daemonset_node_selector": lambda document, _now: _pairs(_at(document, "spec", "template", "spec", "nodeSelector")),
    "daemonset_ready": _value("status", "numberReady", default=0),
    "daemonset_updated": _value("status", "updatedNumberScheduled", default=0),
    "data_count": _data_count,
    "deployment_ready": lambda document, _now: f"{_at(document, 'status', 'readyReplicas') or 0}/{_at(document, 'spec', 'replicas') or 0}",
    "desired_replicas": _value("spec", "replicas", default=0),
    "event_count": _event_count,
    "event_first_seen": lambda document, now: _event_times(document, now)[0],
    "event_last_seen": lambda document, now: _event_times(document, now)[1],
    "event_message": lambda document, _now: str(document.get("message") or document.get("note") or "").strip(),
    "event_object": _event_object,
    "event_source": _event_source,
    "event_subobject": lambda document, _now: (document.get("involvedObject") or document.get("regarding") or {}).get("fieldPath") or "",
    "node_container_runtime": _value("status", "nodeInfo", "containerRuntimeVersion", default=_UNKNOWN),
    "node_external_ip": _node_address("ExternalIP"),
    "node_internal_ip": _node_address("InternalIP"),
    "node_kernel_version": _node_kernel_version,
    "node_os_image": _value("status", "nodeInfo", "osImage", default=_UNKNOWN),
    "node_roles": _node_roles,
    "node_status": _node_status,
    "ready_replicas": _value("status", "readyReplicas", default=0),
    "selector": selector,
    "service_cluster_ip": lambda document, _now: next(
        iter(_at(document, "spec", "clusterIPs") or ()), _at(document, "spec", "clusterIP") or NONE
    ),
    "service_external_ip": _service_external_ip,
    "service_ports": _service_ports,
    "service_selector": lambda document, _now: _pairs(_at(document, "spec", "selector")),
    "updated_replicas": _value("status", "updatedReplicas", default=0),
    "volume_access_modes": lambda document, _now: _access_modes(_at(document, "spec", "accessModes")),
    "volume_attributes_class": _value("spec", "volumeAttributesClassName", default="<unset>"),
    "volume_claim": _volume_claim,
    "volume_mode": _value("spec", "volumeMode", default="<unset>"),
    "volume_phase": _volume_phase,
    "webhook_count": lambda document, _now: len(document.get("webhooks") or ()),
}


def cell(name: str) -> Cell:
    """Return the function that computes a cell, or, for the dotted name of a field, one that shows it."""
    return _COMPUTED.get(name) or _value(*name.split("."))
