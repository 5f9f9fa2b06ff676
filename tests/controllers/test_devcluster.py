"""The DevCluster controller, with the seven tests that every controller has."""

from __future__ import annotations

import errno
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import pytest

from capelin.api.behavior import BEHAVIOR_ANNOTATION, APIBehavior
from capelin.api.cluster import Cluster
from capelin.api.devcluster import DEVCLUSTER_FINALIZER, DevCluster
from capelin.api.meta import Condition, ObjectKey, find_condition
from capelin.cloud.inmemory.orders import Site
from capelin.controllers.devcluster.reconciler import PORT_RETRY, DevClusterReconciler
from capelin.controllers.devcluster.status import WORTH_TELLING
from capelin.runtime import errors
from capelin.runtime.client import Client
from capelin.runtime.reconcile import DONE, Result
from tests import build
from tests.fakes import Died, FakeClient, InterruptingClient

KEY = ObjectKey("default", "demo")
CLUSTER_UID = "cluster-demo"


@dataclass
class FakeCloud:
    """Remembers where clusters are served, and may refuse."""

    sites: dict[str, Site] = field(default_factory=dict)
    behaviors: dict[str, APIBehavior] = field(default_factory=dict)
    serving: set[str] = field(default_factory=set)
    refusal: OSError | None = None

    async def provide(self, site: Site, behavior: APIBehavior) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.sites[site.uid], self.behaviors[site.uid] = site, behavior

    def is_serving(self, cluster_uid: str) -> bool:
        return cluster_uid in self.serving

    async def withdraw(self, cluster_uid: str) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.sites.pop(cluster_uid, None)


@dataclass
class FakePorts:
    """Ports from 20000 on, some of them taken."""

    taken: set[int] = field(default_factory=set)
    given: int = 0

    def free(self, host: str, avoiding: Collection[int]) -> int:
        self.given += 1
        return next(port for port in range(20_000, 30_000) if port not in avoiding and port not in self.taken)

    def is_free(self, host: str, port: int) -> bool:
        return port not in self.taken


@dataclass
class World:
    """A DevCluster, the cloud, and the controller between them."""

    management: FakeClient = field(default_factory=FakeClient)
    cloud: FakeCloud = field(default_factory=FakeCloud)
    ports: FakePorts = field(default_factory=FakePorts)
    client: Client | None = None

    def __post_init__(self) -> None:
        self.management.seed(build.cluster())

    async def reconcile(self) -> Result:
        return await DevClusterReconciler(self.client or self.management, self.cloud, self.ports, self.management.clock).reconcile(KEY)

    async def settle(self) -> Result:
        for _ in range(6):
            count = len(self.management.writes)
            result = await self.reconcile()
            if len(self.management.writes) == count:
                return result
        raise AssertionError("does not settle")

    def devcluster(self) -> DevCluster:
        found = self.management.stored(DevCluster, KEY)
        assert found is not None, "the DevCluster is gone"
        return DevCluster.parse(found)

    def port(self) -> int | None:
        spec = self.devcluster().spec
        return spec.control_plane_endpoint.port if spec and spec.control_plane_endpoint else None

    def condition(self, type_: str) -> Condition:
        status = self.devcluster().status
        found = find_condition(status.conditions if status else None, type_)
        assert found is not None, f"no condition {type_}"
        return found

    def is_provisioned(self) -> bool:
        status = self.devcluster().status
        return bool(status and status.initialization and status.initialization.provisioned)


@pytest.fixture
def world() -> World:
    return World()


def owned(**fields: Any) -> DevCluster:
    """Return a DevCluster that its Cluster has adopted."""
    defaults: dict[str, Any] = {"finalizers": [DEVCLUSTER_FINALIZER], "owners": [build.owner(build.cluster(), controller=False)]}
    return build.devcluster(**(defaults | fields))


# -- the seven -------------------------------------------------------------------------------------------------------------------------


async def test_finalizer_first(world: World) -> None:
    world.management.seed(owned(finalizers=[]))

    await world.reconcile()

    assert [w.verb for w in world.management.writes] == ["patch"]
    assert world.devcluster().metadata.finalizers == [DEVCLUSTER_FINALIZER]
    assert world.cloud.sites == {}


async def test_settled_object_writes_nothing(world: World) -> None:
    world.management.seed(owned())
    await world.settle()
    writes = len(world.management.writes)

    result = await world.reconcile()

    assert (len(world.management.writes), result) == (writes, DONE)
    assert writes == 2  # the endpoint, then the status


