"""What is allowed of ClusterResourceSetBindings."""

from __future__ import annotations

from capelin.webhooks.clusterresourcesetbinding import WEBHOOK
from capelin.webhooks.rules.cluster import CLUSTER_NAME_STAYS
from tests.buildclasses import clusterresourcesetbinding
from tests.webhooks.asking import accepted, fields, refused


def test_cluster_name_stays_accepts_other_changes() -> None:
    accepted(WEBHOOK, clusterresourcesetbinding(sets={"more": []}), clusterresourcesetbinding())


def test_cluster_name_stays_accepts_a_name_that_was_missing() -> None:
    before = clusterresourcesetbinding()
    before.spec.cluster_name = ""

    accepted(WEBHOOK, clusterresourcesetbinding(), before)


def test_cluster_name_stays_refuses_another_cluster() -> None:
    refusals = refused(CLUSTER_NAME_STAYS, WEBHOOK, clusterresourcesetbinding("other"), clusterresourcesetbinding())

    assert fields(refusals) == ["spec.clusterName"]
