"""What is read of other objects to judge a Cluster, and that no more is read than is needed."""

from __future__ import annotations

from typing import Any

import pytest

from capelin.api.cluster import Cluster
from capelin.api.labels import CLUSTER_NAME_LABEL, TOPOLOGY_OWNED_LABEL
from capelin.api.meta import Unstructured
from capelin.api.topology import UNSAFE_VERSION_ANNOTATION, ClusterClassReference, Topology
from capelin.webhooks.admission import Admission
from capelin.webhooks.clusterfacts import Facts, gather, gather_for_default
from tests import build
from tests.buildclasses import clusterclass, machinepool
from tests.buildcontrolplane import kubeadmcontrolplane
from tests.buildtopology import topology

OWNED = {TOPOLOGY_OWNED_LABEL: ""}


class World:
    """Lookups among some objects; `looked` are the kinds that were looked up, in order."""

    def __init__(self, *objects: Any) -> None:
        self.objects = objects
        self.looked: list[str] = []

    async def get(self, kind: Any, key: Any) -> Any:
        self.looked.append(kind.__name__)
        return next((obj for obj in self.objects if isinstance(obj, kind) and obj.key == key), None)

    async def list(self, kind: Any, *, namespace: str = "") -> Any:
        self.looked.append(kind.__name__)
        return [obj for obj in self.objects if isinstance(obj, kind) and obj.key.namespace == namespace]

    async def referenced(self, reference: Any, namespace: str) -> Any:
        self.looked.append(reference.kind)
        found = next((obj for obj in self.objects if obj.resource.kind == reference.kind and obj.key.name == reference.name), None)
        return Unstructured(found.resource, found.wire()) if found else None


async def gathered(world: World, new: Cluster, old: Cluster | None = None) -> Facts:
    return await gather(Admission("UPDATE" if old else "CREATE", new, old, None), world)


def cluster(version: str = "v1.34.0", class_name: str = "standard", **meta: Any) -> Cluster:
    reference = build.bootstrap_ref("demo", "KubeadmControlPlane")
    return build.cluster(topology=topology(version, class_name=class_name), control_plane=reference, **meta)


async def test_without_a_topology_nothing_is_read() -> None:
    world = World()

    assert await gathered(world, build.cluster()) == Facts()
    assert world.looked == []


async def test_the_class_is_read() -> None:
    facts = await gathered(World(clusterclass(), clusterclass("other")), cluster())

    assert facts == Facts(clusterclass())


async def test_the_class_may_be_in_another_namespace() -> None:
    shared = clusterclass(namespace="shared")
    reference = ClusterClassReference(name="standard", namespace="shared")

    facts = await gathered(World(shared), build.cluster(topology=Topology(class_ref=reference, version="v1.34.0")))

    assert facts.clusterclass == shared


async def test_defaults_need_the_class_alone_although_the_version_changes() -> None:
    world = World(clusterclass(), build.machinedeployment(labels=OWNED))

    facts = await gather_for_default(Admission("UPDATE", cluster("v1.35.0"), cluster(), None), world)

    assert facts == Facts(clusterclass())
    assert world.looked == ["ClusterClass"]


async def test_defaults_of_a_cluster_without_a_topology_need_nothing() -> None:
    world = World()

    assert await gather_for_default(Admission("CREATE", build.cluster(), None, None), world) == Facts()
    assert world.looked == []


@pytest.mark.parametrize("name", ["", "../secrets/all", "a/b", "A"])
async def test_what_is_no_name_is_not_looked_up(name: str) -> None:
    world = World()
    reference = ClusterClassReference.model_construct(name=name, namespace=None)

    facts = await gathered(world, build.cluster(topology=Topology.model_construct(class_ref=reference, version="v1.34.0")))

    assert (facts, world.looked) == (Facts(), [])


async def test_the_class_before_is_read_when_it_was_another() -> None:
    facts = await gathered(World(clusterclass(), clusterclass("other")), cluster(class_name="other"), cluster())

    assert facts == Facts(clusterclass("other"), clusterclass())


async def test_parts_are_not_read_unless_the_version_changes() -> None:
    world = World(clusterclass())

    await gathered(world, cluster(labels={"a": "b"}), cluster())
    await gathered(world, cluster("v1.35.0", annotations={UNSAFE_VERSION_ANNOTATION: ""}), cluster())

    assert world.looked == ["ClusterClass", "ClusterClass"]


async def test_parts_of_the_topology_are_read_when_the_version_changes() -> None:
    others = {CLUSTER_NAME_LABEL: "other"} | OWNED
    deployment, pool, machine = build.machinedeployment(labels=OWNED), machinepool(labels=OWNED), build.machine()
    strangers = (build.machinedeployment("b", labels=others), machinepool("b"), build.machine("b", labels=others))

    facts = await gathered(World(kubeadmcontrolplane("demo"), deployment, pool, machine, *strangers), cluster("v1.35.0"), cluster())

    assert facts.parts.control_plane is not None
    assert (facts.parts.deployments, facts.parts.pools, facts.parts.machines) == ((deployment,), (pool,), (machine,))


async def test_machines_are_not_read_when_there_are_no_deployments() -> None:
    world = World(kubeadmcontrolplane("demo"))

    await gathered(world, cluster("v1.35.0"), cluster())

    assert "Machine" not in world.looked
