"""Control planes and pools of dev machines: what tests build of them is what the schema allows, and reads back as itself."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest

from capelin.api.kubeadmcontrolplane import KubeadmControlPlane
from capelin.api.kubeadmcontrolplanetemplate import KubeadmControlPlaneTemplate
from capelin.api.meta import Object
from capelin.api.structural import schema
from tests import buildcontrolplane
from tests.build import NOW

BUILT: list[Object] = [
    buildcontrolplane.kubeadmcontrolplane(
        replicas=3, rollout=buildcontrolplane.control_plane_rollout(max_surge=0, after=NOW, expiry_days=21)
    ),
    buildcontrolplane.kubeadmcontrolplanetemplate(),
    buildcontrolplane.devmachinepool(instances=["one", "two"]),
    buildcontrolplane.devmachinepooltemplate(),
]


def messages(kind: type[Object], document: dict[str, Any]) -> list[str]:
    """Return what the schema of a kind has against an object."""
    return [error.message for error in jsonschema_rs.Draft4Validator(schema(kind)).iter_errors(document)]


@pytest.mark.parametrize("built", BUILT, ids=lambda built: str(built.resource.kind))
def test_built_objects_fit_the_schema_of_their_kind(built: Object) -> None:
    assert messages(type(built), built.wire()) == []


@pytest.mark.parametrize("built", BUILT, ids=lambda built: str(built.resource.kind))
def test_built_objects_read_back_as_themselves(built: Object) -> None:
    assert type(built).parse(json.dumps(built.wire())).wire() == built.wire()


@pytest.mark.parametrize(
    ("rollout", "want"),
    [
        pytest.param({"strategy": {"type": "OnDelete"}}, '"OnDelete" is not one of', id="another strategy"),
        pytest.param({"before": {"certificatesExpiryDays": 6}}, "6 is less than the minimum of 7", id="certificates of less than a week"),
        pytest.param({}, "{} has less than 1 property", id="nothing"),
    ],
)
def test_the_schema_refuses_rollouts_that_mean_nothing(rollout: dict[str, Any], want: str) -> None:
    document = buildcontrolplane.kubeadmcontrolplane().wire()
    document["spec"]["rollout"] = rollout

    (got,) = messages(KubeadmControlPlane, document)

    assert got.startswith(want)


@pytest.mark.parametrize("field", ["replicas", "version"])
def test_a_template_has_no_field_for_what_belongs_to_one_cluster(field: str) -> None:
    template = schema(KubeadmControlPlaneTemplate)["properties"]["spec"]["properties"]["template"]

    assert field in schema(KubeadmControlPlane)["properties"]["spec"]["properties"]
    assert field not in template["properties"]["spec"]["properties"]
