"""Rolling updates, of topologies and of classes. Unlike in a MachineDeployment a lone 0 is fine there: another place may say the rest."""

from __future__ import annotations

from collections.abc import Iterator

from capelin.api.grouprules import AMOUNTS_ARE_NUMBERS_OR_PERCENTAGES, ROLLING_UPDATE_CAN_MOVE
from capelin.api.machinedeployment import RolloutStrategy
from capelin.api.refusals import Refusal
from capelin.webhooks.rules.amounts import AMOUNT, is_amount
from capelin.webhooks.rules.quoting import quoted


def strategy_refusals(field: str, strategy: RolloutStrategy | None) -> Iterator[Refusal]:
    """Yield what is wrong with the strategy at `field`."""
    rolling, place = strategy.rolling_update if strategy else None, f"{field}.rollingUpdate"
    if rolling is None:
        return
    for name, amount in (("maxSurge", rolling.max_surge), ("maxUnavailable", rolling.max_unavailable)):
        if not is_amount(amount):
            yield AMOUNTS_ARE_NUMBERS_OR_PERCENTAGES.broken(f"{place}.{name}", quoted(amount), AMOUNT)
    if rolling.max_surge == 0 and rolling.max_unavailable == 0:
        allowed = "at least one of them above 0: otherwise no Machine could ever be replaced"
        yield ROLLING_UPDATE_CAN_MOVE.broken(place, "maxSurge 0 and maxUnavailable 0", allowed)
