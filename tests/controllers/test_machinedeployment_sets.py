from datetime import timedelta
from typing import Any

import pytest

from capelin.api.labels import CLUSTER_NAME_LABEL, DEPLOYMENT_NAME_LABEL, TEMPLATE_HASH_LABEL
from capelin.api.machine import Machine
from capelin.api.machinedeployment import (
    DESIRED_REPLICAS_ANNOTATION,
    MAX_REPLICAS_ANNOTATION,
    REVISION_ANNOTATION,
    MachineDeployment,
    MachineDeploymentRollout,
)
from capelin.api.machineset import (
    DISABLE_MACHINE_CREATE_ANNOTATION,
    MACHINESET_FINALIZER,
    ORDINALS_ANNOTATION,
    MachineSet,
)
from capelin.api.meta import ObjectKey, is_controlled_by, owner_reference
from capelin.controllers.machinedeployment.desired import new_machineset
from capelin.controllers.machinedeployment.reconciler import TEMPLATE_POLL
from tests import build
from tests.controllers.workers import (
    LaggingClient,
    Workers,
    a_machinedeployment,
    change_template,
    message_of,
    run,
    settled_machinedeployment,
    status_of,
)
from tests.fakes import NOW

# -- the set of a template -----------------------------------------------------------------------------------------------------------------


async def test_a_new_deployment_gets_a_complete_set() -> None:
    world = Workers.of(a_machinedeployment())

    await world.reconcile_deployment()

    (machineset,) = await world.machinesets()
    mark = (machineset.metadata.labels or {})[TEMPLATE_HASH_LABEL]
    labels = {CLUSTER_NAME_LABEL: "demo", DEPLOYMENT_NAME_LABEL: "workers", TEMPLATE_HASH_LABEL: mark}
    assert machineset.spec.replicas == 3
    assert is_controlled_by(machineset.metadata, await world.deployment())
    assert machineset.metadata.finalizers == [MACHINESET_FINALIZER]
    assert machineset.metadata.labels == labels
    assert machineset.spec.selector.match_labels == labels
    assert machineset.spec.template.metadata is not None
    assert machineset.spec.template.metadata.labels == labels
    assert machineset.metadata.annotations == {
        REVISION_ANNOTATION: "1",
        DISABLE_MACHINE_CREATE_ANNOTATION: "false",
        DESIRED_REPLICAS_ANNOTATION: "3",
        MAX_REPLICAS_ANNOTATION: "4",
        ORDINALS_ANNOTATION: "0:3",
    }
    assert ((await world.deployment()).metadata.annotations or {})[REVISION_ANNOTATION] == "1"


def test_the_set_of_a_template_is_the_same_in_every_attempt() -> None:
    deployment = a_machinedeployment()

    first, second = new_machineset(deployment, now=NOW), new_machineset(deployment, now=NOW + timedelta(days=1))

    assert first == second


@pytest.mark.parametrize(
    ("change", "is_new"),
    [
        pytest.param({"version": "v1.35.0"}, True, id="version"),
        pytest.param({"failureDomain": "b"}, True, id="failure domain"),
        pytest.param({"infrastructureRef": {"name": "other"}}, True, id="infrastructure"),
        pytest.param({"bootstrap": {"configRef": {"name": "other"}}}, True, id="bootstrap"),
        pytest.param({"minReadySeconds": 3}, False, id="minReadySeconds"),
        pytest.param({"deletion": {"nodeDrainTimeoutSeconds": 3}}, False, id="time-outs"),
        pytest.param({"taints": [{"key": "a", "effect": "NoSchedule", "propagation": "Always"}]}, False, id="taints"),
    ],
)
async def test_only_what_cannot_change_in_place_makes_a_new_set(change: dict[str, Any], is_new: bool) -> None:
    world = await settled_machinedeployment()
    world.server.seed(build.kubeadmconfigtemplate("other"), build.devmachinetemplate("other"))

    await change_template(world, **change)
    await world.reconcile_deployment()

    assert len(world.names(MachineSet)) == (2 if is_new else 1)


async def test_labels_annotations_and_in_place_fields_reach_the_machines_without_replacing_them() -> None:
    world = await settled_machinedeployment()
    machines = world.names(Machine)

    template = {"metadata": {"labels": {"zone": "a"}}, "spec": {"minReadySeconds": 4}}
    await world.change(MachineDeployment, "workers", {"metadata": {"annotations": {"team": "x"}}, "spec": {"template": template}})
    await world.settle()

    (machineset,) = await world.machinesets()
    assert (machineset.metadata.labels or {})["zone"] == "a"
    assert (machineset.metadata.annotations or {})["team"] == "x"
    assert world.names(Machine) == machines
    for machine in await world.machines():
        assert (machine.metadata.labels or {})["zone"] == "a"
        assert machine.spec.min_ready_seconds == 4

    await world.change(MachineDeployment, "workers", {"spec": {"template": {"metadata": {"labels": {"zone": None}}}}})
    await world.settle()

    assert all("zone" not in (m.metadata.labels or {}) for m in [*await world.machines(), *await world.machinesets()])


