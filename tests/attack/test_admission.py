"""Numbers and versions that would break a cluster are refused by admission, as an API server would ask for them."""

from __future__ import annotations

from typing import Any

import pytest

from capelin.api.meta import LabelSelector, LabelSelectorRequirement, Object, TemplateMetadata
from capelin.runtime.admission.reviews import ReviewRequest, answer_body, read_review
from capelin.runtime.codec import Document
from capelin.runtime.documents.jsonpatch import json_patch
from capelin.runtime.errors import ApiError
from capelin.webhooks.catalog import judges
from tests import build
from tests.buildclasses import machinepool
from tests.buildcontrolplane import control_plane_rollout, kubeadmcontrolplane
from tests.fakes import NoLookups
from tests.runtime.admission.asking import read_answer, review_body

JUDGES = judges(NoLookups())
LABELS = {"cluster.x-k8s.io/cluster-name": "demo", "cluster.x-k8s.io/deployment-name": "workers"}


async def refusal(new: Object, old: Object | None = None) -> ApiError | None:
    """Send an object through its mutating and its validating webhook, as bytes; return why it is refused, or None when it is not."""
    resource = new.resource
    path = f"{resource.group.replace('.', '-')}-{resource.version}-{resource.kind.lower()}"
    document: Document = new.wire()
    for step in ("mutate", "validate"):
        if judge := JUDGES.get(f"/{step}-{path}"):
            operation: Any = "UPDATE" if old else "CREATE"
            asked = ReviewRequest("1", operation, resource, "", "default", new.key.name, document, old.wire() if old else None)
            answer = read_answer(answer_body("1", await judge(read_review(review_body(asked)))), "1")
            if answer.refusal is not None:
                return answer.refusal
            document = json_patch(document, list(answer.patch)) if answer.patch else document
    return None


async def test_what_is_sent_here_is_allowed_unless_it_is_wrong() -> None:
    assert await refusal(kubeadmcontrolplane()) is None
    assert await refusal(kubeadmcontrolplane(version="v1.35.0"), kubeadmcontrolplane(version="v1.34.0")) is None


@pytest.mark.parametrize("version", ["latest", "v1.99", "1", "v1.34.0; reboot", "v1.34.0\n", f"v{'9' * 250}"])
async def test_a_control_plane_gets_no_version_that_is_none(version: str) -> None:
    found = await refusal(kubeadmcontrolplane(version=version))

    assert found is not None
    assert (found.code, [cause.field for cause in found.causes]) == (422, ["spec.version"])


@pytest.mark.parametrize("version", ["v1.36.0", "v1.99.0", "v2.0.0", "v1.4294967297.0"])
async def test_a_control_plane_skips_no_minor_version(version: str) -> None:
    found = await refusal(kubeadmcontrolplane(version=version), kubeadmcontrolplane(version="v1.34.0"))

    assert found is not None
    assert (found.code, [cause.field for cause in found.causes]) == (422, ["spec.version"])


async def test_a_control_plane_may_go_back_as_in_the_standard() -> None:
    assert await refusal(kubeadmcontrolplane(version="v1.33.0"), kubeadmcontrolplane(version="v1.34.0")) is None


@pytest.mark.parametrize("replicas", [0, -1, 2, -(2**31), 2**31 - 2])
async def test_a_control_plane_has_no_impossible_number_of_machines(replicas: int) -> None:
    found = await refusal(kubeadmcontrolplane(replicas=replicas))

    assert found is not None
    assert (found.code, [cause.field for cause in found.causes]) == (422, ["spec.replicas"])


@pytest.mark.parametrize("surge", [0, "0%", "-0", "none", "x" * 1_000_000])
async def test_a_single_machine_is_never_replaced_without_a_surge(surge: int | str) -> None:
    found = await refusal(kubeadmcontrolplane(rollout=control_plane_rollout(max_surge=surge)))

    assert found is not None
    assert [cause.field for cause in found.causes] == ["spec.rollout.strategy.rollingUpdate.maxSurge"]
    assert len(str(found)) < 1_000


