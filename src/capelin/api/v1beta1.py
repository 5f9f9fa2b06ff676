"""Status fields of v1beta1, which this version still carries for readers of the old one."""

from __future__ import annotations

from typing import Annotated

from capelin.api.markers import Length, MaxLength
from capelin.api.meta import Model, Time


class V1Beta1Condition(Model):
    """A condition of the old kind, kept for readers of v1beta1."""

    last_transition_time: Time
    status: str
    type: Annotated[str, Length(1, 256)]
    message: Annotated[str, Length(1, 10240)] | None = None
    reason: Annotated[str, Length(1, 256)] | None = None
    severity: Annotated[str, MaxLength(32)] | None = None


class V1Beta1Conditions(Model):
    """Conditions of v1beta1, kept for its readers."""

    conditions: list[V1Beta1Condition] | None = None


class DeprecatedConditions(Model):
    """Status that older versions of the API had."""

    v1beta1: V1Beta1Conditions | None = None


class V1Beta1Status(Model):
    """Status fields of v1beta1, kept for its readers."""

    conditions: list[V1Beta1Condition] | None = None
    failure_message: Annotated[str, Length(1, 10240)] | None = None
    failure_reason: str | None = None


class DeprecatedStatus(Model):
    """Status that older versions of the API had."""

    v1beta1: V1Beta1Status | None = None
