"""Attacks A5–A7 and A9: a tenant points references, owners and identities at what is not the tenant's."""

from __future__ import annotations

from typing import Any

import pytest

from capelin.api.cluster import Cluster
from capelin.api.core import Node, Secret
from capelin.api.devcluster import DevCluster
from capelin.api.devmachine import DevMachine
from capelin.api.machine import Machine, MachineStatus, NodeReference
from capelin.api.meta import ObjectKey
from capelin.api.references import ContractReference
from tests import build
from tests.controllers import cluster_world, machine_world

KEY = ObjectKey("default", "demo")


@pytest.fixture
def clusters() -> cluster_world.World:
    return cluster_world.World()


@pytest.fixture
def machines() -> machine_world.World:
    return machine_world.World()


async def test_a5_a_reference_has_no_namespace_and_one_that_is_sent_is_not_followed(clusters: cluster_world.World) -> None:
    clusters.management.seed(cluster_world.provisioned_devcluster(namespace="victim"))
    document = cluster_world.cluster().wire()
    document["spec"]["infrastructureRef"]["namespace"] = "victim"
    clusters.management.seed(Cluster.parse(document))

    await clusters.reconcile()

    assert clusters.condition("InfrastructureReady").reason == "ObjectDoesNotExist"
    assert "ownerReferences" not in (clusters.management.stored(DevCluster, ObjectKey("victim", "demo")) or {})["metadata"]


@pytest.mark.parametrize(
    ("group", "kind"),
    [("core", "Secret"), ("core", "Namespace"), ("rbac.authorization.k8s.io", "ClusterRole"), ("cluster.x-k8s.io", "Machine")],
)
async def test_a6_a_reference_to_an_arbitrary_kind_is_refused_and_nothing_is_deleted(
    clusters: cluster_world.World, group: str, kind: str
) -> None:
    victim = build.secret("demo")
    reference = ContractReference(api_group=group, kind=kind, name="demo")
    clusters.management.seed(victim, cluster_world.cluster(infrastructure=reference))

    with pytest.raises(ExceptionGroup):
        await clusters.reconcile()
    refused = clusters.condition("InfrastructureReady")
    await clusters.management.delete(Cluster, KEY)
    with pytest.raises(ExceptionGroup):
        await clusters.reconcile()

    assert refused.message.startswith(f"spec.infrastructureRef: found kind {kind} of the group")
    assert "allowed are kinds" in refused.message or "no CustomResourceDefinition" in refused.message
    assert (clusters.management.stored(Secret, KEY) or {})["metadata"]["uid"] == victim.uid
    assert clusters.management.stored(Cluster, KEY) is None  # nothing was ever made that it would have to wait for


async def test_a6_a_kind_without_the_contract_label_is_refused(clusters: cluster_world.World) -> None:
    clusters.management.seed(build.crd("apps.example.com", "Database", contracts={}))
    reference = ContractReference(api_group="apps.example.com", kind="Database", name="production")
    victim = build.document("Database", "apps.example.com", name="production")
    clusters.management.seed(victim, cluster_world.cluster(infrastructure=reference))

    with pytest.raises(ExceptionGroup):
        await clusters.reconcile()

    assert "cluster.x-k8s.io/v1beta2" in clusters.condition("InfrastructureReady").message
    assert "ownerReferences" not in (clusters.management.stored(victim.resource, ObjectKey("default", "production")) or {})["metadata"]


async def test_a6_a_machines_reference_to_an_arbitrary_kind_is_refused(machines: machine_world.World) -> None:
    reference = ContractReference(api_group="core", kind="Secret", name="worker")
    machines.management.seed(build.secret("worker"), machine_world.machine_of_set(spec={"infrastructure_ref": reference}))

    with pytest.raises(ExceptionGroup):
        await machines.reconcile()
    await machines.management.delete(Machine, machine_world.KEY)
    with pytest.raises(ExceptionGroup):
        await machines.reconcile()

    assert machines.management.stored(Secret, machine_world.KEY) is not None
    assert machines.management.stored(Machine, machine_world.KEY) is None


