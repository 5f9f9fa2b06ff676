"""Numbers and versions that would break a cluster are refused by admission, as an API server would ask for them."""

from __future__ import annotations

from typing import Any

import pytest

from capelin.api.meta import Object
from capelin.runtime.admission.reviews import ReviewRequest, answer_body, read_answer, read_review, review_body
from capelin.runtime.codec import Document
from capelin.runtime.documents.jsonpatch import json_patch
from capelin.runtime.errors import ApiError
from capelin.webhooks.catalog import judges
from tests.buildcontrolplane import control_plane_rollout, kubeadmcontrolplane
from tests.fakes import NoLookups

JUDGES = judges(NoLookups())


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
