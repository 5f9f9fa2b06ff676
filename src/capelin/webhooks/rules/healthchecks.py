"""Health checks and remediation, of objects of their own, of topologies and of classes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from capelin.api.healthchecks import HealthChecks, RemediationTrigger
from capelin.api.refusals import Refusal, Rule
from capelin.webhooks.rules.amounts import AMOUNT, is_amount
from capelin.webhooks.rules.quoting import quoted

STARTUP_TIMEOUT_GIVES_TIME = Rule(
    "startup_timeout_gives_time", "A Machine gets at least 30 seconds to become a Node: with less, every new Machine would be replaced."
)
UNHEALTHY_LIMIT_IS_AMOUNT = Rule("unhealthy_limit_is_amount", "unhealthyLessThanOrEqualTo is a number or a percentage.")
UNHEALTHY_RANGE_HAS_ORDER = Rule("unhealthy_range_has_order", "unhealthyInRange begins with the smaller number: else no number is in it.")
MAX_IN_FLIGHT_IS_AMOUNT = Rule("max_in_flight_is_amount", "maxInFlight is a number or a percentage.")

CHECK_RULES = (STARTUP_TIMEOUT_GIVES_TIME, UNHEALTHY_LIMIT_IS_AMOUNT, UNHEALTHY_RANGE_HAS_ORDER)

SHORTEST_STARTUP_SECONDS: Final = 30
"""As in the standard. Only 0, which turns the check off, is less."""


def check_refusals(field: str, checks: HealthChecks | None) -> Iterator[Refusal]:
    """Yield what is wrong with the checks at `field`."""
    seconds = checks.node_startup_timeout_seconds if checks else None
    if seconds is not None and 0 < seconds < SHORTEST_STARTUP_SECONDS:
        allowed = f"at least {SHORTEST_STARTUP_SECONDS}, or 0, which turns the check off"
        yield STARTUP_TIMEOUT_GIVES_TIME.broken(f"{field}.nodeStartupTimeoutSeconds", str(seconds), allowed)


def trigger_refusals(field: str, trigger: RemediationTrigger | None) -> Iterator[Refusal]:
    """Yield what is wrong with the numbers of unhealthy Machines, at `field`, at which remediation runs."""
    if trigger is None:
        return
    limit, in_range = trigger.unhealthy_less_than_or_equal_to, trigger.unhealthy_in_range
    if not is_amount(limit):
        yield UNHEALTHY_LIMIT_IS_AMOUNT.broken(f"{field}.unhealthyLessThanOrEqualTo", quoted(limit), AMOUNT)
    if in_range is not None:
        first, _, last = in_range.strip("[]").partition("-")  # the schema has seen to the form
        if first.isdecimal() and last.isdecimal() and int(first) > int(last):
            allowed = f"the smaller number first, as in '[{last}-{first}]'"
            yield UNHEALTHY_RANGE_HAS_ORDER.broken(f"{field}.unhealthyInRange", quoted(in_range), allowed)


def max_in_flight_refusals(field: str, amount: int | str | None) -> Iterator[Refusal]:
    """Yield what is wrong with the number of remediations at a time, `maxInFlight`, at `field`."""
    if not is_amount(amount):
        yield MAX_IN_FLIGHT_IS_AMOUNT.broken(f"{field}.maxInFlight", quoted(amount), AMOUNT)
