"""What all webhooks do alike: defaults as a patch, all broken rules in one answer, and leniency towards what is stored already."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

from capelin.api.machine import Bootstrap, Machine
from capelin.api.meta import Object
from capelin.runtime import errors
from capelin.runtime.admission.reviews import ReviewAnswer, ReviewRequest, answer_body
from capelin.runtime.codec import Document, decode_document
from capelin.runtime.documents.jsonpatch import json_patch
from capelin.webhooks import machine, machineset
from capelin.webhooks.judging import Judging, judges
from tests import build
from tests.fakes import NoLookups

JUDGING = Judging(machine.WEBHOOK, NoLookups())
WRONG: dict[str, Any] = {"version": "latest", "bootstrap": Bootstrap()}


def review(new: Object | None, old: Object | None = None, *, operation: Any = None, document: Document | None = None) -> ReviewRequest:
    sent = document if document is not None else new.wire() if new else None
    stored = old.wire() if old else None
    name = ((sent or stored or {}).get("metadata") or {}).get("name", "")
    chosen: Any = operation or ("CREATE" if old is None else "UPDATE")
    return ReviewRequest("1", chosen, Machine.resource, namespace="default", name=name, object=sent, old=stored)


def causes(answer: ReviewAnswer) -> list[str]:
    assert answer.refusal is not None
    return [cause.field for cause in answer.refusal.causes]


async def test_defaults_come_as_a_patch_of_what_was_sent() -> None:
    document = build.machine(spec={"version": "1.34.0"}, stored=False).wire()

    answer = await JUDGING.mutate(review(None, document=document))

    assert answer.refusal is None
    got = json_patch(document, list(answer.patch))
    assert got["spec"]["version"] == "v1.34.0"
    assert got["spec"]["deletion"] == {"nodeDeletionTimeoutSeconds": 10}


async def test_an_object_with_its_defaults_needs_no_patch() -> None:
    document = build.machine(stored=False).wire()
    filled = json_patch(document, list((await JUDGING.mutate(review(None, document=document))).patch))

    answer = await JUDGING.mutate(review(None, document=filled))

    assert answer.patch == []


async def test_required_fields_that_are_missing_are_left_for_the_schema_to_name() -> None:
    document = {"metadata": {"name": "worker"}, "spec": {"version": "1.34.0"}}

    answer = await JUDGING.mutate(review(None, document=document))

    assert answer.refusal is None
    got = json_patch(document, list(answer.patch))
    assert got["spec"].keys() == {"version", "deletion"}


async def test_a_field_of_the_wrong_type_is_a_bad_request_that_names_it_and_not_its_value() -> None:
    document = build.machine(stored=False).wire()
    document["spec"]["minReadySeconds"] = "a while"

    answer = await JUDGING.mutate(review(None, document=document))

    assert isinstance(answer.refusal, errors.BadRequest)
    assert "spec.minReadySeconds" in answer.refusal.message
    assert "a while" not in answer.refusal.message


async def test_a_wrong_type_is_told_without_what_is_missing_and_gets_a_default() -> None:
    document = build.machineset(stored=False).wire()
    document["spec"]["replicas"] = "three"
    del document["spec"]["selector"]

    answer = await Judging(machineset.WEBHOOK, NoLookups()).mutate(review(None, document=document))

    assert answer.refusal is not None
    assert "spec.replicas" in answer.refusal.message
    assert "spec.selector" not in answer.refusal.message


async def test_all_broken_rules_are_told_at_once() -> None:
    answer = await JUDGING.validate(review(build.machine(spec=WRONG)))

    assert isinstance(answer.refusal, errors.Invalid)
    assert causes(answer) == ["spec.version", "spec.bootstrap"]
    assert answer.refusal.message.startswith('Machine.cluster.x-k8s.io "worker" is invalid: [spec.version: Invalid value: ')


async def test_what_was_wrong_before_an_update_is_not_told_again() -> None:
    old = build.machine(spec=WRONG)

    answer = await JUDGING.validate(review(build.machine(spec=WRONG | {"min_ready_seconds": 5}), old))

    assert answer.refusal is None


async def test_an_update_that_makes_it_worse_is_refused_for_that_alone() -> None:
    old = build.machine(spec={"version": "latest"})

    answer = await JUDGING.validate(review(build.machine(spec=WRONG), old))

    assert causes(answer) == ["spec.bootstrap"]


async def test_an_update_that_replaces_one_wrong_value_by_another_is_refused() -> None:
    answer = await JUDGING.validate(review(build.machine(spec={"version": "newest"}), build.machine(spec={"version": "latest"})))

    assert causes(answer) == ["spec.version"]


async def test_what_was_warned_of_before_an_update_is_not_told_again() -> None:
    judging, large = Judging(machineset.WEBHOOK, NoLookups()), build.machineset(replicas=9000)

    created = await judging.validate(review(large))
    kept = await judging.validate(review(build.machineset(replicas=9000, labels={"team": "blue"}), large))
    grown = await judging.validate(review(build.machineset(replicas=9001), large))

    assert [len(answer.warnings) for answer in (created, kept, grown)] == [1, 0, 1]


async def test_an_object_from_before_a_field_was_required_can_be_mended() -> None:
    old = build.machine().wire()
    del old["spec"]["infrastructureRef"]
    mended = ReviewRequest("1", "UPDATE", Machine.resource, name="worker", object=build.machine().wire(), old=old)

    answers = [await JUDGING.mutate(mended), await JUDGING.validate(mended)]

    assert [answer.refusal for answer in answers] == [None, None]


async def test_an_object_from_before_a_field_was_required_can_be_deleted() -> None:
    deleted = ReviewRequest("1", "DELETE", Machine.resource, name="worker", object=None, old={"metadata": {"name": "worker"}})
    judging = Judging(replace(machine.WEBHOOK, operations=("DELETE",), validate=lambda request: ()), NoLookups())

    answer = await judging.validate(deleted)

    assert answer.refusal is None


async def test_removing_a_finalizer_is_not_judged() -> None:
    old = build.machine(spec=WRONG, finalizers=["machine.cluster.x-k8s.io"], deleting=True)

    answer = await JUDGING.validate(review(build.machine(spec=WRONG, deleting=True), old))

    assert answer == ReviewAnswer()


async def test_an_object_that_nothing_acts_on_is_accepted_with_a_warning() -> None:
    judging = Judging(machine.WEBHOOK, NoLookups(), {"Machine", "Machine.spec.taints"})

    answer = await judging.validate(review(build.machine()))

    assert answer.refusal is None
    assert answer.warnings == ["this version of Capelin runs no controller for Machine: the object is stored, and nothing acts on it"]


async def test_a_field_that_nothing_acts_on_is_warned_of_when_it_appears() -> None:
    judging = Judging(machine.WEBHOOK, NoLookups(), {"Machine.spec.failureDomain"})
    placed = build.machine(spec={"failure_domain": "a"})

    created = await judging.validate(review(placed))
    added = await judging.validate(review(placed, build.machine()))
    kept = await judging.validate(review(build.machine(spec={"failure_domain": "a", "version": "v1.35.0"}), placed))

    assert [len(answer.warnings) for answer in (created, added, kept)] == [1, 1, 0]
    assert created.warnings[0].startswith("spec.failureDomain: ")


def test_paths_are_those_of_the_standard() -> None:
    assert set(judges(machine.WEBHOOK, NoLookups())) == {
        "/mutate-cluster-x-k8s-io-v1beta2-machine",
        "/validate-cluster-x-k8s-io-v1beta2-machine",
    }


async def test_a_refusal_reaches_the_wire_with_its_causes() -> None:
    answer = await JUDGING.validate(review(build.machine(spec=WRONG)))

    response = decode_document(answer_body("1", answer))["response"]

    assert (response["allowed"], response["status"]["code"]) == (False, 422)
    assert [cause["field"] for cause in response["status"]["details"]["causes"]] == ["spec.version", "spec.bootstrap"]


async def test_a_patch_reaches_the_wire_as_a_json_patch() -> None:
    answer = await JUDGING.mutate(review(build.machine(spec={"version": "1.34.0"}, stored=False)))

    response = decode_document(answer_body("1", answer))["response"]

    assert (response["allowed"], response["patchType"]) == (True, "JSONPatch")
    assert b'"/spec/version"' in base64.b64decode(response["patch"])
