"""Emptying a Node before its machine goes: cordon, decide which Pods leave, evict them, say what still holds.

Deciding is pure (`plan_drain`, `report`); `drain` does the reading and evicting. A Pod is evicted, never deleted, so disruption budgets are
respected: a refusal (429) is reported and tried again after `DRAIN_RETRY`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from capelin.api.core import Node, Pod
from capelin.api.labels import DRAIN_LABEL
from capelin.runtime import errors
from capelin.runtime.client import Client, Selection
from capelin.runtime.seams import Clock

DRAIN_RETRY: Final = timedelta(seconds=20)
"""When to try again: budgets open and Pods end without telling us, and an eviction storm would only load the cluster that is in trouble."""

PAGE: Final = 100
"""Pods per page; a Node holds 110 by default, big ones several hundred."""

PASS_LIMIT: Final = timedelta(seconds=10)
"""How long one pass evicts, so that one slow cluster does not keep a worker from the others."""

UNREACHABLE_GRACE: Final = timedelta(seconds=1)
"""The grace period on a Node without a kubelet: nobody there will stop the Pod in an orderly way."""

_MIRROR = "kubernetes.io/config.mirror"
_MAX_NAMES = 5

BUDGET = "PodDisruptionBudgets"
TERMINATING = "Pods not terminating"
FAILED = "Pod eviction errors"
AWAITED = "Pods not completed yet"


@dataclass(frozen=True, slots=True)
class DrainPlan:
    """What becomes of the Pods of a Node."""

    evict: tuple[Pod, ...]
    terminating: tuple[Pod, ...]  # already deleted, not gone yet
    awaited: tuple[Pod, ...]  # end by themselves
    skipped: tuple[Pod, ...]  # stay: nobody would be helped by their eviction


@dataclass(frozen=True, slots=True)
class DrainReport:
    """What still stands between a Node and being empty: `blocked` maps (kind of delay, what is the matter) to the names of Pods."""

    blocked: Mapping[tuple[str, str], tuple[str, ...]]

    @property
    def is_done(self) -> bool:
        """True when no Pod is waited for."""
        return not self.blocked

    @property
    def delays(self) -> tuple[str, ...]:
        """The kinds of delay, each once, in order."""
        return tuple(dict.fromkeys(sorted(kind for kind, _ in self.blocked)))

    @property
    def message(self) -> str:
        """One line per matter, with the first few Pods; stable while nothing changes."""
        lines = []
        for (_, what), names in sorted(self.blocked.items()):
            shown = ", ".join(sorted(names)[:_MAX_NAMES])
            more = f", ... ({len(names) - _MAX_NAMES} more)" if len(names) > _MAX_NAMES else ""
            lines.append(f"* {'Pod' if len(names) == 1 else 'Pods'} {shown}{more}: {what}")
        return "\n".join(lines)


def is_unreachable(node: Node) -> bool:
    """Tell whether the cluster has lost contact with the Node's kubelet."""
    found = (node.status.conditions if node.status else None) or ()
    return any(c.type == "Ready" and c.status == "Unknown" for c in found)


def plan_drain(pods: Iterable[Pod], *, node: str, unreachable: bool, now: datetime) -> DrainPlan:
    """Decide for each of the Pods on `node`; others are left out.

    Static Pods and those of DaemonSets are skipped: the first cannot be evicted, the second would come back. On an unreachable Node a Pod
    whose time has passed is as gone as it can be.
    """
    evict, terminating, awaited, skipped = [], [], [], []
    for pod in pods:
        if pod.spec is None or pod.spec.node_name != node:
            continue
        wish = (pod.metadata.labels or {}).get(DRAIN_LABEL, "").lower()
        if _stays(pod) or wish == "skip":
            skipped.append(pod)
        elif pod.metadata.deletion_timestamp is not None:
            if not (unreachable and now - pod.metadata.deletion_timestamp > UNREACHABLE_GRACE):
                terminating.append(pod)
        elif wish == "wait-completed":
            if not _is_finished(pod):
                awaited.append(pod)
        else:
            evict.append(pod)
    return DrainPlan(tuple(evict), tuple(terminating), tuple(awaited), tuple(skipped))


