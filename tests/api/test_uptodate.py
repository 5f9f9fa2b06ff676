from datetime import timedelta
from typing import Any

import pytest

from capelin.api.machine import Bootstrap, MachineDeletion, ReadinessGate
from capelin.api.machinedeployment import MachineDeploymentRollout
from capelin.api.uptodate import set_differences, template_differences, up_to_date_condition
from tests import build
from tests.build import NOW


@pytest.mark.parametrize(
    ("change", "want"),
    [
        pytest.param({"version": "v1.35.0"}, ["Version v1.34.0, v1.35.0 required"], id="version"),
        pytest.param({"failure_domain": "a"}, ["Failure domain none, a required"], id="failure domain"),
        pytest.param(
            {"infrastructure_ref": build.infrastructure_ref("other", "DevMachineTemplate")},
            ["DevMachineTemplate t, DevMachineTemplate other required"],
            id="infrastructure",
        ),
        pytest.param(
            {"bootstrap": Bootstrap(config_ref=build.bootstrap_ref("other", "KubeadmConfigTemplate"))},
            ["KubeadmConfigTemplate t, KubeadmConfigTemplate other required"],
            id="bootstrap configuration",
        ),
        pytest.param(
            {"bootstrap": Bootstrap(data_secret_name="s")},
            ["KubeadmConfigTemplate t, Bootstrap data Secret s required"],
            id="bootstrap Secret instead of configuration",
        ),
        pytest.param({"min_ready_seconds": 3}, [], id="minReadySeconds changes in place"),
        pytest.param({"deletion": MachineDeletion(node_drain_timeout_seconds=3)}, [], id="time-outs change in place"),
        pytest.param({"readiness_gates": [ReadinessGate(condition_type="X")]}, [], id="readiness gates change in place"),
    ],
)
def test_only_what_a_running_machine_cannot_change_is_a_difference(change: dict[str, Any], want: list[str]) -> None:
    kinds = ("KubeadmConfigTemplate", "DevMachineTemplate")

    assert template_differences(build.machine_spec("t", kinds=kinds), build.machine_spec("t", kinds=kinds, **change)) == want


def test_a_rollout_time_that_has_passed_makes_older_sets_outdated() -> None:
    after = NOW + timedelta(minutes=1)
    deployment = build.machinedeployment(spec={"rollout": MachineDeploymentRollout(after=after)})
    machineset = build.machineset()

    assert set_differences(machineset, deployment, now=NOW) == []
    assert set_differences(machineset, deployment, now=after) == ["MachineDeployment spec.rollout.after has passed"]


def test_a_set_made_after_the_rollout_time_is_up_to_date() -> None:
    deployment = build.machinedeployment(spec={"rollout": MachineDeploymentRollout(after=NOW)})

    assert set_differences(build.machineset(), deployment, now=NOW + timedelta(days=1)) == []


def test_the_condition_lists_every_difference() -> None:
    deployment = build.machinedeployment()
    deployment.spec.template.spec.version = "v1.35.0"
    deployment.spec.template.spec.failure_domain = "a"

    got = up_to_date_condition(build.machineset(), deployment, now=NOW)

    assert (got.status, got.reason) == ("False", "NotUpToDate")
    assert got.message == "* Version v1.34.0, v1.35.0 required\n* Failure domain none, a required"


def test_the_condition_of_a_current_set_is_true() -> None:
    got = up_to_date_condition(build.machineset(), build.machinedeployment(), now=NOW)

    assert (got.status, got.reason, got.message) == ("True", "UpToDate", "")