async def test_going_back_takes_the_old_set_up_again() -> None:
    world = await settled_machinedeployment()
    (first,) = world.names(MachineSet)

    await change_template(world, version="v1.35.0")
    await world.settle(rounds=1)
    await change_template(world, version=build.VERSION)
    await run(world)

    assert world.names(MachineSet) == [first]
    assert ((await world.machineset(first)).metadata.annotations or {})[REVISION_ANNOTATION] == "3"
    assert {m.spec.version for m in await world.machines()} == {build.VERSION}


async def test_the_name_of_a_set_that_is_still_going_is_waited_for() -> None:
    world = await settled_machinedeployment()
    (first,) = world.names(MachineSet)
    await world.server.delete(MachineSet, ObjectKey("default", first))

    await run(world)

    (second,) = await world.machinesets()
    assert second.metadata.name == first
    assert second.metadata.deletion_timestamp is None
    assert len(world.names(Machine)) == 3


async def test_a_set_the_cache_has_not_seen_is_not_made_twice() -> None:
    world = Workers.of(a_machinedeployment())
    lagging = LaggingClient(world.server)
    world.client = lagging

    await world.reconcile_deployment()
    lagging.past.objects = {s: d for s, d in world.server.objects.items() if s[1] != "machinesets"}
    await world.reconcile_deployment()

    assert len(world.names(MachineSet)) == 1


async def test_a_strangers_set_with_our_name_is_a_condition() -> None:
    name = new_machineset(a_machinedeployment(), now=NOW).metadata.name
    stranger = build.machineset(name, owners=[build.owner(build.machinedeployment("other"))])
    world = Workers.of(a_machinedeployment(), stranger)

    result = await world.reconcile_deployment()

    assert result.after is not None
    assert message_of(await world.deployment(), "ScalingUp").endswith(
        f"MachineSet {name} exists and does not belong to the MachineDeployment"
    )
    assert (await world.machineset(name)).metadata.owner_references == stranger.metadata.owner_references


async def test_a_matching_set_without_controller_is_adopted_and_current() -> None:
    deployment = a_machinedeployment()
    labels = {CLUSTER_NAME_LABEL: "demo", DEPLOYMENT_NAME_LABEL: "workers"}
    template = build.machine_template("workers", labels=labels)
    orphan = build.machineset("orphan", labels=labels, selector=labels, template=template, finalizers=[MACHINESET_FINALIZER])
    world = Workers.of(deployment, orphan)

    await world.reconcile_deployment()

    (machineset,) = await world.machinesets()
    assert machineset.metadata.name == "orphan"
    assert is_controlled_by(machineset.metadata, deployment)


async def test_a_strangers_set_that_matches_is_left_alone() -> None:
    labels = {CLUSTER_NAME_LABEL: "demo", DEPLOYMENT_NAME_LABEL: "workers"}
    stranger = build.machineset("theirs", labels=labels, owners=[build.owner(build.machinedeployment("other"))])
    world = Workers.of(a_machinedeployment(), stranger)

    await world.reconcile_deployment()

    assert (await world.machineset("theirs")).metadata.owner_references == stranger.metadata.owner_references
    assert len(world.names(MachineSet)) == 2


@pytest.mark.parametrize(
    ("given", "want"),
    [
        pytest.param({"max_surge": 0, "max_unavailable": 0}, "maxSurge 0 and maxUnavailable 0", id="nothing could move"),
        pytest.param(
            {"template": build.machine_template("workers", labels={"a": "b"})}, "spec.selector", id="selector and template differ"
        ),
    ],
)
async def test_what_admission_would_refuse_is_a_condition_and_nothing_is_made(given: dict[str, Any], want: str) -> None:
    world = Workers.of(a_machinedeployment(**given))

    await world.reconcile_deployment()

    assert want in message_of(await world.deployment(), "ScalingUp")
    assert world.names(MachineSet) == []


async def test_a_template_that_is_missing_is_waited_for() -> None:
    world = Workers.of(a_machinedeployment(), templates=False)

    result = await world.reconcile_deployment()

    assert result.after == TEMPLATE_POLL
    assert message_of(await world.deployment(), "ScalingUp") == (
        "Scaling up from 0 to 3 replicas is blocked because DevMachineTemplate and KubeadmConfigTemplate do not exist"
    )
    assert world.names(MachineSet) == []

    world.add_templates()
    await world.reconcile_deployment()

    assert len(world.names(MachineSet)) == 1


