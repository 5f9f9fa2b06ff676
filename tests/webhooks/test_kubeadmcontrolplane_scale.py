"""To which numbers KubeadmControlPlanes can be scaled through the scale subresource."""

from __future__ import annotations

from typing import Any

import pytest

from capelin.api.core import Scale, ScaleSpec
from capelin.api.kubeadm import ClusterConfiguration, EtcdConfiguration, ExternalEtcd
from capelin.api.kubeadmconfig import KubeadmConfigSpec
from capelin.api.kubeadmcontrolplane import KubeadmControlPlane
from capelin.api.meta import ObjectKey
from capelin.runtime import errors
from capelin.runtime.admission.reviews import ReviewRequest
from capelin.webhooks.judging import Judging, validating_path
from capelin.webhooks.kubeadmcontrolplane import REPLICAS_ARE_ODD, REPLICAS_ARE_POSITIVE
from capelin.webhooks.kubeadmcontrolplanescale import WEBHOOK, Facts
from tests import build
from tests.buildcontrolplane import CONTROL_PLANE, control_plane_rollout, kubeadmcontrolplane
from tests.fakes import NoLookups
from tests.webhooks.asking import accepted, denied

EXTERNAL = EtcdConfiguration(external=ExternalEtcd(ca_file="/ca", cert_file="/crt", key_file="/key", endpoints=["https://etcd:2379"]))


class OneControlPlane(NoLookups):
    """Finds one control plane, or none."""

    def __init__(self, control_plane: KubeadmControlPlane | None) -> None:
        self.control_plane = control_plane

    async def get(self, kind: Any, key: Any) -> Any:
        assert (kind, key) == (KubeadmControlPlane, ObjectKey("default", CONTROL_PLANE))
        return self.control_plane


def scale(replicas: int) -> Scale:
    return Scale(metadata=build.metadata("KubeadmControlPlane", CONTROL_PLANE), spec=ScaleSpec(replicas=replicas))


def facts(etcd: EtcdConfiguration | None = None, **fields: Any) -> Facts:
    config = KubeadmConfigSpec(cluster_configuration=ClusterConfiguration(etcd=etcd))
    return Facts(kubeadmcontrolplane(replicas=3, spec={"kubeadm_config_spec": config}, **fields))


def review(new: int, old: int) -> ReviewRequest:
    sent, stored = scale(new).wire(), scale(old).wire()
    return ReviewRequest("1", "UPDATE", Scale.resource, namespace="default", name=CONTROL_PLANE, object=sent, old=stored)


def test_the_path_is_that_of_the_standard() -> None:
    assert validating_path(WEBHOOK) == "/validate-scale-controlplane-cluster-x-k8s-io-v1beta2-kubeadmcontrolplane"


@pytest.mark.parametrize("replicas", [1, 3, 5])
def test_replicas_are_positive_accepts_scaling_to_one_and_more(replicas: int) -> None:
    accepted(WEBHOOK, scale(replicas), scale(3), facts=facts())


@pytest.mark.parametrize("etcd", [None, EXTERNAL], ids=["etcd on the Machines", "external etcd"])
@pytest.mark.parametrize("replicas", [0, -1])
def test_replicas_are_positive_refuses_scaling_to_none(replicas: int, etcd: EtcdConfiguration | None) -> None:
    told = denied(REPLICAS_ARE_POSITIVE, WEBHOOK, scale(replicas), scale(3), facts=facts(etcd))

    assert told == f"spec.replicas: found {replicas}, allowed is 1 or more"


def test_replicas_are_odd_accepts_scaling_to_an_even_number_with_external_etcd() -> None:
    accepted(WEBHOOK, scale(2), scale(3), facts=facts(EXTERNAL))


def test_replicas_are_odd_refuses_scaling_to_an_even_number_with_etcd_on_the_machines() -> None:
    told = denied(REPLICAS_ARE_ODD, WEBHOOK, scale(4), scale(3), facts=facts())

    assert "found 4" in told


def test_scaling_to_one_does_not_ask_for_a_surge() -> None:
    accepted(WEBHOOK, scale(1), scale(3), facts=facts(rollout=control_plane_rollout(max_surge=0)))


async def test_a_refusal_is_forbidden_and_names_no_fields() -> None:
    answer = await Judging(WEBHOOK, OneControlPlane(kubeadmcontrolplane(replicas=3))).validate(review(2, 3))

    assert isinstance(answer.refusal, errors.Forbidden)
    assert answer.refusal.causes == ()


async def test_an_allowed_number_is_let_through() -> None:
    answer = await Judging(WEBHOOK, OneControlPlane(kubeadmcontrolplane(replicas=3))).validate(review(5, 3))

    assert answer.refusal is None


async def test_a_control_plane_that_is_gone_cannot_be_scaled() -> None:
    with pytest.raises(errors.NotFound, match="default/control-plane does not exist"):
        await Judging(WEBHOOK, OneControlPlane(None)).validate(review(5, 3))
