"""Rules of MachineSets and MachineDeployments, which their controllers keep as admission does."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Iterator

from capelin.api.labels import AUTOSCALER_MAX_SIZE_ANNOTATION, AUTOSCALER_MIN_SIZE_ANNOTATION, CLUSTER_NAME_LABEL
from capelin.api.machinedeployment import MachineDeployment
from capelin.api.machineset import MachineSet
from capelin.api.meta import Object, selector_matches, selector_string
from capelin.api.refusals import Refusal, Rule, name_refusals, version_refusals

CLUSTER_LABEL_IS_CLUSTER_NAME = Rule(
    "cluster_label_is_cluster_name", "The cluster's label, where there is one, names the cluster of the spec."
)
TEMPLATE_HAS_SAME_CLUSTER = Rule("template_has_same_cluster", "The Machines of a group belong to the cluster of the group.")
REPLICAS_ARE_NOT_NEGATIVE = Rule("replicas_are_not_negative", "There are no fewer than zero Machines.")
SELECTOR_MATCHES_TEMPLATE = Rule(
    "selector_matches_template",
    "The selector matches the labels of the template: a group that does not see its own Machines makes more.",
)
AUTOSCALER_BOUNDS_ARE_NUMBERS = Rule("autoscaler_bounds_are_numbers", "The bounds of the autoscaler are whole numbers.")
NAMES_ARE_RANDOM = Rule("names_are_random", "A template for the names of Machines has a random part, so that no two names are the same.")
AMOUNTS_ARE_NUMBERS_OR_PERCENTAGES = Rule("amounts_are_numbers_or_percentages", "maxSurge and maxUnavailable are numbers or percentages.")
ROLLING_UPDATE_CAN_MOVE = Rule("rolling_update_can_move", "maxSurge and maxUnavailable are not both 0: no Machine could ever be replaced.")

GROUP_RULES = (
    CLUSTER_LABEL_IS_CLUSTER_NAME,
    TEMPLATE_HAS_SAME_CLUSTER,
    REPLICAS_ARE_NOT_NEGATIVE,
    SELECTOR_MATCHES_TEMPLATE,
    AUTOSCALER_BOUNDS_ARE_NUMBERS,
    NAMES_ARE_RANDOM,
)
ROLLOUT_RULES = (AMOUNTS_ARE_NUMBERS_OR_PERCENTAGES, ROLLING_UPDATE_CAN_MOVE)

_PERCENTAGE = re.compile(r"[0-9]{1,18}%")
"""As many digits as fit into 64 bits."""

_shown = reprlib.Repr()
_shown.maxdict, _shown.maxstring = 20, 100  # who sends a book must not get it back


def machineset_refusals(machineset: MachineSet) -> list[Refusal]:
    """Return what is wrong with a MachineSet."""
    return list(_group_refusals(machineset))


def machinedeployment_refusals(deployment: MachineDeployment) -> list[Refusal]:
    """Return what is wrong with a MachineDeployment."""
    return [*name_refusals(deployment.metadata.name), *_group_refusals(deployment), *_strategy_refusals(deployment)]


def _group_refusals(group: MachineSet | MachineDeployment) -> Iterator[Refusal]:
    spec = group.spec
    label = (group.metadata.labels or {}).get(CLUSTER_NAME_LABEL, spec.cluster_name)
    if label != spec.cluster_name:
        yield CLUSTER_LABEL_IS_CLUSTER_NAME.broken(
            f"metadata.labels[{CLUSTER_NAME_LABEL}]", repr(label), f"spec.clusterName, which is {spec.cluster_name!r}"
        )
    if spec.template.spec.cluster_name != spec.cluster_name:
        allowed = f"spec.clusterName, which is {spec.cluster_name!r}"
        yield TEMPLATE_HAS_SAME_CLUSTER.broken("spec.template.spec.clusterName", repr(spec.template.spec.cluster_name), allowed)
    if spec.replicas is not None and spec.replicas < 0:
        yield REPLICAS_ARE_NOT_NEGATIVE.broken("spec.replicas", str(spec.replicas), "0 or more")
    yield from _selector_refusals(group)
    yield from autoscaler_refusals(group)
    yield from version_refusals("spec.template.spec.version", spec.template.spec.version)
    naming = spec.machine_naming and spec.machine_naming.template
    if naming and ".random" not in naming:
        yield NAMES_ARE_RANDOM.broken(
            "spec.machineNaming.template", repr(naming), "a template that contains {{ .random }}: names must differ"
        )


def _selector_refusals(group: MachineSet | MachineDeployment) -> Iterator[Refusal]:
    metadata = group.spec.template.metadata
    labels = (metadata.labels if metadata else None) or {}
    try:
        matches = selector_matches(group.spec.selector, labels)
    except ValueError as error:
        yield SELECTOR_MATCHES_TEMPLATE.broken("spec.selector", str(error), "rules with In, NotIn, Exists or DoesNotExist")
        return
    if not matches:
        found = selector_string(group.spec.selector) or "an empty selector"
        yield SELECTOR_MATCHES_TEMPLATE.broken(
            "spec.selector", found, f"one that matches spec.template.metadata.labels, which are {_shown.repr(labels)}"
        )


def autoscaler_refusals(group: Object) -> Iterator[Refusal]:
    """Yield what is wrong with the bounds of the autoscaler: where replicas are left out, they decide how many Machines go or stay."""
    annotations = group.metadata.annotations or {}
    for name in (AUTOSCALER_MIN_SIZE_ANNOTATION, AUTOSCALER_MAX_SIZE_ANNOTATION):
        value = annotations.get(name)
        if value is not None and not (value.isascii() and value.isdecimal()):
            yield AUTOSCALER_BOUNDS_ARE_NUMBERS.broken(f"metadata.annotations[{name}]", _shown.repr(value), "a whole number")


def _strategy_refusals(deployment: MachineDeployment) -> Iterator[Refusal]:
    rollout = deployment.spec.rollout
    strategy = rollout.strategy if rollout else None
    rolling = strategy.rolling_update if strategy else None
    if strategy is None or rolling is None:
        return
    field = "spec.rollout.strategy.rollingUpdate"
    for name, value in (("maxSurge", rolling.max_surge), ("maxUnavailable", rolling.max_unavailable)):
        if not _is_amount(value):
            yield AMOUNTS_ARE_NUMBERS_OR_PERCENTAGES.broken(
                f"{field}.{name}", _shown.repr(value), "a whole number that is not negative, or a percentage such as '25%'"
            )
    if rolling.max_surge == 0 and rolling.max_unavailable == 0:
        yield ROLLING_UPDATE_CAN_MOVE.broken(
            field, "maxSurge 0 and maxUnavailable 0", "at least one of them above 0: otherwise no Machine could ever be replaced"
        )


def _is_amount(value: int | str | None) -> bool:
    return bool(_PERCENTAGE.fullmatch(value)) if isinstance(value, str) else value is None or value >= 0
