"""Asks a webhook's pure functions, and says what must come of it."""

from __future__ import annotations

from typing import Any

from capelin.api.meta import Object
from capelin.api.refusals import Refusal, Rule
from capelin.webhooks.admission import Admission, AnyWebhook, Denial, Finding, Notice


def findings(
    webhook: AnyWebhook, new: Object, old: Object | None = None, *, facts: Any = None, deleted: bool = False, dry_run: bool = False
) -> list[Finding]:
    """Return everything `validate` says of a create, of an update when there is an `old`, or of a deletion."""
    operation: Any = "DELETE" if deleted else "CREATE" if old is None else "UPDATE"
    return list(webhook.validate(Admission(operation, new, old, facts, dry_run)))


def accepted(webhook: AnyWebhook, new: Object, old: Object | None = None, **how: Any) -> None:
    """The request is not refused, by no rule."""
    assert [found for found in findings(webhook, new, old, **how) if not isinstance(found, Notice)] == []


def refused(rule: Rule, webhook: AnyWebhook, new: Object, old: Object | None = None, **how: Any) -> list[Refusal]:
    """The request is refused by that rule, which the webhook declares, and by no other; return what it says."""
    assert rule in webhook.rules, f"{rule.name} is no rule of {webhook.kind.__name__}"
    found = [finding for finding in findings(webhook, new, old, **how) if isinstance(finding, Refusal)]
    assert found, f"{rule.name} refused nothing"
    assert {refusal.rule.name for refusal in found} == {rule.name}
    return found


def denied(rule: Rule, webhook: AnyWebhook, new: Object, old: Object | None = None, **how: Any) -> str:
    """The request is refused as a whole by that rule; return what it says."""
    assert rule in webhook.rules, f"{rule.name} is no rule of {webhook.kind.__name__}"
    (found,) = [finding for finding in findings(webhook, new, old, **how) if isinstance(finding, Denial)]
    assert found.rule == rule
    return found.text


def notices(webhook: AnyWebhook, new: Object, old: Object | None = None, **how: Any) -> list[str]:
    """Return what the user is warned of."""
    return [found.text for found in findings(webhook, new, old, **how) if isinstance(found, Notice)]


def defaulted(webhook: AnyWebhook, obj: Object, old: Object | None = None, *, facts: Any = None) -> Any:
    """Return the object with its defaults."""
    assert webhook.default is not None
    return webhook.default(obj, Admission("CREATE" if old is None else "UPDATE", obj, old, facts))


def fields(refusals: list[Refusal]) -> list[str]:
    """Return which fields are refused."""
    return [refusal.field for refusal in refusals]


class NothingThere:
    """Lookups of an API server that has no object yet."""

    async def get(self, kind: Any, key: Any) -> None:
        return None

    async def list(self, kind: Any, *, namespace: str = "") -> list[Any]:
        return []

    async def referenced(self, reference: Any, namespace: str) -> None:
        return None


class SomeThere(NothingThere):
    """Lookups of an API server that has these objects only."""

    def __init__(self, *objects: Object) -> None:
        self.objects = {(obj.resource.kind, obj.key): obj for obj in objects}

    async def get(self, kind: Any, key: Any) -> Any:
        return self.objects.get((kind.resource.kind, key))
