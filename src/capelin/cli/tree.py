"""The tree below a Cluster: which object stands under which, and the one line that tells how it is. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from capelin.api.labels import CONTROL_PLANE_LABEL

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Inventory:
    """What was read of one cluster. `infrastructure` and `control_plane` are None when there is none or it could not be found.

    `unattended` are objects, or fields of the Cluster, that no controller acts on, each with the sentence that says so.
    """

    cluster: Document
    infrastructure: Document | None = None
    control_plane: Document | None = None
    machine_deployments: Sequence[Document] = ()
    machine_sets: Sequence[Document] = ()
    machines: Sequence[Document] = ()
    unattended: Sequence[tuple[Document, str]] = ()


@dataclass(slots=True)
class Node:
    """A line of the tree. Counters are text, empty where they make no sense; `status` is `Ready: True` and the like."""

    name: str
    replicas: str = ""
    available: str = ""
    ready: str = ""
    up_to_date: str = ""
    status: str = ""
    reason: str = ""
    since: str = ""
    message: str = ""
    children: list[Node] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """Return the tree as JSON values, keys as in the API (lowerCamelCase)."""
        found: dict[str, Any] = {}
        for key, value in asdict(self).items():
            if key != "children" and value:
                found["upToDate" if key == "up_to_date" else key] = value
        if self.children:
            found["children"] = [child.document() for child in self.children]
        return found


def build_tree(inventory: Inventory, *, now: datetime, grouping: bool = True) -> Node:
    """Return the tree of one cluster; with `grouping`, Machines in the same state share a line."""
    cluster = inventory.cluster
    status = cluster.get("status") or {}
    parts = [status.get("controlPlane") or {}, status.get("workers") or {}]
    root = Node(
        _title(cluster),
        replicas=f"{_sum(parts, 'replicas')}/{_sum(parts, 'desiredReplicas')}",
        available=_sum(parts, "availableReplicas"),
        ready=_sum(parts, "readyReplicas"),
        up_to_date=_sum(parts, "upToDateReplicas"),
    )
    _set_state(root, cluster, "Available", now)
    if inventory.infrastructure is not None:
        child = Node(f"ClusterInfrastructure - {_title(inventory.infrastructure)}")
        _set_state(child, inventory.infrastructure, "Ready", now)
        root.children.append(child)
    root.children += _control_plane(inventory, now, grouping)
    workers = _workers(inventory, now, grouping)
    if workers:
        root.children.append(Node("Workers", children=workers))
    if inventory.unattended:
        told = [Node(_title(document), reason="NoController", message=sentence) for document, sentence in inventory.unattended]
        root.children.append(Node("Unattended", children=told))
    return root


def _control_plane(inventory: Inventory, now: datetime, grouping: bool) -> list[Node]:
    machines = [m for m in inventory.machines if CONTROL_PLANE_LABEL in _labels(m)]
    lines = _machine_lines(machines, now, grouping=False)
    if inventory.control_plane is None:
        return [Node("ControlPlane", children=lines)] if lines else []
    child = _counted(f"ControlPlane - {_title(inventory.control_plane)}", inventory.control_plane, now)
    child.children = _machine_lines(machines, now, grouping)
    return [child]


def _workers(inventory: Inventory, now: datetime, grouping: bool) -> list[Node]:
    placed: set[str] = set()
    nodes: list[Node] = []
    for deployment in _by_name(inventory.machine_deployments):
        sets = {_uid(s) for s in inventory.machine_sets if _uid(deployment) in _owners(s)}
        machines = [m for m in inventory.machines if sets & _owners(m)]
        placed |= sets | {_uid(m) for m in machines}
        node = _counted(_title(deployment), deployment, now)
        node.children = _machine_lines(machines, now, grouping)
        nodes.append(node)
    for machine_set in _by_name(inventory.machine_sets):
        if _uid(machine_set) in placed:
            continue
        machines = [m for m in inventory.machines if _uid(machine_set) in _owners(m)]
        placed |= {_uid(m) for m in machines}
        node = _counted(_title(machine_set), machine_set, now, state="MachinesReady")
        node.children = _machine_lines(machines, now, grouping)
        nodes.append(node)
    rest = [m for m in inventory.machines if _uid(m) not in placed and CONTROL_PLANE_LABEL not in _labels(m)]
    return nodes + _machine_lines(rest, now, grouping)


def _machine_lines(machines: Iterable[Document], now: datetime, grouping: bool) -> list[Node]:
    lines = []
    for machine in _by_name(machines):
        node = Node(_title(machine), replicas="1")
        node.available, node.ready, node.up_to_date = (_one(machine, t) for t in ("Available", "Ready", "UpToDate"))
        _set_state(node, machine, "Ready", now)
        lines.append(node)
    return _grouped(lines) if grouping else lines


def _grouped(lines: list[Node]) -> list[Node]:
    groups: dict[tuple[str, ...], list[Node]] = {}
    for line in lines:
        groups.setdefault((line.status, line.reason, line.message, line.available, line.up_to_date), []).append(line)
    return [_merged(group) if len(group) > 1 else group[0] for group in groups.values()]


def _merged(group: list[Node]) -> Node:
    names = [line.name.partition("/")[2] for line in group]
    first = group[0]
    shown = ", ".join(names[:2]) + (", ..." if len(names) > 2 else "")
    return Node(
        f"{len(group)} Machines...",
        replicas=str(len(group)),
        available=str(sum(line.available == "1" for line in group)),
        ready=str(sum(line.ready == "1" for line in group)),
        up_to_date=str(sum(line.up_to_date == "1" for line in group)),
        status=first.status,
        reason=first.reason,
        since=first.since,
        message="\n".join(filter(None, (f"See {shown}", first.message))),
    )


def _counted(title: str, document: Document, now: datetime, *, state: str = "Available") -> Node:
    status = document.get("status") or {}
    desired = (document.get("spec") or {}).get("replicas", "?")
    node = Node(
        title,
        replicas=f"{status.get('replicas', 0)}/{desired}",
        available=str(status.get("availableReplicas", 0)),
        ready=str(status.get("readyReplicas", 0)),
        up_to_date=str(status.get("upToDateReplicas", 0)),
    )
    _set_state(node, document, state, now)
    return node


def _set_state(node: Node, document: Document, type_: str, now: datetime) -> None:
    conditions = (document.get("status") or {}).get("conditions") or []
    metadata = document.get("metadata") or {}
    shown = "Deleting" if metadata.get("deletionTimestamp") else type_
    found = next((c for c in conditions if c.get("type") == shown), None)
    if found is None:
        node.status = f"{shown}: Unknown"
        node.reason = "NotReported"
        node.message = "No controller has reported this condition yet"
        return
    node.status = f"{shown}: {found.get('status', 'Unknown')}"
    node.reason = str(found.get("reason") or "")
    node.since = age(found.get("lastTransitionTime"), now)
    if node.status not in ("Ready: True", "Available: True"):
        node.message = str(found.get("message") or "")


def age(moment: str | None, now: datetime) -> str:
    """Return how long ago an RFC 3339 moment was, as kubectl shows ages (`42s`, `5m`, `3h`, `9d`); empty when there is none."""
    if not moment:
        return ""
    then = datetime.fromisoformat(moment.replace("Z", "+00:00")).astimezone(UTC)
    seconds = max(0, int((now - then).total_seconds()))
    for limit, size, unit in ((120, 1, "s"), (7200, 60, "m"), (172800, 3600, "h")):
        if seconds < limit:
            return f"{seconds // size}{unit}"
    return f"{seconds // 86400}d"


def _title(document: Document) -> str:
    return f"{document.get('kind', '')}/{document['metadata']['name']}"


def _labels(document: Document) -> dict[str, str]:
    return document["metadata"].get("labels") or {}


def _owners(document: Document) -> set[str]:
    return {str(owner.get("uid")) for owner in document["metadata"].get("ownerReferences") or ()}


def _uid(document: Document) -> str:
    return str(document["metadata"].get("uid") or "")


def _by_name(documents: Iterable[Document]) -> list[Document]:
    return sorted(documents, key=lambda d: str(d["metadata"]["name"]))


def _one(document: Document, type_: str) -> str:
    conditions = (document.get("status") or {}).get("conditions") or []
    return str(int(any(c.get("type") == type_ and c.get("status") == "True" for c in conditions)))


def _sum(parts: Iterable[Document], name: str) -> str:
    return str(sum(int(part.get(name) or 0) for part in parts))
