"""What is allowed of ClusterResourceSets."""

from __future__ import annotations

from collections.abc import Iterator

from capelin.api.clusterresourceset import ClusterResourceSet
from capelin.api.defaults import default_clusterresourceset
from capelin.api.refusals import FORBIDDEN, Refusal, Rule
from capelin.webhooks.admission import Admission, Webhook
from capelin.webhooks.rules.immutability import changes
from capelin.webhooks.rules.selectors import SELECTOR_IS_NOT_EMPTY, SELECTOR_IS_VALID, emptiness_refusals, selector_refusals

SELECTOR_STAYS = Rule("selector_stays", "A set is for the same clusters for ever: what it gave to one is not taken back.")
STRATEGY_STAYS = Rule("strategy_stays", "A set keeps the strategy it began with: what has been applied was applied under it.")

RULES = (SELECTOR_IS_VALID, SELECTOR_IS_NOT_EMPTY, SELECTOR_STAYS, STRATEGY_STAYS)

ClusterResourceSetAdmission = Admission[ClusterResourceSet, None]


def default(resources: ClusterResourceSet, request: ClusterResourceSetAdmission) -> ClusterResourceSet:  # noqa: ARG001 - the shape of a webhook
    """Return the set with what the standard fills in."""
    return default_clusterresourceset(resources)


def validate(request: ClusterResourceSetAdmission) -> Iterator[Refusal]:
    """Yield what is wrong with a ClusterResourceSet, or with a change of it."""
    spec = request.new.spec
    yield from selector_refusals("spec.clusterSelector", spec.cluster_selector)
    yield from emptiness_refusals("spec.clusterSelector", spec.cluster_selector)
    if request.old is None:
        return
    before = request.old.spec
    if spec.cluster_selector != before.cluster_selector:
        found, allowed = changes(spec.cluster_selector, before.cluster_selector), "no change: make another set for other clusters"
        yield SELECTOR_STAYS.broken("spec.clusterSelector", found, allowed, reason=FORBIDDEN)
    if before.strategy and spec.strategy != before.strategy:
        allowed = f"what it was before, {before.strategy!r}: make another set with another strategy"
        yield STRATEGY_STAYS.broken("spec.strategy", repr(spec.strategy), allowed, reason=FORBIDDEN)


WEBHOOK = Webhook(ClusterResourceSet, validate, RULES, default)
