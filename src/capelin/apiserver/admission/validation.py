"""What a webhook configuration may say, in the words of Kubernetes: broken rules are told when it is stored, not when a request comes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from capelin.apiserver.admission.conditions import compile_condition
from capelin.apiserver.admission.hooks import REVIEW_VERSIONS
from capelin.apiserver.admission.rules import check_rules
from capelin.apiserver.admission.selectors import check_selector
from capelin.runtime.codec import Document
from capelin.runtime.documents import causes, names
from capelin.runtime.documents.causes import Path
from capelin.runtime.documents.celevaluation import RuleError
from capelin.runtime.errors import Cause

CONDITIONS_LIMIT: Final = 64
TIMEOUTS: Final = range(1, 31)
"""Seconds a webhook may take; a request that waits for several must still end in time."""

_FORM: Final = "; desired format: https://host[/path]"
_SIDE_EFFECTS: Final = ("None", "NoneOnDryRun")


def validate(configuration: Document, old: Document | None) -> Iterator[Cause]:
    """Yield what is wrong with a configuration. Match conditions that stand there already are not judged again.

    A `caBundle` may hold anything, as in Kubernetes: manifests come with a placeholder that is filled in later. A bad one fails the call.
    """
    accepted = {condition for hook in (old or {}).get("webhooks") or () for condition in _expressions(hook)}
    seen: set[str] = set()
    for index, hook in enumerate(configuration.get("webhooks") or ()):
        path: Path = ("webhooks", index)
        yield from _check_hook(hook, path, accepted)
        yield from _check_review_versions(hook.get("admissionReviewVersions") or [], (*path, "admissionReviewVersions"))
        name = hook.get("name") or ""
        if name and name in seen:
            yield causes.duplicate((*path, "name"), name)
        seen.add(name)


def _check_hook(hook: Mapping[str, Any], path: Path, accepted: set[str]) -> Iterator[Cause]:
    yield from _check_name(hook.get("name") or "", (*path, "name"))
    yield from check_rules(hook.get("rules") or (), (*path, "rules"))
    yield from _check_side_effects(hook.get("sideEffects"), (*path, "sideEffects"))
    timeout = hook.get("timeoutSeconds")
    if timeout is not None and timeout not in TIMEOUTS:
        yield causes.invalid((*path, "timeoutSeconds"), timeout, "the timeout value must be between 1 and 30 seconds")
    for field in ("namespaceSelector", "objectSelector"):
        yield from check_selector(hook.get(field) or {}, (*path, field))
    yield from _check_client(hook.get("clientConfig") or {}, (*path, "clientConfig"))
    yield from _check_conditions(hook.get("matchConditions") or (), (*path, "matchConditions"), accepted)


def _check_name(name: str, path: Path) -> Iterator[Cause]:
    broken = names.dns_subdomain(name)
    if not name:
        yield causes.required(path)
    elif broken:
        yield causes.invalid(path, name, ",".join(broken))
    elif name.count(".") < 2:
        yield causes.invalid(path, name, "should be a domain with at least three segments separated by dots")


def _check_side_effects(found: str | None, path: Path) -> Iterator[Cause]:
    if found is None:
        yield causes.required(path, f"must specify one of {', '.join(_SIDE_EFFECTS)}")
    elif found not in _SIDE_EFFECTS:
        yield causes.not_supported(path, found, _SIDE_EFFECTS)


def _check_review_versions(versions: Sequence[str], path: Path) -> Iterator[Cause]:
    known = ", ".join(REVIEW_VERSIONS)
    if not versions:
        yield causes.required(path, f"must specify one of {known}")
        return
    for index, version in enumerate(versions):
        if version in versions[:index]:
            yield causes.invalid((*path, index), version, "duplicate version")
            continue
        for sentence in names.dns_1035_label(version):
            yield causes.invalid((*path, index), version, sentence)
    if not set(versions) & set(REVIEW_VERSIONS):
        yield causes.invalid(path, list(versions), f"must include at least one of {known}")


def _check_client(client: Mapping[str, Any], path: Path) -> Iterator[Cause]:
    url, service = client.get("url"), client.get("service")
    if (url is None) == (service is None):
        yield causes.required(path, "exactly one of url or service is required")
    elif url is not None:
        yield from _check_url(url, (*path, "url"))
    else:
        yield from _check_service(service or {}, (*path, "service"))


def _check_url(url: str, path: Path) -> Iterator[Cause]:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        yield causes.required(path, f"url must be a valid URL: {error}{_FORM}")
        return
    if parts.scheme != "https":
        yield causes.invalid(path, parts.scheme, f"'https' is the only allowed URL scheme{_FORM}")
    if not parts.netloc.rpartition("@")[2]:
        yield causes.invalid(path, "", f"host must be specified{_FORM}")
    user = parts.netloc.rpartition("@")[0]
    forbidden: tuple[tuple[str, str], ...] = (
        (_without_password(parts) if user else "", "user information is not permitted in the URL"),
        (parts.fragment, "fragments are not permitted in the URL"),
        (parts.query, "query parameters are not permitted in the URL"),
    )
    for found, rule in forbidden:
        if found:
            yield causes.invalid(path, found, rule)


def _without_password(parts: SplitResult) -> str:
    """Return the user of a URL; what may be a password stands in no message."""
    return parts.username or "<redacted>"


def _check_service(service: Mapping[str, Any], path: Path) -> Iterator[Cause]:
    for field in ("name", "namespace"):
        if not service.get(field):
            yield causes.required((*path, field))
    port = service.get("port", 443)
    if not 1 <= port <= 65535:
        yield causes.invalid((*path, "port"), port, "port is not valid: must be between 1 and 65535, inclusive")
    found = service.get("path") or "/"
    for sentence in _broken_path(found):
        yield causes.invalid((*path, "path"), found, sentence)


def _broken_path(path: str) -> Iterator[str]:
    if path == "/":
        return
    if path == "//":
        yield "segment[0] may not be empty"
        return
    if not path.startswith("/"):
        yield "must start with a '/'"
    for index, segment in enumerate(path[1:].removesuffix("/").split("/")):
        if not segment:
            yield f"segment[{index}] may not be empty"
            continue
        yield from (f"segment[{index}]: {sentence}" for sentence in names.dns_subdomain(segment))


def _check_conditions(conditions: Sequence[Mapping[str, Any]], path: Path, accepted: set[str]) -> Iterator[Cause]:
    if len(conditions) > CONDITIONS_LIMIT:
        yield causes.too_many(path, len(conditions), CONDITIONS_LIMIT)
    seen: set[str] = set()
    for index, condition in enumerate(conditions):
        place: Path = (*path, index)
        yield from _check_expression(condition.get("expression") or "", (*place, "expression"), accepted)
        name = condition.get("name") or ""
        if not name:
            yield causes.required((*place, "name"))
            continue
        yield from (causes.invalid((*place, "name"), name, sentence) for sentence in names.qualified_name(name))
        if name in seen:
            yield causes.duplicate((*place, "name"), name)
        seen.add(name)


def _check_expression(text: str, path: Path, accepted: set[str]) -> Iterator[Cause]:
    if not text.strip():
        yield causes.required(path)
    elif text.strip() not in accepted:
        try:
            compile_condition(text)
        except RuleError as error:
            yield causes.invalid(path, text.strip(), str(error))


def _expressions(hook: Mapping[str, Any]) -> Iterator[str]:
    for condition in hook.get("matchConditions") or ():
        yield (condition.get("expression") or "").strip()
