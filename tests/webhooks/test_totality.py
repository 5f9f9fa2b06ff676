"""Whatever fits the types is judged: no webhook stumbles over an object, however odd, and each answers in one of the ways there are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from capelin.api.structural import schema
from capelin.runtime.admission.reviews import ReviewRequest
from capelin.runtime.codec import Document
from capelin.runtime.documents.jsonpatch import json_patch
from capelin.webhooks.admission import AnyWebhook
from capelin.webhooks.catalog import WEBHOOKS
from capelin.webhooks.judging import Judging
from tests.webhooks.asking import NothingThere

TEXTS: Final = (
    *("x", "demo", "a.b", "é", "\n", "%", "-5%", "25%", "٣%", "x" * 70, "group.io", "infrastructure.cluster.x-k8s.io/v1beta2"),
    *("v1.34.0", "1.34", "v1", "10.0.0.1", "::ffff:1.2.3.4", "10.0.0.0/8", "https://[", "https://a:b@c?d#e", "{{ .random }}", "{{"),
    *("[3-5]", "[99999999999999999999-0]", "1s", "1e9h", "True", "Ready", "In", "Near", "cGVt", "Kind", "RollingUpdate", "OnDelete"),
)
NUMBERS: Final = (-(2**31), -1, 0, 1, 2, 33, 128, 65536, 2**31 - 1)
LABELS: Final = st.dictionaries(st.sampled_from(("", "a", "a/b/c", "cluster.x-k8s.io/cluster-name")), st.sampled_from(TEXTS), max_size=2)


def values(of: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Return values of a schema, odd ones among them."""
    if "enum" in of:
        return st.sampled_from(of["enum"])
    if of.get("x-kubernetes-int-or-string"):
        return st.sampled_from((*TEXTS, *NUMBERS))
    match of.get("type"):
        case "object":
            return _objects(of)
        case "array":
            return st.lists(values(of["items"]), min_size=of.get("minItems", 0), max_size=2)
        case "string":
            return st.sampled_from([text for text in TEXTS if _fits(text, of)] or ["x"])
        case "integer":
            return st.sampled_from([number for number in NUMBERS if of.get("minimum", number) <= number <= of.get("maximum", number)])
        case "boolean":
            return st.booleans()
        case _:
            return st.sampled_from((None, "x", 1, [], {}))


def _objects(of: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    fields, required = of.get("properties") or {}, of.get("required") or ()
    if not fields:
        inner = of.get("additionalProperties")
        return st.dictionaries(st.sampled_from(TEXTS), values(inner if isinstance(inner, dict) else {"type": "string"}), max_size=2)
    optional = {name: values(inner) for name, inner in fields.items() if name not in required}
    return st.fixed_dictionaries({name: values(fields[name]) for name in required}, optional=optional)


def _fits(text: str, of: Mapping[str, Any]) -> bool:
    return of.get("minLength", 0) <= len(text) <= of.get("maxLength", 1_000) and bool(re.search(of.get("pattern", ""), text))


def documents(webhook: AnyWebhook) -> st.SearchStrategy[Document]:
    """Return documents of the webhook's kind."""
    resource, spec = webhook.kind.resource, schema(webhook.kind)["properties"]["spec"]
    metadata = st.fixed_dictionaries({"name": st.just("odd"), "labels": LABELS, "annotations": LABELS})
    kind = {"apiVersion": st.just(resource.api_version), "kind": st.just(resource.kind)}
    return st.fixed_dictionaries({**kind, "metadata": metadata, "spec": values(spec)})


@pytest.mark.slow
@pytest.mark.parametrize("webhook", [found for found in WEBHOOKS if not found.scales], ids=lambda found: found.resource.kind)
@given(data=st.data())
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
async def test_an_odd_object_is_judged(webhook: AnyWebhook, data: st.DataObject) -> None:
    judging = Judging(webhook, NothingThere())
    old, new = [await filled(judging, data.draw(documents(webhook))) for _ in range(2)]

    answers = [await judging.validate(review(judging, new, before)) for before in (None, old)]

    assert {answer.refusal.code if answer.refusal else 200 for answer in answers} <= {200, 400, 403, 422}


async def filled(judging: Judging, document: Document) -> Document:
    """Return the document with its defaults, as far as it is one of the kind."""
    answer = await judging.mutate(review(judging, document))
    return json_patch(document, list(answer.patch)) if answer.patch else document


def review(judging: Judging, new: Document, old: Document | None = None) -> ReviewRequest:
    operation: Any = "CREATE" if old is None else "UPDATE"
    return ReviewRequest("1", operation, judging.webhook.resource, namespace="default", name="odd", object=new, old=old)
