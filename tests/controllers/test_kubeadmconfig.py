"""The KubeadmConfig controller, over a client that keeps state."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest
import yaml

from capelin.api.cluster import CLUSTER_SECRET_TYPE, Cluster
from capelin.api.core import ConfigMap, Secret
from capelin.api.kubeadmconfig import KubeadmConfig
from capelin.api.labels import CLUSTER_NAME_LABEL, PAUSED_ANNOTATION, UNINITIALIZED_TAINT
from capelin.api.machine import Machine
from capelin.api.meta import ObjectKey
from capelin.controllers.kubeadmconfig.reconciler import CONNECTION_POLL, PATIENCE, SECRET_POLL
from capelin.controllers.kubeadmconfig.tokens import REFRESH_INTERVAL, TOKEN_TTL
from capelin.runtime import errors
from capelin.runtime.reconcile import DONE
from tests import build
from tests.controllers.kubeadmconfig_world import (
    CLUSTER,
    KEY,
    SECRET,
    World,
    certificates,
    cluster,
    config,
    initializing,
    joining,
    machine,
)
from tests.fakes import Died, InterruptingClient

LOCK = ObjectKey("default", "demo-lock")


def edit(world: World, kind: Any, key: ObjectKey, patch: dict[str, Any]) -> None:
    """Change an object as somebody else would."""
    document = world.client.stored(kind, key)
    assert document is not None
    for name, value in patch.items():
        document[name] = {**document.get(name, {}), **value} if isinstance(value, dict) else value


def joined(world: World) -> None:
    edit(world, Machine, KEY, {"status": {"nodeRef": {"name": "worker"}, "initialization": {"infrastructureProvisioned": True}}})


# -- the seven ---------------------------------------------------------------------------------------------------------------------------


async def test_finalizer_first() -> None:
    """None is taken: what is outside the management cluster is a token that ends by itself."""
    world = await joining()

    await world.reconcile()

    assert (await world.config()).metadata.finalizers is None


async def test_settled_object_writes_nothing() -> None:
    world = await joining()
    await world.reconcile()
    joined(world)
    await world.reconcile()
    world.client.writes.clear()
    world.workload.writes.clear()
    reads = world.workload.reads

    assert await world.reconcile() == DONE

    assert world.client.writes == []
    assert world.workload.writes == []
    assert world.workload.reads == reads


async def test_failed_phase_still_reports_status() -> None:
    world = await joining()
    world.client.read_faults["secrets", "demo-ca"] = errors.ServerError("etcd is on fire")

    with pytest.raises(ExceptionGroup):
        await world.reconcile()

    condition = await world.condition("DataSecretAvailable")
    assert (condition.status, condition.reason) == ("Unknown", "InternalError")
    assert "etcd is on fire" in condition.message


async def test_absent_versus_unknown_in_deletion() -> None:
    """A cluster that cannot be asked is asked again; only one that answers makes the token count as gone."""
    world = await joining()
    await world.reconcile()
    edit(world, Machine, KEY, {"metadata": {"deletionTimestamp": "2026-01-01T12:00:00Z"}})
    world.clusters.is_cut = True

    assert (await world.reconcile()).after == CONNECTION_POLL
    assert len(world.tokens()) == 1

    world.clusters.is_cut = False
    assert await world.reconcile() == DONE
    assert world.tokens() == []


@pytest.mark.parametrize("by", ["Cluster", "annotation"])
async def test_paused_does_nothing(by: str) -> None:
    world = World()
    of = machine()
    annotations = {PAUSED_ANNOTATION: ""} if by == "annotation" else None
    world.client.seed(cluster(paused=by == "Cluster" or None), of, config(of, annotations=annotations), *await certificates())

    await world.reconcile()

    assert (await world.condition("Paused")).status == "True"
    assert [write.subresource for write in world.client.writes] == ["status"]
    assert world.workload.writes == []


async def test_two_passes_equal_one() -> None:
    once, twice = await joining(), await joining()
    await once.reconcile()

    await twice.reconcile()
    await twice.reconcile()

    assert twice.client.objects == once.client.objects
    assert twice.workload.objects == once.workload.objects


@pytest.mark.parametrize("after", [False, True], ids=["before the write took effect", "after it did"])
@pytest.mark.parametrize("make", ["init", "join"])
async def test_interrupted_between_any_two_writes(make: str, after: bool) -> None:
    whole = initializing() if make == "init" else await joining()
    await whole.reconcile()

    for number in range(len(whole.client.writes)):
        world = initializing() if make == "init" else await joining()
        with pytest.raises(Died):
            await world.restarted(InterruptingClient(world.client, number, after=after)).reconcile(KEY)

        await world.restarted(world.client).reconcile(KEY)

        assert sorted(map(str, world.client.objects)) == sorted(map(str, whole.client.objects))
        assert (await world.config()).status is not None
        assert (await world.condition("Ready")).status == "True"
        assert world.tokens() == whole.tokens()
        if make == "join":
            assert await world.data() == await whole.data()


# -- waiting -----------------------------------------------------------------------------------------------------------------------------


async def test_without_its_machine_nothing_happens() -> None:
    world = World()
    world.client.seed(build.kubeadmconfig(), cluster())

    assert await world.reconcile() == DONE
    assert world.client.writes == []


async def test_namesake_of_its_machine_is_not_its_machine() -> None:
    world = await joining()
    edit(world, Machine, KEY, {"metadata": {"uid": "another"}})

    assert await world.reconcile() == DONE
    assert world.client.writes == []


async def test_waiting_for_infrastructure_is_reported_once_it_lasts() -> None:
    world = World()
    world.clock.at = build.NOW
    of = machine()
    world.client.seed(cluster(infrastructure=False, control_plane=False), of, config(of))

    assert (await world.reconcile()).after == PATIENCE
    assert world.client.writes == []

    await world.clock.advance(PATIENCE)
    assert await world.reconcile() == DONE
    assert (await world.condition("DataSecretAvailable")).reason == "WaitingForClusterInfrastructureReady"
    assert (await world.condition("Ready")).status == "False"


async def test_new_worker_waits_for_the_control_plane_in_silence() -> None:
    world = World()
    of = machine()
    new = config(of)
    new.metadata.creation_timestamp = world.clock.now()
    world.client.seed(cluster(control_plane=False), of, new)

    assert (await world.reconcile()).after == PATIENCE
    assert world.client.writes == []


async def test_worker_waits_for_a_control_plane_to_join() -> None:
    world = World()
    of = machine()
    world.client.seed(cluster(control_plane=False), of, config(of))

    assert await world.reconcile() == DONE

    assert (await world.condition("DataSecretAvailable")).reason == "WaitingForControlPlaneInitialized"
    assert world.client.stored(Secret, SECRET) is None


async def test_silent_workload_cluster_is_waited_for() -> None:
    world = await joining()
    world.clusters.is_cut = True

    assert (await world.reconcile()).after == CONNECTION_POLL

    assert "Waiting for the workload cluster" in (await world.condition("DataSecretAvailable")).message
    assert world.client.stored(Secret, SECRET) is None


async def test_secret_that_content_comes_from_may_come_later() -> None:
    spec = {"files": [{"path": "/etc/motd", "contentFrom": {"secret": {"name": "motd", "key": "text"}}}]}
    world = await joining(spec=spec)

    assert (await world.reconcile()).after == SECRET_POLL
    assert "spec.files[0].contentFrom: Secret default/motd does not exist" in (await world.condition("DataSecretAvailable")).message

    world.client.seed(build.secret("motd", {"text": "hello"}))
    await world.reconcile()
    assert await world.file("/etc/motd") == "hello"


async def test_missing_certificates_are_named() -> None:
    world = World()
    of = machine()
    world.client.seed(cluster(), of, config(of))

    assert (await world.reconcile()).after == SECRET_POLL

    condition = await world.condition("CertificatesAvailable")
    assert (condition.status, condition.message) == ("False", "the Secrets default/demo-ca do not exist")


# -- refusals ----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        pytest.param({"format": "ignition"}, "spec.format: found ignition", id="ignition"),
        pytest.param({"join_configuration": {"controlPlane": {}}}, "spec.joinConfiguration.controlPlane", id="a worker that is no worker"),
        pytest.param(
            {"files": [{"path": "/a", "content": "%%", "encoding": "base64"}]}, "spec.files[0].content", id="content that is not encoded"
        ),
        pytest.param({"files": [{"path": "/a"}, {"path": "/a"}]}, "/a", id="two files in one place"),
    ],
)
async def test_what_cannot_be_rendered_is_refused_by_a_condition(spec: dict[str, Any], message: str) -> None:
    world = await joining(spec=spec)

    await world.reconcile()

    condition = await world.condition("DataSecretAvailable")
    assert condition.status == "False"
    assert message in condition.message
    assert world.client.stored(Secret, SECRET) is None


TEMPLATE = {"path": "/a", "contentFormat": "Template", "content": "control plane: {{ .controlPlane.version }}"}
VERSIONS = {"controlPlane": {"versions": [{"version": "v1.34.1", "replicas": 3}]}}


async def test_template_waits_for_the_version_it_is_filled_in_with() -> None:
    world = await joining(spec={"files": [TEMPLATE]})

    assert await world.reconcile() == DONE
    assert "status.controlPlane.versions" in (await world.condition("DataSecretAvailable")).message

    edit(world, Cluster, CLUSTER, {"status": {**(world.client.stored(Cluster, CLUSTER) or {})["status"], **VERSIONS}})
    await world.reconcile()
    assert await world.file("/a") == "control plane: v1.34.1"


async def test_template_that_asks_for_more_than_there_is_is_refused() -> None:
    world = await joining(spec={"files": [{**TEMPLATE, "content": "{{ .cluster.name }}"}]})
    edit(world, Cluster, CLUSTER, {"status": {**(world.client.stored(Cluster, CLUSTER) or {})["status"], **VERSIONS}})

    await world.reconcile()

    message = (await world.condition("DataSecretAvailable")).message
    assert message == "spec.files[0].content: found '{{ .cluster.name }}', allowed is {{ .controlPlane.version }}"


async def test_version_no_kubeadm_can_be_configured_for_is_refused() -> None:
    world = World()
    of = machine(spec={"version": "v1.21.3"})
    world.client.seed(cluster(), of, config(of), *await certificates())

    await world.reconcile()

    assert "found version v1.21.3, allowed are v1.22.0 and later" in (await world.condition("DataSecretAvailable")).message


async def test_secret_of_a_stranger_is_not_overwritten() -> None:
    world = await joining()
    world.client.seed(build.secret("worker", {"value": "precious"}))

    assert (await world.reconcile()).after == SECRET_POLL

    assert await world.data() == "precious"
    assert "Secret default/worker exists" in (await world.condition("DataSecretAvailable")).message


# -- joining -----------------------------------------------------------------------------------------------------------------------------


async def test_data_secret_has_the_shape_of_the_contract() -> None:
    world = await joining()

    await world.reconcile()

    secret = await world.client.get(Secret, SECRET)
    assert secret is not None
    assert secret.type == CLUSTER_SECRET_TYPE
    assert secret.metadata.labels == {CLUSTER_NAME_LABEL: "demo"}
    assert secret.value("format") == b"cloud-config"
    assert secret.metadata.controller is not None
    assert secret.metadata.controller.uid == (await world.config()).uid
    status = (await world.config()).status
    assert status is not None
    assert status.wire()["dataSecretName"] == "worker"
    assert status.wire()["initialization"] == {"dataSecretCreated": True}
    assert status.observed_generation == 1
    for type_ in ("Ready", "DataSecretAvailable", "CertificatesAvailable"):
        assert (await world.condition(type_)).status == "True"


async def test_joining_costs_two_writes() -> None:
    world = await joining()

    await world.reconcile()

    assert [(write.verb, write.resource.plural, write.subresource) for write in world.client.writes] == [
        ("create", "secrets", ""),
        ("patch", "kubeadmconfigs", "status"),
    ]


async def test_worker_joins_with_a_token_the_cluster_knows() -> None:
    world = await joining()

    await world.reconcile()

    join = yaml.safe_load(await world.file("/run/kubeadm/kubeadm-join-config.yaml"))
    found = join["discovery"]["bootstrapToken"]
    assert found["apiServerEndpoint"] == "10.0.0.1:6443"
    assert found["caCertHashes"][0].startswith("sha256:")
    identity, _, secret = found["token"].partition(".")
    token = await world.workload.get(Secret, ObjectKey("kube-system", f"bootstrap-token-{identity}"))
    assert token is not None
    assert token.type == "bootstrap.kubernetes.io/token"
    assert token.value("token-secret") == secret.encode()
    assert token.value("expiration") == (world.clock.now() + TOKEN_TTL).strftime("%Y-%m-%dT%H:%M:%SZ").encode()


async def test_worker_is_kept_empty_until_it_is_initialized() -> None:
    world = await joining()

    await world.reconcile()

    join = yaml.safe_load(await world.file("/run/kubeadm/kubeadm-join-config.yaml"))
    assert join["nodeRegistration"]["taints"] == [{"key": UNINITIALIZED_TAINT, "effect": "NoSchedule"}]
    assert "controlPlane" not in join


async def test_worker_gets_no_key_of_the_cluster() -> None:
    world = await joining()

    await world.reconcile()

    assert "PRIVATE KEY" not in await world.data()


async def test_further_control_plane_machine_joins_with_certificates_and_keeps_its_usual_taint() -> None:
    world = World()
    of = machine(control_plane=True)
    world.client.seed(cluster(), of, config(of), *await certificates())

    await world.reconcile()

    join = yaml.safe_load(await world.file("/run/kubeadm/kubeadm-join-config.yaml"))
    assert join["controlPlane"] == {}
    assert "taints" not in join["nodeRegistration"]
    assert "PRIVATE KEY" in await world.file("/etc/kubernetes/pki/ca.key")
    assert "PRIVATE KEY" in await world.file("/etc/kubernetes/pki/etcd/ca.key")
    assert "PUBLIC KEY" in await world.file("/etc/kubernetes/pki/sa.pub")


async def test_discovery_that_the_user_brings_is_kept() -> None:
    own = {"bootstrapToken": {"token": "abcdef.0123456789abcdef", "apiServerEndpoint": "own:1", "unsafeSkipCAVerification": True}}
    world = await joining(spec={"join_configuration": {"discovery": own}})

    await world.reconcile()

    join = yaml.safe_load(await world.file("/run/kubeadm/kubeadm-join-config.yaml"))
    assert join["discovery"] == own
    assert world.tokens() == []


async def test_discovery_by_kubeconfig_is_written_to_its_path() -> None:
    discovery = {"file": {"kubeConfigPath": "/etc/discovery.conf", "kubeConfig": {"user": {"exec": {"command": "login"}}}}}
    world = await joining(spec={"join_configuration": {"discovery": discovery}})

    await world.reconcile()

    kubeconfig = yaml.safe_load(await world.file("/etc/discovery.conf"))
    assert kubeconfig["clusters"][0]["cluster"]["server"] == "https://10.0.0.1:6443"
    assert kubeconfig["users"][0]["user"]["exec"]["command"] == "login"
    join = yaml.safe_load(await world.file("/run/kubeadm/kubeadm-join-config.yaml"))
    assert join["discovery"] == {"file": {"kubeConfigPath": "/etc/discovery.conf"}}
    assert world.tokens() == []


async def test_data_never_changes_once_it_was_handed_out() -> None:
    world = await joining()
    await world.reconcile()
    first = await world.data()
    edit(world, KubeadmConfig, KEY, {"spec": {"preKubeadmCommands": ["reboot"]}})

    await world.reconcile()

    assert await world.data() == first


async def test_status_that_was_lost_is_recalled_from_the_machine() -> None:
    """After a move to another management cluster the objects are there, their status is not: nothing may be made a second time."""
    world = World()
    of = machine(control_plane=True, spec={"bootstrap": {"dataSecretName": "worker", "configRef": build.bootstrap_ref("worker").wire()}})
    world.client.seed(cluster(infrastructure=False, control_plane=False), of, config(of, init=True))

    await world.reconcile()

    status = (await world.config()).status
    assert status is not None
    assert (status.data_secret_name, status.wire()["initialization"]) == ("worker", {"dataSecretCreated": True})
    assert [write.subresource for write in world.client.writes] == ["status"]


# -- init --------------------------------------------------------------------------------------------------------------------------------


async def test_first_machine_makes_certificates_and_runs_init() -> None:
    world = initializing()

    await world.reconcile()

    cluster_configuration, init = yaml.safe_load_all(await world.file("/run/kubeadm/kubeadm.yaml"))
    assert cluster_configuration["apiVersion"] == init["apiVersion"] == "kubeadm.k8s.io/v1beta4"
    assert cluster_configuration["clusterName"] == "demo"
    assert cluster_configuration["kubernetesVersion"] == "v1.34.0"
    assert cluster_configuration["controlPlaneEndpoint"] == "10.0.0.1:6443"
    assert cluster_configuration["networking"] == {
        "dnsDomain": "cluster.local",
        "serviceSubnet": "10.96.0.0/12",
        "podSubnet": "10.244.0.0/16",
    }
    assert "kubeadm init --config /run/kubeadm/kubeadm.yaml" in (await world.user_data())["runcmd"][0]
    assert world.client.stored(Secret, ObjectKey("default", "demo-ca")) is not None


async def test_exactly_one_machine_runs_init() -> None:
    world = World()
    machines = [machine(name, control_plane=True) for name in ("a", "b", "c")]
    world.client.seed(cluster(control_plane=False), *machines, *(config(of, init=True) for of in machines))

    for of in machines:
        await world.reconcile(of.key)

    assert "kubeadm init" in await world.data(ObjectKey("default", "a"))
    for name in ("b", "c"):
        assert world.client.stored(Secret, ObjectKey("default", name)) is None
        condition = await world.condition("DataSecretAvailable", ObjectKey("default", name))
        assert (condition.reason, condition.message) == (
            "WaitingForControlPlaneInitialized",
            "Waiting for Machine a to initialize the control plane",
        )


async def test_lock_passes_on_only_when_its_machine_is_authoritatively_gone() -> None:
    world = initializing()
    lock = build.configmap("demo-lock", {"lock-information": '{"machineName":"gone"}'})
    world.client.seed(lock)
    world.client.read_faults["machines", "gone"] = errors.Unreachable("no answer")

    with pytest.raises(ExceptionGroup):
        await world.reconcile()
    assert world.client.stored(Secret, SECRET) is None

    world.client.read_faults.clear()
    await world.reconcile()
    assert "kubeadm init" in await world.data()
    assert (world.client.stored(ConfigMap, LOCK) or {})["data"] == {"lock-information": '{"machineName":"worker"}'}


async def test_a_lock_that_a_former_cluster_left_behind_is_not_collected_with_it() -> None:
    """The collector took the lock away while its new holder was booting, and a second machine initialized the cluster."""
    world = initializing()
    former = build.cluster()
    former.metadata.uid = "former"
    world.client.seed(build.configmap("demo-lock", {"lock-information": '{"machineName":"worker"}'}, owners=[build.owner(former)]))
    current = await world.client.get(Cluster, CLUSTER)
    assert current is not None

    await world.reconcile()

    owners = (world.client.stored(ConfigMap, LOCK) or {})["metadata"]["ownerReferences"]
    assert [owner["uid"] for owner in owners] == [current.uid]


async def test_stale_cache_does_not_let_a_second_machine_initialize() -> None:
    """The Cluster in the cache is not initialized yet, the lock's Machine is gone: only the server's Cluster can tell what has been."""
    world = initializing()
    world.client.seed(build.configmap("demo-lock", {"lock-information": '{"machineName":"gone"}'}))
    stale = await world.client.get(Cluster, CLUSTER)
    of = await world.client.get(Machine, KEY)
    edit(world, Cluster, CLUSTER, {"status": {"initialization": {"infrastructureProvisioned": True, "controlPlaneInitialized": True}}})
    assert stale is not None
    assert of is not None

    assert not await world.reconciler.lock.acquire(stale, of)


async def test_lock_stays_as_a_record_of_who_initialized() -> None:
    world = initializing()
    await world.reconcile()
    edit(world, Cluster, CLUSTER, {"status": {"initialization": {"infrastructureProvisioned": True, "controlPlaneInitialized": True}}})

    await world.reconcile()

    lock = world.client.stored(ConfigMap, LOCK)
    assert lock is not None
    assert [owner["kind"] for owner in lock["metadata"]["ownerReferences"]] == ["Cluster"]


# -- tokens ------------------------------------------------------------------------------------------------------------------------------


def expiration(world: World) -> bytes:
    [secret] = [document for (_, plural, _), document in world.workload.objects.items() if plural == "secrets"]
    return base64.b64decode(secret["data"]["expiration"])


async def test_token_is_extended_while_its_machine_is_not_there() -> None:
    world = await joining()
    await world.reconcile()
    first = expiration(world)

    assert (await world.reconcile()).after == REFRESH_INTERVAL
    await world.clock.advance(REFRESH_INTERVAL)
    assert (await world.reconcile()).after == REFRESH_INTERVAL

    assert expiration(world) == (world.clock.now() + TOKEN_TTL).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    assert expiration(world) > first


async def test_token_costs_no_call_between_its_extensions() -> None:
    world = await joining()
    await world.reconcile()
    reads = world.workload.reads

    await world.reconcile()

    assert world.workload.reads == reads


async def test_token_that_has_vanished_meanwhile_is_the_same_again() -> None:
    world = await joining()
    await world.reconcile()
    before = world.tokens()
    world.workload.objects.clear()

    await world.clock.advance(REFRESH_INTERVAL)
    await world.reconcile()

    assert world.tokens() == before


async def test_token_is_not_extended_once_its_machine_is_there() -> None:
    world = await joining()
    await world.reconcile()
    before = expiration(world)
    edit(world, Machine, KEY, {"status": {"initialization": {"infrastructureProvisioned": True}}})

    await world.clock.advance(timedelta(minutes=10))
    assert await world.reconcile() == DONE

    assert expiration(world) == before


async def test_token_is_revoked_when_the_node_has_joined() -> None:
    world = await joining()
    await world.reconcile()
    joined(world)

    await world.reconcile()

    assert world.tokens() == []


async def test_machine_that_is_deleted_before_it_had_data_gets_none() -> None:
    world = await joining()
    edit(world, Machine, KEY, {"metadata": {"deletionTimestamp": "2026-01-01T12:00:00Z"}})

    assert await world.reconcile() == DONE

    assert world.client.writes == []
    assert world.tokens() == []


async def test_first_machine_has_no_token_to_extend() -> None:
    world = initializing()
    await world.reconcile()

    assert await world.reconcile() == DONE

    assert world.tokens() == []


async def test_after_a_restart_tokens_that_ended_long_ago_are_not_asked_for() -> None:
    world = await joining()
    await world.reconcile()
    joined(world)
    ready = build.condition("InfrastructureReady", at=world.clock.now()).wire()
    document = world.client.stored(Machine, KEY)
    assert document is not None
    document["status"]["conditions"] = [ready]
    await world.clock.advance(TOKEN_TTL + timedelta(seconds=1))
    reads, writes = world.workload.reads, len(world.workload.writes)

    assert await world.restarted(world.client).reconcile(KEY) == DONE

    assert (world.workload.reads, len(world.workload.writes)) == (reads, writes)
