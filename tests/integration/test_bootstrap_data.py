"""What the bootstrap provider writes is what a simulated machine reads."""

from __future__ import annotations

from capelin.cloud.inmemory.kubeadm import Init, Join, kubeadm_run
from capelin.cloud.inmemory.userdata import written_files
from tests.controllers.kubeadmconfig_world import World, initializing, joining


async def booted(world: World) -> tuple[dict[str, bytes], Init | Join]:
    await world.reconcile()
    files = written_files((await world.data()).encode(), hostname="worker")
    return files, kubeadm_run(files, hostname="worker")


async def test_the_first_machine_initializes_with_the_clusters_own_authority() -> None:
    world = initializing(spec={"files": [{"path": "/etc/host", "content": "I am {{ ds.meta_data.local_hostname }}"}]})

    files, run = await booted(world)

    assert isinstance(run, Init)
    assert run.cluster_configuration["controlPlaneEndpoint"] == "10.0.0.1:6443"
    assert files["/etc/kubernetes/pki/ca.key"].startswith(b"-----BEGIN PRIVATE KEY-----")
    assert files["/etc/host"] == b"I am worker"


async def test_a_worker_joins_with_token_and_hash() -> None:
    world = await joining()

    _, run = await booted(world)

    assert isinstance(run, Join)
    assert not run.is_control_plane
    assert f"bootstrap-token-{run.discovery.token.partition('.')[0]}" in world.tokens()
    assert run.discovery.hashes[0].startswith("sha256:")
    assert run.registration.taints is not None
    assert [taint["key"] for taint in run.registration.taints] == ["node.cluster.x-k8s.io/uninitialized"]
