"""Status fields of v1beta1, which this version still carries for readers of the old one."""

from __future__ import annotations

from typing import Annotated

from capelin.api.markers import Length, MaxLength
from capelin.api.meta import Model, Time


class V1Beta1Condition(Model):
    """A condition of the old kind, kept for readers of v1beta1."""

    last_transition_time: Time
    """lastTransitionTime is when the status last changed."""
    status: str
    """status is True, False or Unknown."""
    type: Annotated[str, Length(1, 256)]
    """type names what is observed."""
    message: Annotated[str, Length(1, 10240)] | None = None
    """message explains the status to people."""
    reason: Annotated[str, Length(1, 256)] | None = None
    """reason is one word for why the status is what it is."""
    severity: Annotated[str, MaxLength(32)] | None = None
    """severity tells how serious a status of False is: Error, Warning or Info."""


class V1Beta1Conditions(Model):
    """Conditions of v1beta1, kept for its readers."""

    conditions: list[V1Beta1Condition] | None = None
    """conditions are the conditions of v1beta1."""


class DeprecatedConditions(Model):
    """Status that older versions of the API had."""

    v1beta1: V1Beta1Conditions | None = None
    """v1beta1 is what readers of v1beta1 expect. It goes away together with v1beta1."""


class V1Beta1Status(Model):
    """Status fields of v1beta1, kept for its readers."""

    conditions: list[V1Beta1Condition] | None = None
    """conditions are the conditions of v1beta1."""
    failure_message: Annotated[str, Length(1, 10240)] | None = None
    """failureMessage explained a problem that needed a person's help."""
    failure_reason: str | None = None
    """failureReason named a problem that needed a person's help."""


class DeprecatedStatus(Model):
    """Status that older versions of the API had."""

    v1beta1: V1Beta1Status | None = None
    """v1beta1 is what readers of v1beta1 expect. It goes away together with v1beta1."""
