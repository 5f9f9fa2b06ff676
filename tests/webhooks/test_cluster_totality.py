"""Whatever a class says, and however odd a Cluster of it is, the Cluster is judged."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from capelin.api.clusterclass import ClusterClass
from capelin.webhooks import cluster
from capelin.webhooks.admission import Webhook
from capelin.webhooks.decoding import decoded
from capelin.webhooks.judging import Judging
from tests.webhooks.asking import SomeThere
from tests.webhooks.test_totality import documents, filled, review

CLASS: Webhook[ClusterClass, None] = Webhook(ClusterClass, lambda _: (), ())
VALUES: tuple[Any, ...] = (None, "x", 1, -1.5, True, [], [1, None], {}, {"a": {"b": [1]}})


def of_class(draw: Any, clusterclass: ClusterClass) -> dict[str, Any]:
    """Return a Cluster of the class that sets what it defines."""
    document: dict[str, Any] = draw(documents(cluster.WEBHOOK))
    topology = document["spec"].setdefault("topology", {"version": "v1.34.0"})
    topology["classRef"] = {"name": clusterclass.metadata.name, "namespace": "default"}
    names = [variable.name for variable in clusterclass.spec.variables or ()]
    topology["variables"] = [{"name": name, "value": draw(st.sampled_from(VALUES))} for name in [*names, "unknown"]]
    return document


@pytest.mark.slow
@given(data=st.data())
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
async def test_a_cluster_of_an_odd_class_is_judged(data: st.DataObject) -> None:
    document = data.draw(documents(CLASS))
    document["metadata"] |= {"name": "odd", "namespace": "default"}
    try:
        clusterclass = decoded(ClusterClass, document)
    except ValidationError:
        return  # of what is no class there are no clusters
    judging = Judging(cluster.WEBHOOK, SomeThere(clusterclass))
    old, new = [await filled(judging, of_class(data.draw, clusterclass)) for _ in range(2)]

    answers = [await judging.validate(review(judging, new, before)) for before in (None, old)]

    assert {answer.refusal.code if answer.refusal else 200 for answer in answers} <= {200, 400, 422}