async def test_a7_a_machine_with_an_owner_reference_forged_to_a_cluster_is_not_deleted_with_it(clusters: cluster_world.World) -> None:
    forged = build.machine("victim", cluster_name="other", owners=[build.owner(build.cluster(), controller=False)])
    clusters.management.seed(cluster_world.cluster(deleting=True), forged)

    await clusters.reconcile()

    assert clusters.management.stored(Machine, ObjectKey("default", "victim")) is not None


async def test_a7_a_label_forged_to_a_cluster_is_not_enough_either(clusters: cluster_world.World) -> None:
    labels = {"cluster.x-k8s.io/cluster-name": "demo"}
    clusters.management.seed(cluster_world.cluster(deleting=True), build.machine("victim", cluster_name="other", labels=labels))

    await clusters.reconcile()

    assert clusters.management.stored(Machine, ObjectKey("default", "victim")) is not None


async def test_a7_infrastructure_of_another_cluster_is_neither_adopted_nor_deleted(clusters: cluster_world.World) -> None:
    owners = [build.owner(build.cluster("other"), controller=False)]
    clusters.management.seed(cluster_world.provisioned_devcluster(owners=owners), cluster_world.cluster())

    with pytest.raises(ExceptionGroup):
        await clusters.reconcile()
    problem = clusters.condition("InfrastructureReady").message
    await clusters.management.delete(Cluster, KEY)
    with pytest.raises(ExceptionGroup):
        await clusters.reconcile()

    assert "found owner Cluster other" in problem
    assert not clusters.is_deleting(DevCluster, "demo")
    assert clusters.management.stored(Cluster, KEY) is None


async def test_a7_infrastructure_of_another_machine_is_neither_adopted_nor_deleted(machines: machine_world.World) -> None:
    machines.management.seed(machine_world.machine_of_set(), build.devmachine(owners=[build.owner(build.machine("other"))]))

    with pytest.raises(ExceptionGroup):
        await machines.reconcile()
    await machines.management.delete(Machine, machine_world.KEY)
    with pytest.raises(ExceptionGroup):
        await machines.reconcile()

    stored = machines.management.stored(DevMachine, machine_world.KEY) or {}
    assert [o["name"] for o in stored["metadata"]["ownerReferences"]] == ["other"]
    assert "deletionTimestamp" not in stored["metadata"]


async def test_a9_a_copied_provider_id_does_not_take_over_the_node_of_another_machine(machines: machine_world.World) -> None:
    await machines.run_machine()
    thief = build.machine("thief", owners=[build.owner(build.machineset())], finalizers=["machine.cluster.x-k8s.io"])
    copied = build.devmachine("thief", provider_id=machine_world.PROVIDER_ID, owners=[build.owner(thief)]).wire()
    copied["status"] = {"initialization": {"provisioned": True}}
    machines.management.seed(thief, DevMachine.parse(copied))
    key = ObjectKey("default", "thief")
    before = machines.workload.stored(Node, ObjectKey("", "worker"))

    await machines.settle(key)
    found = machines.machine(key)
    problem = next(c for c in found.status.conditions or () if c.type == "NodeReady")  # type: ignore[union-attr]
    await machines.management.delete(Machine, key)
    await machines.settle(key)

    assert found.status.node_ref is None  # type: ignore[union-attr]
    assert "belongs to Machine worker" in problem.message
    assert machines.workload.stored(Node, ObjectKey("", "worker")) == before


async def test_a9_a_status_that_names_another_computers_node_leads_to_no_act_on_it(machines: machine_world.World) -> None:
    """Whoever may write the status names a Node that is not the Machine's: it is neither drained nor deleted."""
    status = MachineStatus(node_ref=NodeReference(name="victim"))
    spec: dict[str, Any] = {"provider_id": "dev:////mine"}
    machines.management.seed(machine_world.machine_of_set(status=status, spec=spec, deleting=True))
    machines.workload.seed(build.node("victim", provider_id="dev:////victim"), build.pod(node_name="victim"))

    await machines.settle()

    assert machines.management.stored(Machine, machine_world.KEY) is None
    assert machines.workload.writes == []