async def test_deployment_and_templates_belong_to_the_cluster() -> None:
    world = await settled_machinedeployment()

    cluster = owner_reference(build.cluster(), controller=False)
    assert (await world.deployment()).metadata.owner_references == [cluster]
    for plural in ("devmachinetemplates", "kubeadmconfigtemplates"):
        (document,) = [document for slot, document in world.server.objects.items() if slot[1] == plural]
        assert document["metadata"]["ownerReferences"] == [cluster.wire()]
    assert sum(write.resource.plural == "devmachinetemplates" for write in world.server.writes) == 1


async def test_nothing_is_made_for_a_cluster_that_is_going() -> None:
    world = Workers.of(a_machinedeployment(), cluster=build.cluster(deleting=True, finalizers=["x"]))

    await world.reconcile_deployment()

    assert world.names(MachineSet) == []


# -- rollouts ------------------------------------------------------------------------------------------------------------------------------


async def test_a_new_version_replaces_the_machines_one_by_one_and_cleans_up() -> None:
    world = await settled_machinedeployment()
    await change_template(world, version="v1.35.0")

    for _ in range(16):
        await world.settle(rounds=1)
        machines = await world.machines()
        ready = [m for m in machines if status_of(m, "Available")[0] == "True" and m.metadata.deletion_timestamp is None]
        assert len(machines) <= 4
        assert len(ready) >= 3
        await world.make_ready(*[m for m in machines if m.metadata.deletion_timestamp is None])
        await world.finish_deletions()
    await world.settle()

    assert [m.spec.version for m in await world.machines()] == ["v1.35.0"] * 3
    assert len(world.names(MachineSet)) == 1
    assert ((await world.deployment()).metadata.annotations or {})[REVISION_ANNOTATION] == "2"


async def test_a_rollout_is_reported_with_its_reasons() -> None:
    world = await settled_machinedeployment()
    await change_template(world, version="v1.35.0", failureDomain="b")

    await world.settle()

    deployment = await world.deployment()
    assert status_of(deployment, "RollingOut") == ("True", "RollingOut")
    assert message_of(deployment, "RollingOut") == (
        "Rolling out 3 not up-to-date replicas\n* Version v1.34.0, v1.35.0 required\n* Failure domain none, b required"
    )
    assert status_of(deployment, "MachinesUpToDate") == ("False", "NotUpToDate")


async def test_on_delete_replaces_what_users_delete() -> None:
    world = await settled_machinedeployment(strategy="OnDelete")
    (old,) = world.names(MachineSet)
    await change_template(world, version="v1.35.0")
    await run(world)

    assert [m.spec.version for m in await world.machines()] == [build.VERSION] * 3
    assert ((await world.machineset(old)).metadata.annotations or {})[DISABLE_MACHINE_CREATE_ANNOTATION] == "true"

    await world.server.delete(Machine, ObjectKey("default", world.names(Machine)[0]))
    await run(world)

    assert sorted(m.spec.version or "" for m in await world.machines()) == [build.VERSION, build.VERSION, "v1.35.0"]


async def test_a_paused_deployment_scales_and_does_not_roll_out() -> None:
    world = await settled_machinedeployment()

    await world.change(MachineDeployment, "workers", {"spec": {"paused": True, "replicas": 4}})
    await change_template(world, version="v1.35.0")
    await run(world)

    assert [m.spec.version for m in await world.machines()] == [build.VERSION] * 4
    assert len(world.names(MachineSet)) == 1
    assert message_of(await world.deployment(), "Paused") == "MachineDeployment spec.paused is set to true"


async def test_a_rollout_begins_at_its_time() -> None:
    world = await settled_machinedeployment()
    machines = world.names(Machine)
    after = world.clock.now() + timedelta(hours=1)
    await world.change(MachineDeployment, "workers", {"spec": {"rollout": {"after": f"{after:%Y-%m-%dT%H:%M:%SZ}"}}})

    result = await world.reconcile_deployment()

    assert result.after is not None
    assert len(world.names(MachineSet)) == 1

    await world.clock.advance(result.after)
    await run(world, rounds=12)

    assert not set(world.names(Machine)) & set(machines)
    assert len(world.names(MachineSet)) == 1


async def test_a_time_that_was_long_ago_makes_a_new_deployment_no_second_set() -> None:
    world = await settled_machinedeployment(spec={"rollout": MachineDeploymentRollout(after=NOW - timedelta(days=1))})

    assert len(world.names(MachineSet)) == 1


async def test_a_set_that_changed_meanwhile_is_not_scaled() -> None:
    """The plan rests on what the cache shows; the set has lost a Machine since."""
    world = await settled_machinedeployment()
    await change_template(world, version="v1.35.0")
    await world.settle(rounds=1)
    await world.make_ready()
    await world.settle_sets()
    world.client = LaggingClient(world.server)
    old = (await world.machinesets())[0]
    await world.change(MachineSet, old.metadata.name, {"status": {"availableReplicas": 2}}, subresource="status")

    await world.reconcile_deployment()

    assert (await world.machineset(old.metadata.name)).spec.replicas == 3
