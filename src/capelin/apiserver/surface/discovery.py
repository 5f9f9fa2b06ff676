"""Discovery: which groups, versions, resources and verbs a server has.

There are two forms. The legacy one takes a request for the groups and one for each group-version; the aggregated one answers all at once,
to clients that name it in `Accept`. Both are computed from the registry and carry an ETag: unchanged answers need not be sent again.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any

from capelin.apiserver.registry import Registry, ResourceDefinition, Version
from capelin.apiserver.surface.groups import Group, Resources, served_groups
from capelin.runtime import codec
from capelin.runtime.codec import Document
from capelin.runtime.errors import NotAcceptable
from capelin.runtime.transport import Request, Response

AGGREGATED = ("v2", "v2beta1")
"""Versions of the aggregated form; clients before 1.30 know only the second."""

_STATUS_VERBS = ("get", "patch", "update")


def answer(registry: Registry, request: Request) -> Response | None:
    """Return the answer to a GET of a discovery path, or None when the path is none or names a group or version that is not served.

    Raises:
        NotAcceptable: the client accepts neither JSON nor the aggregated form.
    """
    parts = request.path.strip("/").split("/")
    if parts[0] not in ("api", "apis") or len(parts) > (2 if parts[0] == "api" else 3):
        return None
    if len(parts) == 1:
        return _root(registry, request, legacy_api=parts[0] == "api")
    group = next((group for group in served_groups(registry) if group.name == (parts[1] if parts[0] == "apis" else "")), None)
    if group is None:
        return None
    if parts[0] == "apis" and len(parts) == 2:
        return _reply({"kind": "APIGroup", "apiVersion": "v1", **_legacy_group(group)}, request)
    resources = group.resources(parts[-1])
    return None if resources is None else _reply(_resource_list(group.group_version(parts[-1]), resources), request)


def _root(registry: Registry, request: Request, *, legacy_api: bool) -> Response:
    found = [group for group in served_groups(registry) if (not group.name) is legacy_api]
    version = _aggregated_version(request)
    if version:
        media = f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
        return _reply(_aggregated(found, version), request, media=media)
    if legacy_api:
        versions = [version for group in found for version, _ in group.versions]
        return _reply({"kind": "APIVersions", "versions": versions, "serverAddressByClientCIDRs": []}, request)
    return _reply({"kind": "APIGroupList", "apiVersion": "v1", "groups": [_legacy_group(group) for group in found]}, request)


def _aggregated_version(request: Request) -> str:
    """Return the version of the aggregated form that the client prefers, empty when it prefers the legacy one."""
    header = request.headers.get("accept") or "*/*"
    for clause in header.split(","):
        media, *parameters = (part.strip() for part in clause.split(";"))
        if media not in ("application/json", "application/*", "*/*"):
            continue
        options = dict(parameter.partition("=")[::2] for parameter in parameters)
        if "as" not in options:
            return ""
        wanted = options["as"], options.get("g")
        if wanted == ("APIGroupDiscoveryList", "apidiscovery.k8s.io") and options.get("v") in AGGREGATED:
            return options["v"]
    raise NotAcceptable("only the following media types are accepted: application/json")


def _reply(document: Document, request: Request, *, media: str = "application/json") -> Response:
    body = codec.encode(document)
    etag = f'"{sha256(body).hexdigest().upper()}"'
    headers = {"content-type": media, "etag": etag, "vary": "Accept", "cache-control": "public"}
    if etag in request.headers.get("if-none-match", ""):
        return Response(304, headers)
    return Response(200, headers, body)


# The aggregated form


def _aggregated(found: Iterable[Group], version: str) -> Document:
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": f"apidiscovery.k8s.io/{version}",
        "metadata": {},
        "items": [_aggregated_group(group) for group in found],
    }


def _aggregated_group(group: Group) -> Document:
    return {
        "metadata": {"name": group.name} if group.name else {},
        "versions": [
            {
                "version": version,
                "resources": [_aggregated_resource(definition, served) for definition, served in resources],
                "freshness": "Current",
            }
            for version, resources in group.versions
        ],
    }


def _aggregated_resource(definition: ResourceDefinition, version: Version) -> Document:
    subresources = [
        {"subresource": name, "responseKind": {"group": group, "version": of_version, "kind": kind}, "verbs": list(verbs)}
        for name, group, of_version, kind, verbs in _subresources(definition, version)
    ]
    return {
        "resource": definition.plural,
        "responseKind": {"group": definition.group, "version": version.name, "kind": definition.kind},
        "scope": "Namespaced" if definition.namespaced else "Cluster",
        "singularResource": definition.singular,
        "verbs": list(definition.verbs),
        **_names(definition),
        **({"subresources": subresources} if subresources else {}),
    }


def _subresources(definition: ResourceDefinition, version: Version) -> Iterator[tuple[str, str, str, str, tuple[str, ...]]]:
    """Yield name, group, version, kind and verbs of each subresource, by name."""
    found: list[tuple[str, str, str, str, tuple[str, ...]]] = [
        (extra.name, extra.group, extra.version, extra.kind, extra.verbs) for extra in version.subresources
    ]
    if version.status:
        found.append(("status", definition.group, version.name, definition.kind, _STATUS_VERBS))
    if version.scale:
        found.append(("scale", "autoscaling", "v1", "Scale", _STATUS_VERBS))
    yield from sorted(found)


def _names(definition: ResourceDefinition) -> dict[str, Any]:
    named = {"shortNames": list(definition.short_names), "categories": list(definition.categories)}
    return {key: value for key, value in named.items() if value}


# The legacy form


def _legacy_group(group: Group) -> Document:
    versions = [{"groupVersion": group.group_version(version), "version": version} for version, _ in group.versions]
    return {"name": group.name, "versions": versions, "preferredVersion": versions[0]}


def _resource_list(group_version: str, resources: Resources) -> Document:
    entries = [entry for definition, version in resources for entry in _legacy_entries(definition, version)]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": entries}


def _legacy_entries(definition: ResourceDefinition, version: Version) -> Iterator[Document]:
    yield {
        "name": definition.plural,
        "singularName": definition.singular,
        "namespaced": definition.namespaced,
        "kind": definition.kind,
        "verbs": list(definition.verbs),
        **_names(definition),
        **({"storageVersionHash": _storage_hash(definition)} if definition.stored else {}),
    }
    for name, group, of_version, kind, verbs in _subresources(definition, version):
        foreign = {} if (group, of_version) == (definition.group, version.name) else {"group": group, "version": of_version}
        entry = {"name": f"{definition.plural}/{name}", "singularName": "", "namespaced": definition.namespaced, **foreign}
        yield {**entry, "kind": kind, "verbs": list(verbs)}


def _storage_hash(definition: ResourceDefinition) -> str:
    """Return what changes when objects are stored in another version; clients compare it only."""
    stored = f"{definition.group}/{definition.storage_version.name}/{definition.kind}"
    return base64.b64encode(sha256(stored.encode()).digest()[:8]).decode()