def _stays(pod: Pod) -> bool:
    controller = pod.metadata.controller
    is_daemon = controller is not None and controller.kind == "DaemonSet" and controller.group == "apps"
    return _MIRROR in (pod.metadata.annotations or {}) or (is_daemon and not _is_finished(pod))


def _is_finished(pod: Pod) -> bool:
    return pod.status is not None and pod.status.phase in ("Succeeded", "Failed")


async def cordon(client: Client, node: Node) -> None:
    """Keep new Pods off the Node; writes only when it is not cordoned yet."""
    if node.spec is None or not node.spec.unschedulable:
        await client.patch(Node, node.key, {"metadata": {"uid": node.uid}, "spec": {"unschedulable": True}})


async def pods_on(client: Client, node: str) -> list[Pod]:
    """Return the Pods on the Node, read live in pages.

    Raises:
        Gone: the list changed its revision between two pages; nothing is known.
    """
    selection = Selection(field_selector=f"spec.nodeName={node}")
    found: list[Pod] = []
    token = ""
    while True:
        page = await client.page(Pod.resource, selection, limit=PAGE, continue_token=token)
        found += (Pod.parse(item) for item in page.items)
        token = page.continue_token
        if not token:
            return found


async def drain(client: Client, node: Node, clock: Clock) -> DrainReport:
    """Evict what may leave the Node and report what still holds it.

    Raises:
        ApiError: the Pods could not be listed, or the cluster cannot be reached; a refused eviction is in the report instead.
    """
    plan = await _plan(client, node, clock)
    refused = await _evict_all(client, plan.evict, clock, unreachable=is_unreachable(node))
    if len(refused) < len(plan.evict):  # what has no kubelet to wait for is gone at once: no reason to come back for it
        plan = await _plan(client, node, clock)
    return report(plan, refused)


def report(plan: DrainPlan, refused: Mapping[str, tuple[str, str]]) -> DrainReport:
    """Return what `plan` leaves to wait for; `refused` maps names of Pods to (kind of delay, what is the matter)."""
    blocked: dict[tuple[str, str], list[str]] = defaultdict(list)
    for pod in plan.evict:
        blocked[refused.get(str(pod.key), (TERMINATING, "not evicted yet"))].append(str(pod.key))
    for pod in plan.terminating:
        blocked[TERMINATING, "deleted, but still on the Node"].append(str(pod.key))
    for pod in plan.awaited:
        blocked[AWAITED, "waiting for completion"].append(str(pod.key))
    return DrainReport({matter: tuple(names) for matter, names in blocked.items()})


async def _plan(client: Client, node: Node, clock: Clock) -> DrainPlan:
    pods = await pods_on(client, node.metadata.name)
    return plan_drain(pods, node=node.metadata.name, unreachable=is_unreachable(node), now=clock.now())


async def _evict_all(client: Client, pods: Iterable[Pod], clock: Clock, *, unreachable: bool) -> dict[str, tuple[str, str]]:
    """Evict the Pods one after the other; return what is the matter with those that stay, by name."""
    deadline = clock.monotonic() + PASS_LIMIT.total_seconds()
    refused = {}
    for pod in pods:
        late = clock.monotonic() > deadline
        matter = (TERMINATING, "not evicted yet") if late else await _evict(client, pod, unreachable=unreachable)
        if matter is not None:
            refused[str(pod.key)] = matter
    return refused


async def _evict(client: Client, pod: Pod, *, unreachable: bool) -> tuple[str, str] | None:
    """Evict one Pod; return what is the matter when that was refused."""
    options: dict[str, object] = {"preconditions": {"uid": pod.uid}}
    if unreachable:
        options["gracePeriodSeconds"] = int(UNREACHABLE_GRACE.total_seconds())
    body = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod.key.name, "namespace": pod.key.namespace},
        "deleteOptions": options,
    }
    try:
        await client.post(Pod, pod.key, "eviction", body)
    except (errors.NotFound, errors.Conflict):
        return None  # gone, or replaced by a namesake that the next look will see
    except errors.TooManyRequests as error:
        return BUDGET, f"cannot be evicted: {error.message}"
    except errors.Unreachable:
        raise
    except errors.ApiError as error:
        return FAILED, f"failed to evict: {error.message}"
    return None
