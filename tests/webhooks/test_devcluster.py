"""What is allowed of DevClusters."""

from __future__ import annotations

import pytest

from capelin.api.behavior import BEHAVIOR_ANNOTATION
from capelin.api.devcluster import DevCluster, DevClusterBackend, DevClusterSpec
from capelin.webhooks.devcluster import WEBHOOK
from capelin.webhooks.rules.devbackends import FAILURE_DOMAINS_ARE_SORTED
from tests import build
from tests.webhooks.asking import accepted, defaulted, fields, notices, refused
from tests.webhooks.devspecs import docker_cluster


def of(spec: DevClusterSpec) -> DevCluster:
    return build.devcluster().model_copy(update={"spec": spec})


def test_defaults_are_those_of_the_api() -> None:
    got = defaulted(WEBHOOK, of(DevClusterSpec(backend=DevClusterBackend())))

    assert got.spec.backend.docker is not None
    assert got.spec.control_plane_endpoint.port == 6443


@pytest.mark.parametrize("domains", [(), ("a",), ("a", "b", "c")], ids=["none", "one", "several"])
def test_failure_domains_are_sorted_accepts_the_order_of_names(domains: tuple[str, ...]) -> None:
    accepted(WEBHOOK, of(docker_cluster(*domains)))


def test_failure_domains_are_sorted_refuses_another_order() -> None:
    refusals = refused(FAILURE_DOMAINS_ARE_SORTED, WEBHOOK, of(docker_cluster("a", "c", "b")))

    assert fields(refusals) == ["spec.backend.docker.failureDomains[2].name"]


def test_containers_are_warned_of() -> None:
    (notice,) = notices(WEBHOOK, of(docker_cluster()))

    assert notice.startswith("spec.backend.docker: Capelin's provider starts no containers")
    assert notices(WEBHOOK, build.devcluster()) == []


@pytest.mark.parametrize(("behavior", "want"), [('{"api": {"unreachable": true}}', 0), ('{"api": {"latency": "soon"}}', 1), ("no JSON", 1)])
def test_a_behavior_that_cannot_be_understood_is_warned_of(behavior: str, want: int) -> None:
    assert len(notices(WEBHOOK, build.devcluster(annotations={BEHAVIOR_ANNOTATION: behavior}))) == want
