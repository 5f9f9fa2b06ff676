"""What is allowed of DevMachines."""

from __future__ import annotations

import pytest

from capelin.api.behavior import BEHAVIOR_ANNOTATION
from capelin.api.devmachine import DevMachine, DevMachineBackend, DevMachineSpec
from capelin.webhooks.devmachine import IMAGE_STAYS, WEBHOOK
from capelin.webhooks.rules.devbackends import DURATIONS_ARE_READABLE
from tests import build
from tests.webhooks.asking import accepted, defaulted, fields, notices, refused
from tests.webhooks.devspecs import docker_machine, simulated_machine


def of(spec: DevMachineSpec) -> DevMachine:
    return build.devmachine().model_copy(update={"spec": spec})


def test_defaults_are_those_of_the_api() -> None:
    assert defaulted(WEBHOOK, of(DevMachineSpec(backend=DevMachineBackend()))).spec.backend.docker is not None


@pytest.mark.parametrize("duration", ["0", "1s", "200ms", "1m30s", "1.5h"])
def test_durations_are_readable_accepts_those_of_kubernetes(duration: str) -> None:
    accepted(WEBHOOK, of(simulated_machine(duration)))
    accepted(WEBHOOK, of(docker_machine(bootstrapTimeout=duration)))


@pytest.mark.parametrize("duration", ["", "10", "1 s", "soon", "1d", "9" * 400 + "h"])
def test_durations_are_readable_refuses_other_texts(duration: str) -> None:
    simulated = refused(DURATIONS_ARE_READABLE, WEBHOOK, of(simulated_machine(duration)))
    contained = refused(DURATIONS_ARE_READABLE, WEBHOOK, of(docker_machine(bootstrapTimeout=duration)))

    assert fields(simulated) == ["spec.backend.inMemory.node.provisioning.startupDuration"]
    assert fields(contained) == ["spec.backend.docker.bootstrapTimeout"]


def test_image_stays_accepts_the_same_and_another_backend() -> None:
    accepted(WEBHOOK, of(docker_machine(customImage="a", bootstrapTimeout="5m")), of(docker_machine(customImage="a")))
    accepted(WEBHOOK, of(simulated_machine()), of(docker_machine(customImage="a")))


@pytest.mark.parametrize("before", [{}, {"customImage": "b"}], ids=["none before", "another before"])
def test_image_stays_refuses_another_image(before: dict[str, str]) -> None:
    refusals = refused(IMAGE_STAYS, WEBHOOK, of(docker_machine(customImage="a")), of(docker_machine(**before)))

    assert fields(refusals) == ["spec.backend.docker.customImage"]


def test_containers_are_warned_of() -> None:
    (notice,) = notices(WEBHOOK, of(docker_machine()))

    assert notice.startswith("spec.backend.docker: Capelin's provider starts no containers")
    assert notices(WEBHOOK, build.devmachine()) == []


@pytest.mark.parametrize(("jitter", "want"), [(None, 0), ("0.2", 0), ("", 0), ("much", 1), ("-1", 1), ("nan", 1), ("1e9", 1)])
def test_a_jitter_no_machine_can_start_with_is_warned_of(jitter: str | None, want: int) -> None:
    assert len(notices(WEBHOOK, of(simulated_machine(jitter=jitter)))) == want


@pytest.mark.parametrize(("behavior", "want"), [('{"neverBoot": true}', 0), ('{"neverboot": true}', 1), ("[" * 100_000, 1)])
def test_a_behavior_that_cannot_be_understood_is_warned_of(behavior: str, want: int) -> None:
    assert len(notices(WEBHOOK, build.devmachine(annotations={BEHAVIOR_ANNOTATION: behavior}))) == want


def test_a_behavior_of_a_thousand_mistakes_is_warned_of_in_one_line() -> None:
    behavior = "{" + ", ".join(f'"mistake{number}": 1' for number in range(1_000)) + "}"

    (notice,) = notices(WEBHOOK, build.devmachine(annotations={BEHAVIOR_ANNOTATION: behavior}))

    assert len(notice) < 500
    assert notice.endswith("…: it has no effect")
