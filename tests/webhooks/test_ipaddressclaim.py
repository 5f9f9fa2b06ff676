"""What is allowed of IPAddressClaims."""

from __future__ import annotations

from capelin.webhooks.ipaddressclaim import WEBHOOK
from capelin.webhooks.rules.immutability import SPEC_STAYS
from tests.build import infrastructure_ref
from tests.buildclasses import ipaddressclaim
from tests.webhooks.asking import accepted, fields, refused


def test_spec_stays_accepts_a_claim_and_other_labels() -> None:
    accepted(WEBHOOK, ipaddressclaim())
    accepted(WEBHOOK, ipaddressclaim(labels={"team": "blue"}), ipaddressclaim())


def test_spec_stays_refuses_another_pool() -> None:
    refusals = refused(SPEC_STAYS, WEBHOOK, ipaddressclaim(pool=infrastructure_ref("other", "AddressPool")), ipaddressclaim())

    assert fields(refusals) == ["spec"]
    assert refusals[0].found == "a change of poolRef.name"


def test_spec_stays_refuses_a_cluster_that_is_added_later() -> None:
    refusals = refused(SPEC_STAYS, WEBHOOK, ipaddressclaim(), ipaddressclaim(cluster_name=None))

    assert refusals[0].found == "a change of clusterName"
