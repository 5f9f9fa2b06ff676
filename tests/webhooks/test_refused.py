"""The manifests in `refused/` get exactly the answers that stand in their first lines: after the defaults from the schema, else from the
rules, as from an API server. The first object is the one that is created; those behind it are there already."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from capelin.api.crds import KINDS
from capelin.api.structural import schema
from capelin.runtime.admission.reviews import ReviewRequest
from capelin.runtime.codec import Document
from capelin.runtime.documents.jsonpatch import json_patch
from capelin.runtime.documents.schema import compile_schema
from capelin.runtime.errors import Cause
from capelin.webhooks.catalog import WEBHOOKS
from capelin.webhooks.decoding import decoded
from capelin.webhooks.judging import Judging
from tests.webhooks.asking import SomeThere

MANIFESTS = sorted((Path(__file__).parent / "refused").glob("*.yaml"))
MARK = "# refused: "
KINDS_BY_NAME = {kind.resource.kind: kind for kind in KINDS}
BY_KIND = {webhook.resource.kind: webhook for webhook in WEBHOOKS if webhook.scales is None}


async def answer(document: Document, *others: Document) -> Sequence[Cause]:
    """Return why the API server, which has the others, does not create the object."""
    webhook = BY_KIND[document["kind"]]
    there = SomeThere(*(decoded(KINDS_BY_NAME[other["kind"]], other) for other in others))
    judging, name = Judging(webhook, there), document["metadata"]["name"]

    def review(found: Document) -> ReviewRequest:
        return ReviewRequest("1", "CREATE", webhook.resource, namespace="default", name=name, object=found, old=None)

    filled = json_patch(document, list((await judging.mutate(review(document))).patch))
    if broken := compile_schema(schema(webhook.kind)).validate(filled):
        return broken
    refusal = (await judging.validate(review(filled))).refusal
    return refusal.causes if refusal else ()


def test_every_kind_that_has_rules_shows_what_it_refuses() -> None:
    shown = {path.name.split("-")[0] for path in MANIFESTS}

    # Those that refuse only changes have nothing to show.
    assert sorted({kind.lower() for kind, webhook in BY_KIND.items() if webhook.rules} - shown) == [
        "clusterresourcesetbinding",
        "ipaddressclaim",
    ]


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
async def test_a_manifest_is_refused_as_it_says(path: Path) -> None:
    text = path.read_text()
    want = [line.removeprefix(MARK) for line in text.splitlines() if line.startswith(MARK)]

    got = await answer(*yaml.safe_load_all(text))

    assert want
    assert [f"{cause.field}: {cause.message}" for cause in got] == want