async def test_failed_phase_still_reports_status(world: World) -> None:
    world.management.seed(owned())
    world.management.fail_write(0, errors.ServerError("down"))

    with pytest.raises(ExceptionGroup):
        await world.reconcile()

    assert (world.condition("Ready").status, world.condition("LoadBalancerAvailable").reason) == ("Unknown", "InternalError")
    assert world.cloud.sites == {}, "nothing is served at an endpoint that may not be stored"
    assert not world.is_provisioned()


async def test_absent_vs_unknown_in_deletion(world: World) -> None:
    world.management.seed(owned(deleting=True))
    world.cloud.refusal = OSError(errno.ENOSPC, "disk full")

    with pytest.raises(ExceptionGroup):
        await world.reconcile()
    kept = world.devcluster().metadata.finalizers
    world.cloud.refusal = None
    await world.reconcile()

    assert kept == [DEVCLUSTER_FINALIZER]
    assert world.management.stored(DevCluster, KEY) is None


@pytest.mark.parametrize("by_cluster", [True, False], ids=["with its Cluster", "by itself"])
async def test_paused_does_nothing(world: World, by_cluster: bool) -> None:
    if by_cluster:
        await world.management.patch(Cluster, KEY, {"spec": {"paused": True}})
    world.management.seed(owned(finalizers=[], annotations={} if by_cluster else {"cluster.x-k8s.io/paused": ""}))
    before = len(world.management.writes)

    await world.reconcile()
    await world.reconcile()

    assert world.condition("Paused").status == "True"
    assert len(world.management.writes) == before + 1
    assert (world.devcluster().metadata.finalizers, world.port(), world.cloud.sites) == (None, None, {})


async def test_two_passes_equal_one(world: World) -> None:
    world.management.seed(owned())
    await world.reconcile()
    once = world.devcluster()

    await world.reconcile()

    assert world.devcluster() == once


@pytest.mark.parametrize("after", [False, True], ids=["before the server saw the write", "before we saw the answer"])
@pytest.mark.parametrize("write", range(3))
async def test_interrupted_between_any_two_writes(write: int, after: bool) -> None:
    calm, rough = World(), World()
    for world in (calm, rough):
        world.management.seed(owned(finalizers=[]))
    await calm.settle()

    rough.client = InterruptingClient(rough.management, write, after=after)
    with pytest.raises(Died):
        await rough.settle()
    rough.client = None
    await rough.settle()

    assert _lasting(rough.devcluster()) == _lasting(calm.devcluster())
    assert rough.cloud.sites == calm.cloud.sites


def _lasting(devcluster: DevCluster) -> Any:
    """Return what does not count writes."""
    document = devcluster.wire()
    conditions = [(c["type"], c["status"], c["reason"]) for c in document["status"].pop("conditions")]
    return document["spec"], document["status"], conditions, document["metadata"]["finalizers"]


# -- the endpoint ----------------------------------------------------------------------------------------------------------------------


async def test_the_infrastructure_is_there_before_any_control_plane(world: World) -> None:
    """Bootstrap data waits for the infrastructure; were it to wait for a control plane, nothing would ever begin."""
    world.management.seed(owned())

    await world.settle()

    assert world.is_provisioned()
    assert world.condition("Ready").status == world.condition("LoadBalancerAvailable").status == "True"
    assert world.port() == 20_000
    assert world.cloud.sites[CLUSTER_UID] == Site(CLUSTER_UID, KEY, "127.0.0.1", 20_000)
    assert not world.cloud.serving


async def test_a_port_is_chosen_once(world: World) -> None:
    world.management.seed(owned())
    await world.settle()
    world.ports.taken.add(20_000)
    world.cloud.serving.add(CLUSTER_UID)

    await world.settle()

    assert (world.port(), world.ports.given) == (20_000, 1)


async def test_ports_of_other_clusters_are_avoided(world: World) -> None:
    world.management.seed(owned(), build.devcluster("other", endpoint=("127.0.0.1", 20_000)))

    await world.settle()

    assert world.port() == 20_001


async def test_an_endpoint_of_the_user_is_kept(world: World) -> None:
    world.management.seed(owned(endpoint=("127.0.0.2", 7443)))

    await world.settle()

    assert world.cloud.sites[CLUSTER_UID] == Site(CLUSTER_UID, KEY, "127.0.0.2", 7443)
    assert world.ports.given == 0


async def test_a_taken_port_is_told_and_never_exchanged(world: World) -> None:
    world.management.seed(owned(endpoint=("127.0.0.1", 7443)))
    world.ports.taken.add(7443)

    waiting = await world.settle()
    told, provisioned = world.condition("LoadBalancerAvailable"), world.is_provisioned()
    world.ports.taken.clear()
    await world.settle()

    assert (waiting, world.port()) == (Result(PORT_RETRY), 7443)
    assert (told.status, told.reason, told.message) == ("False", "PortTaken", "something else listens on 127.0.0.1:7443")
    assert not provisioned
    assert world.is_provisioned()


