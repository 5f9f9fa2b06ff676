"""What goes wrong around a management cluster, with all controllers at work: nothing is lost, nothing is done twice, others go on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from capelin.api.cluster import Cluster
from capelin.api.core import Secret
from capelin.api.devmachine import VM_PROVISIONED_CONDITION, DevMachine
from capelin.api.machine import Machine
from capelin.api.machinedeployment import MachineDeployment
from capelin.api.machineset import MachineSet
from capelin.api.meta import ObjectKey, Unstructured
from tests.integration.world import Silent, World, condition, documents, running

pytestmark = [pytest.mark.slow, pytest.mark.gate]

DEMO = ObjectKey("default", "demo")
WORKERS = ObjectKey("default", "demo-workers")
TEMPLATES = ("KubeadmConfigTemplate", "DevMachineTemplate")
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


async def _uids(world: World) -> set[str]:
    found = [*await world.machines(), *await world.client.list(MachineSet), *await world.client.list(DevMachine)]
    return {item.uid for item in found}


@pytest.mark.parametrize("missing", TEMPLATES)
async def test_workers_whose_template_is_missing_wait_and_go_on_once_it_is_there(missing: str) -> None:
    async with running() as world:
        await world.create_cluster(without=[missing])
        await world.wait(20 * SECOND)
        waiting = await world.get(MachineDeployment, "demo-workers")
        assert len(await world.machines()) == 1  # the control plane; no worker is half made
        assert condition(waiting, "Available")[0] == "False"
        told = [str((item.wire().get("status") or {}).get("conditions")) for item in (waiting, *await world.client.list(MachineSet))]
        assert any(missing in conditions for conditions in told)

        for document in documents("demo", "default"):
            if document.document["kind"] == missing:
                await world.client.create(document)

        await world.until_ready()


async def test_a_machine_whose_configuration_is_missing_waits_and_goes_on_once_it_is_there() -> None:
    async with running() as world:
        await world.create_cluster(without=["KubeadmConfig", "DevMachine"])
        await world.wait(20 * SECOND)
        waiting = await world.get(Machine, "demo-control-plane")
        assert condition(waiting, "BootstrapConfigReady")[0] == "False"
        assert condition(waiting, "InfrastructureReady")[0] == "False"

        for document in documents("demo", "default"):
            if document.document["kind"] in ("KubeadmConfig", "DevMachine"):
                await world.client.create(document)

        await world.until_ready()


async def test_a_machine_whose_own_data_secret_is_missing_waits_and_goes_on_once_it_is_there() -> None:
    async with running() as world:
        await world.create_cluster()
        await world.until_ready()
        machine, computer = (found for found in documents("demo", "default") if found.document["kind"] in ("Machine", "DevMachine"))
        for document in (machine, computer):
            document.document["metadata"] |= {"name": "demo-own", "labels": {"cluster.x-k8s.io/cluster-name": "demo"}}
        machine.document["spec"]["bootstrap"] = {"dataSecretName": "own-data"}
        machine.document["spec"]["infrastructureRef"]["name"] = "demo-own"
        await world.client.create(computer)
        await world.client.create(machine)
        await world.wait(20 * SECOND)
        assert condition(await world.get(Machine, "demo-own"), "BootstrapConfigReady") == ("True", "DataSecretProvided")
        assert condition(await world.get(DevMachine, "demo-own"), VM_PROVISIONED_CONDITION)[0] != "True"

        data = await world.get(Secret, "demo-control-plane")
        copy = {"metadata": {"name": "own-data", "namespace": "default"}, "data": data.wire()["data"]}
        await world.client.create(Unstructured(Secret.resource, copy))

        async def booted() -> bool:
            return condition(await world.get(DevMachine, "demo-own"), VM_PROVISIONED_CONDITION)[0] == "True"

        await world.until(booted)


async def test_a_cluster_that_is_deleted_while_it_is_created_leaves_nothing() -> None:
    for moment in (0.5, 1.5, 2.5, 4.0):
        async with running() as world:
            await world.create_cluster()
            await world.wait(moment * SECOND)

            await world.client.delete(Cluster, DEMO)

            await world.until_gone()


async def test_infrastructure_that_is_deleted_by_hand_is_told_and_the_worker_replaced_when_its_machine_is_deleted() -> None:
    async with running() as world:
        await world.create_cluster()
        await world.until_ready()
        lost = next(machine for machine in await world.machines() if "workers" in machine.key.name)

        await world.client.delete(DevMachine, lost.key)
        await world.wait(10 * SECOND)

        assert await world.client.get(DevMachine, lost.key) is None
        told = await world.get(Machine, lost.key.name)
        assert condition(told, "InfrastructureReady") == ("False", "ObjectDeleted")
        assert condition(told, "Ready")[0] == "False"
        await world.client.delete(Machine, lost.key)
        await world.until_ready()
        assert lost.uid not in await _uids(world)


async def test_a14_two_clusters_of_one_name_in_two_namespaces_have_nothing_in_common() -> None:
    async with running() as world:
        await world.create_cluster()
        await world.create_cluster(namespace="team")
        await world.until_ready()
        await world.until_ready(namespace="team")
        assert await world.endpoint() != await world.endpoint(namespace="team")
        authorities = {(await world.get(Secret, "demo-ca", namespace=space)).value("tls.crt") for space in ("default", "team")}
        assert len(authorities) == 2

        await world.client.delete(Cluster, DEMO)
        await world.until_gone()

        await world.wait(2 * MINUTE)
        assert await world.is_ready(namespace="team")


async def test_a_workload_cluster_that_stops_answering_is_unknown_and_others_are_not_touched() -> None:
    async with running() as world:
        await world.create_cluster()
        await world.create_cluster("other")
        await world.until_ready()
        await world.until_ready("other")
        before, (host, port) = await _uids(world), await world.endpoint()
        served = world.network.at(host, port)
        await world.network.open(host, port, Silent(), served.identity)

        await world.wait(3 * MINUTE)
        assert condition(await world.get(Cluster, "demo"), "RemoteConnectionProbe") == ("False", "ProbeFailed")
        await world.wait(5 * MINUTE)
        for machine in await world.machines():
            assert condition(machine, "NodeHealthy") == ("Unknown", "ConnectionDown")
            assert condition(machine, "Ready")[0] == "Unknown"
        assert await world.is_ready("other")

        await world.network.open(host, port, served.handler, served.identity)
        await world.until_ready()
        assert await _uids(world) == before


@pytest.mark.parametrize("jump", [timedelta(hours=1), timedelta(hours=-1)], ids=["an hour ahead", "an hour back"])
async def test_a_clock_that_jumps_replaces_nothing(jump: timedelta) -> None:
    async with running() as world:
        await world.create_cluster()
        await world.until_ready()
        before = await _uids(world)

        world.clock.at += jump
        await world.wait(5 * MINUTE)

        assert await _uids(world) == before
        (kept,) = await world.client.list(MachineSet)
        assert kept.spec.replicas == 3
        world.clock.at -= jump
        await world.until_ready()
        assert await _uids(world) == before


async def test_the_api_server_restarts_under_the_controllers_which_go_on() -> None:
    async with running() as world:
        await world.create_cluster()
        await world.until_ready()
        before = await _uids(world)

        await world.stop_server()
        await world.wait(20 * SECOND)
        await world.start_server()
        await world.client.patch(MachineDeployment, WORKERS, {"spec": {"replicas": 5}})

        await world.until_ready(machines=6)
        assert before < await _uids(world)


async def test_the_api_server_restarts_in_the_middle_of_a_rollout_which_ends_as_ordered() -> None:
    async with running() as world:
        await world.create_cluster()
        await world.until_ready()
        await world.client.patch(MachineDeployment, WORKERS, {"spec": {"template": {"spec": {"version": "v1.35.0"}}}})
        for _ in range(3):
            await world.wait(1.5 * SECOND)
            await world.stop_server()
            await world.wait(3 * SECOND)
            await world.start_server()

        async def rolled() -> bool:
            workers = [machine for machine in await world.machines() if "workers" in machine.key.name]
            staying = [machine for machine in workers if machine.metadata.deletion_timestamp is None]
            assert len(staying) <= 4
            return {machine.spec.version for machine in workers} == {"v1.35.0"} and await world.is_ready()

        await world.until(rolled)


async def test_a_settled_cluster_costs_no_write() -> None:
    async with running() as world:
        await world.create_cluster()
        await world.until_ready()
        await world.wait(30 * SECOND)
        before = world.store.revision

        await world.wait(10 * MINUTE)

        assert world.store.revision == before
