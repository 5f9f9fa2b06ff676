"""What a request asks for: its path and parameters in the terms of resources and verbs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from capelin.apiserver import statuses
from capelin.apiserver.asker import Asker
from capelin.apiserver.registry import Registry, ResourceDefinition, Version
from capelin.runtime import errors
from capelin.runtime.codec import Document
from capelin.runtime.transport import Request

STATUS = "status"
SCALE = "scale"
OPTIONS_VERSION: Final = "meta.k8s.io/v1"

_COLLECTION_VERBS = {"GET": "list", "HEAD": "list", "POST": "create", "DELETE": "deletecollection"}
_OBJECT_VERBS = {"GET": "get", "HEAD": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


@dataclass(frozen=True, slots=True)
class Attributes:
    """Who wants to do what: the question an authorizer answers. Without a `resource` the question is about `path`."""

    verb: str
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """The resource, object or subresource that a request is about, known to be served."""

    verb: str
    definition: ResourceDefinition
    version: Version
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    @classmethod
    def stored(cls, verb: str, definition: ResourceDefinition, key: tuple[str, str]) -> Target:
        """Return the target of the server's own work on a stored object, in the version it is stored in."""
        return cls(verb, definition, definition.storage_version, *key)

    @property
    def key(self) -> tuple[str, str]:
        """The object's key in the store."""
        return (self.namespace, self.name)

    @property
    def api_version(self) -> str:
        """The `apiVersion` that objects of this request carry."""
        return self.definition.api_version(self.version.name)


def flag(query: Mapping[str, str], name: str) -> bool:
    """Tell whether a boolean parameter is set; as in Kubernetes only absence, `false` and `0` mean no."""
    return query.get(name, "false") not in ("false", "0")


def attributes(request: Request) -> Attributes:
    """Return what the request asks for, whether or not that is served.

    Raises:
        NotFound: the path has no meaning.
    """
    parts = request.path.strip("/").split("/")
    verb = request.method.lower()
    if parts[0] not in ("api", "apis") or len(parts) < (3 if parts[0] == "api" else 4):
        return Attributes(verb, path=request.path)
    if "" in parts or "." in parts or ".." in parts:
        raise statuses.unknown_resource()
    group, version, rest = ("", parts[1], parts[2:]) if parts[0] == "api" else (parts[1], parts[2], parts[3:])
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in ("status", "finalize"):
        namespace, rest = rest[1], rest[2:]
    if len(rest) > 3:
        raise statuses.unknown_resource()
    resource, name, subresource = (*rest, "", "")[:3]
    verbs = _OBJECT_VERBS if name else _COLLECTION_VERBS
    verb = verbs.get(request.method, verb)
    if verb == "list" and flag(request.query, "watch"):
        verb = "watch"
    return Attributes(verb, group, version, resource, subresource, namespace, name, request.path)


def resolve(registry: Registry, asked: Attributes) -> Target:
    """Return the target of a request for a resource.

    Raises:
        NotFound: no such resource, version or subresource is served there.
        MethodNotAllowed: the resource does not take this verb.
    """
    definition = registry.find(asked.group, asked.resource)
    version = definition.version(asked.version) if definition else None
    if definition is None or version is None:
        raise statuses.unknown_resource()
    _check_scope(definition, asked)
    verbs = _subresource_verbs(version, asked.subresource) if asked.subresource else definition.verbs
    if asked.verb not in verbs or (asked.verb == "create" and asked.name and not asked.subresource):
        raise statuses.not_allowed()
    namespace = asked.namespace if definition.namespaced else ""
    return Target(asked.verb, definition, version, namespace, asked.name, asked.subresource)


def _check_scope(definition: ResourceDefinition, asked: Attributes) -> None:
    if not definition.namespaced:
        if asked.namespace:
            raise statuses.unknown_resource()
    elif not asked.namespace:
        if asked.name:
            raise statuses.unknown_resource()
        if asked.verb not in ("list", "watch"):
            raise statuses.not_allowed()


def _subresource_verbs(version: Version, name: str) -> tuple[str, ...]:
    if (name == STATUS and version.status) or (name == SCALE and version.scale):
        return ("get", "update", "patch")
    for subresource in version.subresources:
        if subresource.name == name:
            return subresource.verbs
    raise statuses.unknown_resource()


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """How a write is to be carried out. Without an `asker` it is the server's own, which admission is not asked about."""

    dry_run: bool
    field_validation: str  # Strict, Warn, Ignore
    field_manager: str
    force: bool
    asker: Asker | None = None
    query: Mapping[str, str] = field(default_factory=dict)

    def wire(self, kind: str) -> Document:
        """Return what the client asked for, as options of that kind (`CreateOptions`, `UpdateOptions`)."""
        found: Document = {"kind": kind, "apiVersion": OPTIONS_VERSION}
        if self.dry_run:
            found["dryRun"] = ["All"]
        return found | {name: self.query[name] for name in ("fieldManager", "fieldValidation") if self.query.get(name)}


def write_options(request: Request, asker: Asker | None = None) -> WriteOptions:
    """Return the options of a create, update or patch.

    Raises:
        BadRequest: an option has a value that does not exist.
    """
    query = request.query
    validation = query.get("fieldValidation") or "Warn"
    if validation not in ("Strict", "Warn", "Ignore"):
        raise errors.BadRequest(f"fieldValidation: Unsupported value: {validation!r}: supported values: Ignore, Strict, Warn")
    manager = query.get("fieldManager", "")
    if len(manager) > 128:
        raise errors.BadRequest(f"fieldManager: Too long: may not be longer than 128 bytes, found {len(manager)}")
    agent = request.headers.get("user-agent", "").partition("/")[0][:128]
    dry_run, force = is_dry_run(query.get("dryRun", "")), flag(query, "force")
    return WriteOptions(dry_run, validation, manager or agent or "unknown", force, asker, query)


def is_dry_run(value: str) -> bool:
    """Tell whether nothing shall be stored.

    Raises:
        BadRequest: the value is neither empty nor `All`.
    """
    if value not in ("", "All"):
        raise errors.BadRequest(f'dryRun: Unsupported value: "{value}": supported values: "All"')
    return value == "All"