@pytest.mark.parametrize("version", ["latest", "v1.99", "1.34", "v1.34.0; reboot", "{{ .version }}", f"v1.34.{'9' * 200}x"])
async def test_a23_no_machine_gets_a_version_that_is_none(version: str) -> None:
    machine = await refusal(build.machine(spec={"version": version}))
    template = build.machine_template("workers", labels={"role": "worker"}, version=version)
    groups = [
        await refusal(build.machineset(template=template, selector={"role": "worker"})),
        await refusal(machinepool(template=template)),
    ]

    for found, field in zip((machine, *groups), ("spec.version", *2 * ["spec.template.spec.version"]), strict=True):
        assert found is not None
        assert (found.code, [cause.field for cause in found.causes]) == (422, [field])


@pytest.mark.parametrize("version", ["v1.33.0", "v1.36.0", "v1.37.1"])
async def test_a23_workers_may_go_back_and_skip_minor_versions_as_in_the_standard(version: str) -> None:
    changed = build.machinedeployment(template=build.machine_template("workers", labels=LABELS, version=version))

    assert await refusal(changed, build.machinedeployment()) is None


@pytest.mark.parametrize("replicas", [-1, -(2**31)])
async def test_a22_no_group_has_fewer_machines_than_none(replicas: int) -> None:
    for group in (build.machineset(replicas=replicas), build.machinedeployment(replicas=replicas), machinepool(replicas=replicas)):
        found = await refusal(group)

        assert found is not None
        assert (found.code, [cause.field for cause in found.causes]) == (422, ["spec.replicas"])


async def test_a22_a_huge_number_of_machines_is_warned_of() -> None:
    deployment = build.machinedeployment(replicas=2**31 - 1)
    resource = deployment.resource
    asked = ReviewRequest("1", "CREATE", resource, "", "default", "workers", deployment.wire(), None)

    answer = await JUDGES["/validate-cluster-x-k8s-io-v1beta2-machinedeployment"](asked)

    assert answer.refusal is None
    assert any("2147483647" in warning for warning in answer.warnings)


async def test_a22_a_rollout_that_could_never_move_is_refused() -> None:
    found = await refusal(build.machinedeployment(max_surge=0, max_unavailable=0))

    assert found is not None
    assert (found.code, [cause.field for cause in found.causes]) == (422, ["spec.rollout.strategy.rollingUpdate"])


@pytest.mark.parametrize("amount", ["x" * 1_000_000, "9" * 10_000 + "%", "-1%", "1e9%"])
async def test_a22_amounts_are_no_attack(amount: str) -> None:
    found = await refusal(build.machinedeployment(max_surge=amount))

    assert found is not None
    assert [cause.field for cause in found.causes] == ["spec.rollout.strategy.rollingUpdate.maxSurge"]
    assert len(str(found)) < 1_000


@pytest.mark.slow
@pytest.mark.gate
async def test_a22_ten_thousand_bad_labels_are_told_one_by_one() -> None:
    bad = TemplateMetadata(labels=LABELS | {f"bad label {number}": "x" * 1_000 for number in range(10_000)})
    template = build.machine_template("workers", labels=LABELS).model_copy(update={"metadata": bad})

    found = await refusal(build.machinedeployment(template=template))

    assert found is not None
    assert len(found.causes) == 20_000  # the key and the value of each


async def test_a22_a_selector_of_a_thousand_rules_is_read_once() -> None:
    rules = [LabelSelectorRequirement(key=f"label-{number}", operator="Near", values=["x"] * 100) for number in range(1_000)]

    found = await refusal(build.machineset(spec={"selector": LabelSelector(match_expressions=rules)}))

    assert found is not None
    assert {cause.field.rpartition(".")[2] for cause in found.causes} == {"operator"}
    assert len(found.causes) == 1_000
