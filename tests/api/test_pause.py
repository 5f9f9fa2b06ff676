from datetime import UTC, datetime

import pytest

from capelin.api.cluster import Cluster
from capelin.api.labels import PAUSED_ANNOTATION
from capelin.api.pause import is_paused, paused_condition

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def a_cluster(*, paused: bool | None = None, annotated: bool = False) -> Cluster:
    metadata = {"name": "c", "namespace": "ns", "generation": 4, "annotations": {PAUSED_ANNOTATION: ""} if annotated else {}}
    return Cluster.parse({"metadata": metadata, "spec": {} if paused is None else {"paused": paused}})


@pytest.mark.parametrize(
    ("cluster", "annotated", "want"),
    [
        pytest.param(None, False, "", id="nothing pauses it"),
        pytest.param(a_cluster(paused=False), False, "", id="its cluster runs"),
        pytest.param(a_cluster(paused=True), False, "Cluster spec.paused is set to true", id="its cluster is paused"),
        pytest.param(None, True, "Cluster has the cluster.x-k8s.io/paused annotation", id="it is paused, whatever the annotation says"),
        pytest.param(
            a_cluster(paused=True),
            True,
            "Cluster spec.paused is set to true, Cluster has the cluster.x-k8s.io/paused annotation",
            id="both",
        ),
    ],
)
def test_an_object_is_paused_by_itself_or_with_its_cluster(cluster: Cluster | None, annotated: bool, want: str) -> None:
    obj = a_cluster(annotated=annotated)

    got = paused_condition(cluster, obj, now=NOW)

    assert is_paused(cluster, obj.metadata) is bool(want)
    assert (got.status, got.reason, got.message) == (("True", "Paused", want) if want else ("False", "NotPaused", ""))
    assert got.observed_generation == 4