async def test_an_endpoint_that_cannot_be_opened_is_told(world: World) -> None:
    world.management.seed(owned())
    world.cloud.refusal = OSError(errno.EADDRINUSE, "Address already in use")

    result = await world.settle()

    assert result == Result(PORT_RETRY)
    assert world.condition("Ready").message == "* LoadBalancerAvailable: 127.0.0.1:20000 cannot be served: Address already in use"


async def test_provisioned_stays_when_the_port_is_lost(world: World) -> None:
    world.management.seed(owned())
    await world.settle()
    world.ports.taken.add(20_000)

    await world.settle()

    assert world.is_provisioned()
    assert world.condition("Ready").status == "False"


@pytest.mark.parametrize("host", ["10.0.0.1", "0.0.0.0", "api.example.com", "169.254.169.254"])
async def test_only_this_host_serves(world: World, host: str) -> None:
    world.management.seed(owned(endpoint=(host, 6443)))

    await world.settle()

    assert world.condition("LoadBalancerAvailable").reason == "InvalidSpec"
    assert f"found {host}, allowed is a loopback address" in world.condition("Ready").message
    assert world.cloud.sites == {}


async def test_another_backend_is_refused(world: World) -> None:
    devcluster = owned().wire()
    devcluster["spec"]["backend"] = {"docker": {}}
    world.management.seed(DevCluster.parse(devcluster))

    await world.settle()

    assert "spec.backend: found no inMemory" in world.condition("Ready").message


async def test_a_devcluster_waits_for_its_cluster(world: World) -> None:
    world.management.seed(build.devcluster(finalizers=[DEVCLUSTER_FINALIZER]))

    await world.settle()

    assert world.condition("LoadBalancerAvailable").reason == "WaitingForCluster"
    assert (world.port(), world.is_provisioned()) == (None, False)


async def test_a_new_devcluster_says_nothing_before_its_cluster_had_time_to_adopt_it(world: World) -> None:
    devcluster = build.devcluster(finalizers=[DEVCLUSTER_FINALIZER])
    devcluster.metadata.creation_timestamp = world.management.clock.now()
    world.management.seed(devcluster)

    early = await world.reconcile()
    silent = world.devcluster().status
    await world.management.clock.advance(WORTH_TELLING)
    await world.reconcile()

    assert (early, silent) == (Result(WORTH_TELLING), None)
    assert world.condition("LoadBalancerAvailable").reason == "WaitingForCluster"


async def test_infrastructure_of_somebody_else_is_left_alone(world: World) -> None:
    world.management.seed(owned(finalizers=[], annotations={"cluster.x-k8s.io/managed-by": "terraform"}))

    await world.reconcile()

    assert world.management.writes == []


# -- deletion and behavior -------------------------------------------------------------------------------------------------------------


async def test_deletion_withdraws_the_cluster_even_when_its_cluster_object_is_gone(world: World) -> None:
    world.management.seed(owned(deleting=True))
    world.management.objects.pop((Cluster.resource.group, "clusters", KEY))
    world.cloud.sites[CLUSTER_UID] = Site(CLUSTER_UID, KEY, "127.0.0.1", 20_000)

    await world.reconcile()

    assert world.cloud.sites == {}
    assert world.management.stored(DevCluster, KEY) is None
    assert len(world.management.writes) == 1


async def test_how_the_api_answers_is_declared_by_the_annotation(world: World) -> None:
    world.management.seed(owned(annotations={BEHAVIOR_ANNOTATION: '{"api": {"unreachable": true}}'}))

    await world.settle()

    assert world.cloud.behaviors[CLUSTER_UID] == APIBehavior(unreachable=True)
    assert world.condition("BehaviorValid").status == "True"


async def test_an_annotation_that_cannot_be_understood_is_told_and_has_no_effect(world: World) -> None:
    world.management.seed(owned(annotations={BEHAVIOR_ANNOTATION: '{"api": {"latency": 5}}'}))

    await world.settle()
    told = world.condition("BehaviorValid")
    await world.management.patch(DevCluster, KEY, {"metadata": {"annotations": None}})
    await world.settle()

    assert (told.status, told.reason) == ("False", "InvalidBehavior")
    assert "$.api.latency: found 5" in told.message
    assert world.cloud.behaviors[CLUSTER_UID] == APIBehavior()
    status = world.devcluster().status
    assert find_condition(status.conditions if status else None, "BehaviorValid") is None
    assert world.condition("Ready").status == "True"
