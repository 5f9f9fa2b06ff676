"""What holds for every webhook and every object that fits its schema.

`CAPELIN_DRAWS` says how many objects are drawn for each kind and property; the draws are the same on every run.
"""

from __future__ import annotations

import os
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from capelin.api.clusterclass import ClusterClass
from capelin.api.crds import KINDS
from capelin.api.meta import Object, ObjectKey
from capelin.runtime.admission.reviews import ReviewAnswer, ReviewRequest
from capelin.runtime.codec import Document
from capelin.runtime.documents.jsonpatch import json_patch
from capelin.webhooks.admission import AnyWebhook
from capelin.webhooks.catalog import WEBHOOKS
from capelin.webhooks.decoding import decoded
from capelin.webhooks.judging import Judging
from capelin.webhooks.offline import judge
from tests.drawing import compiled, damaged, documents
from tests.webhooks.asking import NothingThere

T = TypeVar("T")

DRAWS: Final = int(os.environ.get("CAPELIN_DRAWS", "200"))
drawing = settings(derandomize=True, database=None, phases=[Phase.generate, Phase.shrink], suppress_health_check=list(HealthCheck))
each_webhook = pytest.mark.parametrize(
    "webhook", [found for found in WEBHOOKS if found.scales is None], ids=lambda webhook: webhook.kind.__name__
)
pytestmark = [pytest.mark.slow, pytest.mark.drawn]


class ClassThere(NothingThere):
    """Lookups of an API server with one ClusterClass, which is whichever is asked for."""

    def __init__(self, document: Document) -> None:
        self.clusterclass = decoded(ClusterClass, document)

    async def get(self, kind: Any, key: ObjectKey) -> Any:
        return self.clusterclass if kind is ClusterClass else None


def judging(webhook: AnyWebhook, data: st.DataObject) -> Judging:
    """Return the webhook's judge; one that reads classes finds a drawn one half of the time."""
    found = data.draw(st.none() | documents(ClusterClass)) if ClusterClass in webhook.reads else None
    return Judging(webhook, NothingThere() if found is None else ClassThere(found))


def kind_of(webhook: AnyWebhook) -> type[Object]:
    kind: type[Object] = webhook.kind
    return kind


def answered(answer: Coroutine[Any, Any, T]) -> T:
    """Return the answer, which waits for nobody."""
    try:
        answer.send(None)
    except StopIteration as done:
        found: T = done.value
        return found
    raise AssertionError("a webhook waits for something")


def review(webhook: AnyWebhook, operation: Any, new: Document | None, old: Document | None = None) -> ReviewRequest:
    name = ((new or old or {}).get("metadata") or {}).get("name", "")
    return ReviewRequest("1", operation, webhook.resource, namespace="default", name=name, object=new, old=old)


def mutated(judge: Judging, document: Document) -> Document:
    """Return a new object with its defaults."""
    answer = answered(judge.mutate(review(judge.webhook, "CREATE", document)))
    assert answer.refusal is None
    filled: Document = json_patch(document, list(answer.patch))
    return filled


def validated(judge: Judging, *states: Document | None, operation: str) -> ReviewAnswer:
    return answered(judge.validate(review(judge.webhook, operation, *states)))


@each_webhook
@given(data=st.data())
@settings(drawing, max_examples=DRAWS)
def test_defaults_settle_at_once_and_fit_the_schema(webhook: AnyWebhook, data: st.DataObject) -> None:
    judge, document = judging(webhook, data), data.draw(documents(kind_of(webhook)))

    once = mutated(judge, document)

    assert mutated(judge, once) == once
    assert compiled(kind_of(webhook)).validate(once) == []


@each_webhook
@given(data=st.data())
@settings(drawing, max_examples=DRAWS // 2)
def test_whatever_fits_the_schema_is_judged(webhook: AnyWebhook, data: st.DataObject) -> None:
    judge = judging(webhook, data)
    old, new = (mutated(judge, data.draw(documents(kind_of(webhook)))) for _ in range(2))

    answers = [
        validated(judge, new, operation="CREATE"),
        validated(judge, new, old, operation="UPDATE"),
        validated(judge, None, old, operation="DELETE"),
    ]

    assert {answer.refusal.code if answer.refusal else 200 for answer in answers} <= {200, 403, 422}


@each_webhook
@given(data=st.data())
@settings(drawing, max_examples=DRAWS)
def test_what_is_stored_can_be_saved_again(webhook: AnyWebhook, data: st.DataObject) -> None:
    judge, stored = Judging(webhook, NothingThere()), data.draw(documents(kind_of(webhook)))
    held = {**stored, "metadata": {**stored["metadata"], "finalizers": ["example.com/other"]}}
    noted = {**stored, "metadata": {**stored["metadata"], "annotations": {**stored["metadata"].get("annotations", {}), "note": "x"}}}

    answers = [validated(judge, new, stored, operation="UPDATE") for new in (stored, held, noted)]

    assert [answer.refusal for answer in answers] == [None, None, None]


@given(documents=st.lists(st.sampled_from(KINDS).flatmap(damaged), min_size=1, max_size=3))
@settings(drawing, max_examples=DRAWS)
def test_whatever_is_written_gets_a_verdict(documents: list[Any]) -> None:
    verdicts = answered(judge([(document, ()) for document in documents]))

    assert len(verdicts) == len(documents)
