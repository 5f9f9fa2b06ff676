from __future__ import annotations

import pytest

from capelin.api.machine import Machine, MachineStatus
from capelin.api.meta import ObjectKey
from capelin.controllers.cluster.watches import is_step, labelled_to_cluster
from capelin.runtime.cache import Cache
from capelin.runtime.codec import encode
from capelin.runtime.entries import CachedObject, ingest
from capelin.runtime.reconcile import Change
from tests import build


def entry(machine: Machine) -> CachedObject:
    machine.metadata.resource_version = machine.metadata.resource_version or "1"
    return ingest(encode(machine.wire()))


def machine(phase: str, *, control_plane: bool = True, deleting: bool = False) -> CachedObject:
    return entry(build.machine(control_plane=control_plane, deleting=deleting, status=MachineStatus(phase=phase)))


def test_what_carries_the_label_wakes_the_cluster_in_its_own_namespace() -> None:
    change = Change(None, entry(build.machine(namespace="team")))

    assert list(labelled_to_cluster(change, Cache())) == [ObjectKey("team", "demo")]


def test_what_carries_no_label_wakes_nobody() -> None:
    unlabelled = build.machine()
    unlabelled.metadata.labels = None

    assert list(labelled_to_cluster(Change(None, entry(unlabelled)), Cache())) == []


@pytest.mark.parametrize(
    ("old", "new", "want"),
    [
        pytest.param(None, machine("Pending"), False, id="came"),
        pytest.param(machine("Running"), None, True, id="went"),
        pytest.param(machine("Running"), machine("Deleting", deleting=True), True, id="was told to go"),
        pytest.param(machine("Provisioned"), machine("Running"), True, id="the control plane moved on"),
        pytest.param(machine("Provisioned", control_plane=False), machine("Running", control_plane=False), False, id="a worker moved on"),
        pytest.param(machine("Running"), machine("Running"), False, id="only news"),
    ],
)
def test_a_step_is_what_decides_about_the_next(old: CachedObject | None, new: CachedObject | None, want: bool) -> None:
    assert is_step(Change(old, new)) is want
