"""Objects that were stored before there was admission: whatever they say, they can be saved, mended, let go and deleted.

The file was taken from a management cluster of the version before: a running cluster, and objects that no rule of today would let in.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from capelin.api.crds import KINDS, crd
from capelin.runtime.admission.reviews import ReviewAnswer, ReviewRequest
from capelin.runtime.codec import Document, decode_document
from capelin.runtime.documents.schema import compile_schema
from capelin.webhooks import catalog
from tests.fakes import EmptyLookups

KIND_OF = {(kind.resource.api_version, kind.resource.kind): kind for kind in KINDS}
STORED = [decode_document(line) for line in (Path(__file__).parent / "stored_before_admission.jsonl").read_text().splitlines()]
JUDGES = catalog.judges(EmptyLookups())


CASES = [pytest.param(document, id=f"{document['kind']}-{document['metadata']['name']}") for document in STORED]


async def judged(new: Document | None, old: Document) -> dict[str, ReviewAnswer]:
    """Return every answer to an update, or to a deletion when there is no `new`, by path."""
    kind = KIND_OF[old["apiVersion"], old["kind"]]
    meta = old["metadata"]
    operation: Any = "UPDATE" if new is not None else "DELETE"
    review = ReviewRequest("1", operation, kind.resource, namespace=meta["namespace"], name=meta["name"], object=new, old=old)
    suffix = f"-{kind.resource.group.replace('.', '-')}-{kind.resource.version}-{kind.resource.kind.lower()}"
    asked = {path: judge for path, judge in JUDGES.items() if path.endswith(suffix) and "scale" not in path}
    return {path: await judge(review) for path, judge in asked.items() if new is not None or path.startswith("/validate")}


def refusals(answers: dict[str, ReviewAnswer]) -> list[str]:
    return [str(answer.refusal) for answer in answers.values() if answer.refusal is not None]


@pytest.mark.parametrize("document", CASES)
async def test_it_can_be_saved_unchanged(document: Document) -> None:
    answers = await judged(copy.deepcopy(document), document)

    assert refusals(answers) == []


@pytest.mark.parametrize("document", CASES)
async def test_it_can_get_another_label(document: Document) -> None:
    new = copy.deepcopy(document)
    new["metadata"].setdefault("labels", {})["team"] = "a"

    assert refusals(await judged(new, document)) == []


@pytest.mark.parametrize("document", CASES)
async def test_its_finalizers_can_be_removed(document: Document) -> None:
    deleting = copy.deepcopy(document)
    deleting["metadata"] |= {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["one"]}
    new = copy.deepcopy(deleting)
    del new["metadata"]["finalizers"]

    assert refusals(await judged(new, deleting)) == []


@pytest.mark.parametrize("document", CASES)
async def test_it_can_be_deleted(document: Document) -> None:
    assert refusals(await judged(None, document)) == []


@pytest.mark.parametrize("document", CASES)
def test_its_schema_still_holds(document: Document) -> None:
    definition = crd(KIND_OF[document["apiVersion"], document["kind"]])
    schema = compile_schema(definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"])

    assert schema.validate(document) == []


def test_there_are_objects_of_every_kind_there_was() -> None:
    assert len({document["kind"] for document in STORED}) == 10
    assert sum(document["metadata"]["name"] in ("odd", "bare", "topological") for document in STORED) >= 11
