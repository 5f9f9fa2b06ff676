"""What is allowed of Clusters: names, references, networks. Topologies have tests of their own."""

from __future__ import annotations

from typing import Any

import pytest

from capelin.api.cluster import APIEndpoint, Cluster, ClusterNetwork, NetworkRanges
from capelin.api.refusals import NAME_IS_LABEL_VALUE
from capelin.webhooks.cluster import HAS_PARTS_OR_TOPOLOGY, REFERENCES_ARE_KEPT, WEBHOOK
from capelin.webhooks.rules.networks import CIDR_BLOCKS_ARE_RANGES
from tests import build
from tests.webhooks.asking import accepted, fields, notices, refused

CONTROL_PLANE = build.bootstrap_ref("demo", "KubeadmControlPlane")


def changed(cluster: Cluster, **spec: Any) -> Cluster:
    """Return the Cluster with other fields in its spec."""
    return cluster.model_copy(update={"spec": cluster.spec.model_copy(update=spec)})


def networks(*, pods: list[str], services: list[str] | None = None) -> Cluster:
    """Return a Cluster with such ranges."""
    ranges = [NetworkRanges(cidr_blocks=blocks) if blocks else None for blocks in (pods, services)]
    return changed(build.cluster(), cluster_network=ClusterNetwork(pods=ranges[0], services=ranges[1]))


def test_name_is_label_value_accepts_63_characters() -> None:
    accepted(WEBHOOK, build.cluster("a" * 63))


@pytest.mark.parametrize("name", ["a" * 64, "-a", "a."])
def test_name_is_label_value_refuses_what_no_label_can_say(name: str) -> None:
    assert fields(refused(NAME_IS_LABEL_VALUE, WEBHOOK, build.cluster(name))) == ["metadata.name"]


def test_has_parts_or_topology_accepts_any_one_of_them() -> None:
    bare = changed(build.cluster(), infrastructure_ref=None)

    accepted(WEBHOOK, build.cluster())
    accepted(WEBHOOK, changed(bare, control_plane_ref=CONTROL_PLANE))


def test_has_parts_or_topology_refuses_a_cluster_of_nothing() -> None:
    bare = changed(build.cluster(), infrastructure_ref=None)

    assert fields(refused(HAS_PARTS_OR_TOPOLOGY, WEBHOOK, bare)) == ["spec"]


def test_references_are_kept_accepts_others_and_new_ones() -> None:
    other = changed(build.cluster(), infrastructure_ref=build.infrastructure_ref("other", "DevCluster"), control_plane_ref=CONTROL_PLANE)

    accepted(WEBHOOK, other, build.cluster())


def test_references_are_kept_refuses_to_drop_one() -> None:
    old = build.cluster(control_plane=CONTROL_PLANE)

    assert fields(refused(REFERENCES_ARE_KEPT, WEBHOOK, changed(old, infrastructure_ref=None), old)) == ["spec.infrastructureRef"]
    assert fields(refused(REFERENCES_ARE_KEPT, WEBHOOK, changed(old, control_plane_ref=None), old)) == ["spec.controlPlaneRef"]


@pytest.mark.parametrize("block", ["10.244.0.0/16", "10.244.1.2/16", "fd00::/56", "::ffff:10.0.0.0/112", "0.0.0.0/0"])
def test_cidr_blocks_are_ranges_accepts_ranges_of_both_families(block: str) -> None:
    accepted(WEBHOOK, networks(pods=[block]))
    accepted(WEBHOOK, networks(pods=["192.168.0.0/24"], services=[block]))


@pytest.mark.parametrize(
    "block", ["10.244.0.0", "10.0.0.0/33", "10.0.0.0/255.0.0.0", "010.0.0.0/8", "fe80::1%eth0/64", "pods", "/8", "1/٣"]
)
def test_cidr_blocks_are_ranges_refuses_everything_else(block: str) -> None:
    refusals = refused(CIDR_BLOCKS_ARE_RANGES, WEBHOOK, networks(pods=["10.1.0.0/16", block], services=[block]))

    assert fields(refusals) == ["spec.clusterNetwork.pods.cidrBlocks[1]", "spec.clusterNetwork.services.cidrBlocks[0]"]


@pytest.mark.parametrize("pods", [["10.1.0.0/16"], ["10.1.0.0/16", "fd00::/56"], ["fd00::/56", "10.1.0.0/16"]])
def test_one_range_of_each_family_is_no_cause_for_a_warning(pods: list[str]) -> None:
    assert notices(WEBHOOK, networks(pods=pods, services=["10.96.0.0/12"])) == []


@pytest.mark.parametrize("pods", [["10.1.0.0/16", "10.2.0.0/16"], ["10.1.0.0/16", "fd00::/56", "fd01::/56"]])
def test_more_ranges_than_kubernetes_takes_are_warned_of(pods: list[str]) -> None:
    (notice,) = notices(WEBHOOK, networks(pods=pods))

    assert notice.startswith("spec.clusterNetwork.pods.cidrBlocks: Kubernetes takes one range")


def test_ranges_with_common_addresses_are_warned_of() -> None:
    (notice,) = notices(WEBHOOK, networks(pods=["10.0.0.0/8"], services=["10.96.0.0/12"]))

    assert "10.0.0.0/8 for Pods and 10.96.0.0/12 for Services" in notice


def test_a_change_of_the_endpoint_is_warned_of() -> None:
    old = build.cluster(endpoint=("10.0.0.1", 6443))

    assert notices(WEBHOOK, old, build.cluster()) == []
    (notice,) = notices(WEBHOOK, changed(old, control_plane_endpoint=APIEndpoint(host="10.0.0.2", port=6443)), old)
    assert "10.0.0.1:6443" in notice
