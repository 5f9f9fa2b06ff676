"""The cells of a Pod's row: one word for what its containers are doing, and how often they were restarted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from capelin.apiserver.surface import ages
from capelin.runtime.codec import Document

_NONE = "<none>"


class PodView:
    """What a Pod's row shows, computed from its spec and status by the rules kubectl users know."""

    def __init__(self, pod: Document) -> None:
        self._metadata: Mapping[str, Any] = pod.get("metadata") or {}
        self._spec: Mapping[str, Any] = pod.get("spec") or {}
        self._status: Mapping[str, Any] = pod.get("status") or {}
        self._init_statuses: list[Mapping[str, Any]] = self._status.get("initContainerStatuses") or []
        self._statuses: list[Mapping[str, Any]] = self._status.get("containerStatuses") or []
        inits = self._spec.get("initContainers") or ()
        self._init_count = len(inits)
        self._sidecars = {container.get("name") for container in inits if container.get("restartPolicy") == "Always"}

    @property
    def ready(self) -> str:
        """Ready containers of all, sidecars included."""
        ready = sum(1 for status in self._statuses if self._started and status.get("ready") and _state(status, "running") is not None)
        ready += sum(1 for status in self._passed_inits() if status.get("name") in self._sidecars and status.get("ready"))
        return f"{ready}/{len(self._spec.get('containers') or ()) + len(self._sidecars)}"

    def restarts(self, now: datetime) -> str:
        """How often containers were restarted, and when last."""
        sidecars = [status for status in self._init_statuses if status.get("name") in self._sidecars]
        counted = [*sidecars, *self._statuses] if self._started else self._init_statuses[: len(self._passed_inits()) + 1]
        count = sum(int(status.get("restartCount") or 0) for status in counted)
        ends = [((status.get("lastState") or {}).get("terminated") or {}).get("finishedAt") for status in counted]
        last = max((str(end) for end in ends if end), default="")
        return f"{count} ({ages.since(last, now)} ago)" if count and last else str(count)

    @property
    def word(self) -> str:
        """The status: a phase, or what keeps the containers from running."""
        phase = str(self._status.get("phase") or "")
        if self._metadata.get("deletionTimestamp"):
            if self._status.get("reason") == "NodeLost":
                return "Unknown"
            if phase not in ("Succeeded", "Failed"):
                return "Terminating"
        gated = any(c.get("type") == "PodScheduled" and c.get("reason") == "SchedulingGated" for c in self._status.get("conditions") or ())
        reason = "SchedulingGated" if gated else str(self._status.get("reason") or phase)
        if (blocked := self._init_reason()) is not None:
            reason = blocked
        return self._container_reason(reason) if self._started else reason

    @property
    def readiness_gates(self) -> str:
        """True readiness gates of all."""
        gates = [gate.get("conditionType") for gate in self._spec.get("readinessGates") or ()]
        true = {c.get("type") for c in self._status.get("conditions") or () if c.get("status") == "True"}
        return f"{sum(1 for gate in gates if gate in true)}/{len(gates)}" if gates else _NONE

    @property
    def _started(self) -> bool:
        """Whether init containers no longer decide what the row shows."""
        return self._init_reason() is None or self._condition("Initialized")

    def _condition(self, type_: str) -> bool:
        return any(c.get("type") == type_ and c.get("status") == "True" for c in self._status.get("conditions") or ())

    def _passed_inits(self) -> list[Mapping[str, Any]]:
        """Return the leading init containers that have ended well, or run on as sidecars."""
        passed: list[Mapping[str, Any]] = []
        for status in self._init_statuses:
            ended = _state(status, "terminated")
            if not (ended is not None and not ended.get("exitCode")) and not (
                status.get("name") in self._sidecars and status.get("started")
            ):
                break
            passed.append(status)
        return passed

    def _init_reason(self) -> str | None:
        """Return what the first init container that is not through says, or None."""
        index = len(self._passed_inits())
        if index == len(self._init_statuses):
            return None
        status = self._init_statuses[index]
        if (ended := _state(status, "terminated")) is not None:
            return f"Init:{_ended(ended)}"
        waiting = (_state(status, "waiting") or {}).get("reason")
        return f"Init:{waiting}" if waiting and waiting != "PodInitializing" else f"Init:{index}/{self._init_count}"

    def _container_reason(self, reason: str) -> str:
        failure, running = "", False
        for status in reversed(self._statuses):
            waiting = (_state(status, "waiting") or {}).get("reason")
            ended = _state(status, "terminated")
            if waiting:
                reason = waiting
            elif ended is not None:
                reason = _ended(ended)
                failure = reason if ended.get("exitCode") else failure
            elif status.get("ready") and _state(status, "running") is not None:
                running = True
        if reason != "Completed":
            return reason
        if running and self._condition("Ready"):
            return "Running"
        return failure or ("NotReady" if running else reason)


def _state(status: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    found: Mapping[str, Any] | None = (status.get("state") or {}).get(name)
    return found


def _ended(ended: Mapping[str, Any]) -> str:
    if ended.get("reason"):
        return str(ended["reason"])
    return f"Signal:{ended['signal']}" if ended.get("signal") else f"ExitCode:{ended.get('exitCode', 0)}"


def _first_address(pod: Document) -> str:
    addresses = (pod.get("status") or {}).get("podIPs") or ()
    return next((address.get("ip") or _NONE for address in addresses), _NONE)


POD_CELLS: Mapping[str, Callable[[Document, datetime], Any]] = {
    "pod_ip": lambda pod, _now: _first_address(pod),
    "pod_node": lambda pod, _now: (pod.get("spec") or {}).get("nodeName") or _NONE,
    "pod_nominated_node": lambda pod, _now: (pod.get("status") or {}).get("nominatedNodeName") or _NONE,
    "pod_readiness_gates": lambda pod, _now: PodView(pod).readiness_gates,
    "pod_ready": lambda pod, _now: PodView(pod).ready,
    "pod_restarts": lambda pod, now: PodView(pod).restarts(now),
    "pod_status": lambda pod, _now: PodView(pod).word,
}
