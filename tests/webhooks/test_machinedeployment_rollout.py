"""What is allowed of the rollouts and remediation of MachineDeployments, and of their names."""

from __future__ import annotations

import pytest

from capelin.api.grouprules import AMOUNTS_ARE_NUMBERS_OR_PERCENTAGES, ROLLING_UPDATE_CAN_MOVE
from capelin.api.machinedeployment import MachineDeploymentRemediation, MachineDeploymentRollout, RollingUpdate, RolloutStrategy
from capelin.api.refusals import NAME_IS_LABEL_VALUE
from capelin.webhooks.machinedeployment import WEBHOOK
from capelin.webhooks.rules.healthchecks import MAX_IN_FLIGHT_IS_AMOUNT
from tests import build
from tests.webhooks.asking import accepted, fields, notices, refused
from tests.webhooks.cases import AMOUNTS, NO_AMOUNTS, of_role, template

ROLLING = "spec.rollout.strategy.rollingUpdate"


@pytest.mark.parametrize("name", ["workers", "w" * 63, "a.b"])
def test_name_is_label_value_accepts_names_that_fit_into_a_label(name: str) -> None:
    accepted(WEBHOOK, build.machinedeployment(name, spec=of_role(template())))


def test_name_is_label_value_refuses_a_name_that_is_too_long() -> None:
    refusals = refused(NAME_IS_LABEL_VALUE, WEBHOOK, build.machinedeployment("w" * 64, spec=of_role(template())))

    assert fields(refusals) == ["metadata.name"]


@pytest.mark.parametrize(("surge", "unavailable"), [(1, 0), (0, 1), ("25%", "25%"), ("0%", "0%")])
def test_amounts_are_numbers_or_percentages_accepts_both(surge: int | str, unavailable: int | str) -> None:
    accepted(WEBHOOK, build.machinedeployment(max_surge=surge, max_unavailable=unavailable))


@pytest.mark.parametrize("amount", NO_AMOUNTS)
def test_amounts_are_numbers_or_percentages_refuses_other_texts(amount: str) -> None:
    deployment = build.machinedeployment(max_surge=amount, max_unavailable=amount)

    refusals = refused(AMOUNTS_ARE_NUMBERS_OR_PERCENTAGES, WEBHOOK, deployment)

    assert fields(refusals) == [f"{ROLLING}.maxSurge", f"{ROLLING}.maxUnavailable"]


@pytest.mark.parametrize(("surge", "unavailable"), [(1, 0), (0, 1), (0, "0%"), ("0%", "0%")])
def test_rolling_update_can_move_accepts_anything_but_two_zeros(surge: int | str, unavailable: int | str) -> None:
    accepted(WEBHOOK, build.machinedeployment(max_surge=surge, max_unavailable=unavailable))


def test_rolling_update_can_move_refuses_two_zeros() -> None:
    refusals = refused(ROLLING_UPDATE_CAN_MOVE, WEBHOOK, build.machinedeployment(max_surge=0, max_unavailable=0))

    assert fields(refusals) == [ROLLING]


def test_settings_that_another_type_does_not_use_are_warned_of() -> None:
    unused = RolloutStrategy(type="OnDelete", rolling_update=RollingUpdate(max_surge=1))
    rollout = MachineDeploymentRollout(strategy=unused)

    (notice,) = notices(WEBHOOK, build.machinedeployment(spec={"rollout": rollout}))

    assert ROLLING in notice
    assert notices(WEBHOOK, build.machinedeployment(strategy="OnDelete")) == []


@pytest.mark.parametrize("amount", AMOUNTS)
def test_max_in_flight_is_amount_accepts_numbers_and_percentages(amount: int | str) -> None:
    accepted(WEBHOOK, build.machinedeployment(spec={"remediation": MachineDeploymentRemediation(max_in_flight=amount)}))


@pytest.mark.parametrize("amount", NO_AMOUNTS)
def test_max_in_flight_is_amount_refuses_other_texts(amount: str) -> None:
    remediation = MachineDeploymentRemediation(max_in_flight=amount)

    refusals = refused(MAX_IN_FLIGHT_IS_AMOUNT, WEBHOOK, build.machinedeployment(spec={"remediation": remediation}))

    assert fields(refusals) == ["spec.remediation.maxInFlight"]
