"""Webhooks as declared, compiled: which requests each is asked about, before an object is looked at."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from capelin.api.meta import LabelSelector, selector_matches
from capelin.apiserver.admission.calling import Client, Service
from capelin.apiserver.admission.conditions import Condition
from capelin.apiserver.registry import ResourceDefinition, Version
from capelin.runtime.codec import Document

MUTATING = "mutatingwebhookconfigurations.admissionregistration.k8s.io"
VALIDATING = "validatingwebhookconfigurations.admissionregistration.k8s.io"
REVIEW_VERSIONS = ("v1", "v1beta1")  # of AdmissionReview; the first that a webhook names is sent

_ANY = "*"


@dataclass(frozen=True, slots=True)
class Rule:
    """Requests that a webhook is asked about."""

    operations: frozenset[str]
    groups: frozenset[str]
    versions: frozenset[str]
    resources: tuple[tuple[str, str], ...]  # resource and subresource
    scope: str = _ANY

    def matches(self, operation: str, definition: ResourceDefinition, version: str, subresource: str) -> bool:
        """Tell whether a request is one of them."""
        return (
            self.scope in (_ANY, "Namespaced" if definition.namespaced else "Cluster")
            and not self.operations.isdisjoint((_ANY, operation))
            and not self.groups.isdisjoint((_ANY, definition.group))
            and not self.versions.isdisjoint((_ANY, version))
            and any(plural in (_ANY, definition.plural) and below in (_ANY, subresource) for plural, below in self.resources)
        )


@dataclass(frozen=True, slots=True, eq=False)
class Hook:
    """One webhook. Selectors are None when they select everything."""

    name: str
    client: Client
    rules: tuple[Rule, ...]
    namespace_selector: LabelSelector | None
    object_selector: LabelSelector | None
    conditions: tuple[Condition, ...]
    timeout: timedelta
    review_version: str
    ignores_failures: bool
    equivalent: bool  # is asked about other versions of the resources in its rules too
    reinvocable: bool

    def version_for(self, operation: str, definition: ResourceDefinition, version: Version, subresource: str) -> str | None:
        """Return the version of the resource that the webhook wants to see in a request; None when it is not asked about such."""
        if any(rule.matches(operation, definition, version.name, subresource) for rule in self.rules):
            return version.name
        if not self.equivalent:
            return None
        others = [other.name for other in definition.versions if other.served and other.name != version.name]
        matching = (other for rule in self.rules for other in others if rule.matches(operation, definition, other, subresource))
        return next(matching, None)


def selects(selector: LabelSelector | None, labels: Mapping[str, str] | None) -> bool:
    """Tell whether a selector of a webhook chooses an object with these labels."""
    return selector is None or selector_matches(selector, labels)


def compile_hooks(configuration: Document) -> Iterator[Hook]:
    """Yield the webhooks of a stored configuration, in their order."""
    for found in configuration.get("webhooks") or ():
        yield Hook(
            name=found["name"],
            client=_client(found.get("clientConfig") or {}),
            rules=tuple(map(_rule, found.get("rules") or ())),
            namespace_selector=_selector(found.get("namespaceSelector")),
            object_selector=_selector(found.get("objectSelector")),
            conditions=tuple(Condition(entry["name"], entry["expression"]) for entry in found.get("matchConditions") or ()),
            timeout=timedelta(seconds=found.get("timeoutSeconds") or 10),
            review_version=next(version for version in found["admissionReviewVersions"] if version in REVIEW_VERSIONS),
            ignores_failures=found.get("failurePolicy") == "Ignore",
            equivalent=found.get("matchPolicy") != "Exact",
            reinvocable=found.get("reinvocationPolicy") == "IfNeeded",
        )


def _rule(rule: Mapping[str, Any]) -> Rule:
    return Rule(
        frozenset(rule.get("operations") or ()),
        frozenset(rule.get("apiGroups") or ()),
        frozenset(rule.get("apiVersions") or ()),
        tuple(_parts(resource) for resource in rule.get("resources") or ()),
        rule.get("scope") or _ANY,
    )


def _parts(resource: str) -> tuple[str, str]:
    plural, _, below = resource.partition("/")
    return plural, below


def _selector(selector: Mapping[str, Any] | None) -> LabelSelector | None:
    found = LabelSelector.model_validate(selector or {})
    return None if found.is_empty else found


def _client(config: Mapping[str, Any]) -> Client:
    authority = base64.b64decode(config.get("caBundle") or "")
    if config.get("url"):
        return Client(config["url"], None, authority)
    service = config.get("service") or {}
    return Client("", Service(service["namespace"], service["name"], service.get("port") or 443, service.get("path") or "/"), authority)
