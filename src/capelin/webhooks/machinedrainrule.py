"""What is allowed of MachineDrainRules."""

from __future__ import annotations

from collections.abc import Iterator

from capelin.api.machinedrainrule import DRAIN, MachineDrainRule
from capelin.api.refusals import Refusal, Rule
from capelin.webhooks.admission import Admission, Webhook
from capelin.webhooks.rules.selectors import SELECTOR_IS_VALID, selector_refusals

ORDER_IS_FOR_DRAINING = Rule("order_is_for_draining", "Only Pods that are drained have an order: others are not evicted at all.")

RULES = (ORDER_IS_FOR_DRAINING, SELECTOR_IS_VALID)

MachineDrainRuleAdmission = Admission[MachineDrainRule, None]


def validate(request: MachineDrainRuleAdmission) -> Iterator[Refusal]:
    """Yield what is wrong with a MachineDrainRule."""
    spec = request.new.spec
    if spec.drain.order is not None and spec.drain.behavior != DRAIN:
        found = f"{spec.drain.order} beside the behavior {spec.drain.behavior}"
        yield ORDER_IS_FOR_DRAINING.broken("spec.drain.order", found, f"an order with the behavior {DRAIN} only")
    for index, machines in enumerate(spec.machines or ()):
        yield from selector_refusals(f"spec.machines[{index}].selector", machines.selector)
        yield from selector_refusals(f"spec.machines[{index}].clusterSelector", machines.cluster_selector)
    for index, pods in enumerate(spec.pods or ()):
        yield from selector_refusals(f"spec.pods[{index}].selector", pods.selector)
        yield from selector_refusals(f"spec.pods[{index}].namespaceSelector", pods.namespace_selector)


WEBHOOK = Webhook(MachineDrainRule, validate, RULES)
