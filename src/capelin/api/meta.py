"""What every kind shares: identity, metadata, references, conditions, selectors.

Types here describe JSON on the wire. Unknown fields are kept, so that an object written by a newer version survives being read and written
by this one. An optional field that is absent is None; an empty list, an empty string and zero are themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from capelin.api.markers import (
    ATOMIC_LIST,
    Length,
    MapList,
    MaxItems,
    MaxLength,
    Minimum,
    Pattern,
    Required,
    Shape,
)
from capelin.api.scalars import Int64


@dataclass(frozen=True, slots=True)
class Resource:
    """Where a kind lives in the API. `group` is empty for the core group."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """The object's `apiVersion`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """Return the URL path of the collection, of one object or of its subresource."""
        parts = ["/apis", self.group, self.version] if self.group else ["/api", self.version]
        if namespace:
            parts += ["namespaces", namespace]
        parts.append(self.plural)
        return "/".join([*parts, *(part for part in (name, subresource) if part)])

    def __str__(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural


@dataclass(frozen=True, slots=True, order=True)
class ObjectKey:
    """The name of an object; `namespace` is empty for cluster-scoped kinds."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


def _wire_time(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _wire_micro_time(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


Time = Annotated[datetime, PlainSerializer(_wire_time, return_type=str)]
"""A moment to the second, aware; RFC 3339 in UTC on the wire."""

MicroTime = Annotated[datetime, PlainSerializer(_wire_micro_time, return_type=str)]
"""A moment to the microsecond, as Leases carry it."""


_INITIALISMS = {word: word.upper() for word in ("api", "ca", "cidr", "dns", "fs", "id", "ip", "tls", "url", "uuid")} | {
    "cidrs": "CIDRs",
    "ips": "IPs",
    "sans": "SANs",
}
"""Words the API writes in capitals unless a name begins with them."""


def wire_name(attribute: str) -> str:
    """Return the name on the wire of a snake_case attribute: `provider_id` is `providerID`."""
    first, *rest = attribute.split("_")
    return first + "".join(_INITIALISMS.get(word) or word[:1].upper() + word[1:] for word in rest)


class Model(BaseModel):
    """A JSON object. Attributes are snake_case, the wire is camelCase.

    Docstrings of attributes are what `kubectl explain` prints; `capelin.api.crds` reads them from the source when it is asked for CRDs,
    because reading them at import would cost every start of every command as much as all other imports together.
    """

    model_config = ConfigDict(
        alias_generator=wire_name,
        populate_by_name=True,
        extra="allow",
        defer_build=True,
    )

    def wire(self) -> dict[str, Any]:
        """Return the JSON object: absent fields stay absent, and a null in a field this program does not know stays null."""
        document = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        _restore_nulls(self, document)
        return document


def _restore_nulls(model: Model, document: dict[str, Any]) -> None:
    """Put back what leaving absent fields out also took away: nulls in unknown fields."""
    if extra := model.__pydantic_extra__:
        document.update((name, None) for name, value in extra.items() if value is None)
    for name, value in model.__dict__.items():
        if isinstance(value, Model):
            _restore_nulls(value, document[_alias(model, name)])
        elif isinstance(value, list) and value and isinstance(value[0], Model):
            for item, found in zip(value, document[_alias(model, name)], strict=True):
                _restore_nulls(item, found)


def _alias(model: Model, attribute: str) -> str:
    return type(model).__pydantic_fields__[attribute].alias or attribute


class OwnerReference(Model):
    """An object this one depends on and is deleted with."""

    api_version: str
    kind: str
    name: str
    uid: str
    controller: bool | None = None
    block_owner_deletion: bool | None = None

    @property
    def group(self) -> str:
        """The API group of the owner, without the version."""
        return self.api_version.rpartition("/")[0]


class ObjectMeta(Model):
    """Metadata that every stored object carries."""

    name: str = ""
    generate_name: str | None = None
    namespace: str | None = None
    uid: str | None = None
    resource_version: str | None = None
    generation: int | None = None
    creation_timestamp: Time | None = None
    deletion_timestamp: Time | None = None
    deletion_grace_period_seconds: int | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    owner_references: list[OwnerReference] | None = None
    finalizers: list[str] | None = None

    @property
    def controller(self) -> OwnerReference | None:
        """The owner that manages this object, if there is one."""
        return next((owner for owner in self.owner_references or () if owner.controller), None)


class TemplateMetadata(Model):
    """Labels and annotations of objects made from a template."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    annotations: dict[str, str] | None = None
    """annotations are added to every object made from the template."""
    labels: dict[str, str] | None = None
    """labels are added to every object made from the template."""


class Object(Model):
    """A typed API object: a kind this program knows."""

    resource: ClassVar[Resource]

    api_version: str = ""
    """apiVersion names the API group and version this object is written in."""
    kind: str = ""
    """kind names what the object is."""
    metadata: ObjectMeta = Field(default_factory=ObjectMeta)
    """metadata is what every stored object carries: its name, labels, annotations, owners and finalizers."""

    @classmethod
    def parse(cls, data: bytes | str | Mapping[str, Any]) -> Self:
        """Return the object that JSON bytes or a JSON object describe.

        Raises:
            pydantic.ValidationError: a known field has the wrong type.
        """
        if isinstance(data, bytes | str):
            return cls.model_validate_json(data, by_alias=True, by_name=False)
        return cls.model_validate(data, by_alias=True, by_name=False)

    @property
    def key(self) -> ObjectKey:
        """The object's name."""
        return ObjectKey(self.metadata.namespace or "", self.metadata.name)

    @property
    def uid(self) -> str:
        """The UID the server gave; empty before the object is created."""
        return self.metadata.uid or ""

    def wire(self) -> dict[str, Any]:
        """Return the JSON object with the kind's own `apiVersion` and `kind`."""
        document = super().wire()
        return {**document, "apiVersion": self.resource.api_version, "kind": self.resource.kind}


@dataclass(slots=True)
class Unstructured:
    """An API object of a kind this program does not know: a plain document."""

    resource: Resource
    document: dict[str, Any]

    @property
    def metadata(self) -> ObjectMeta:
        """A view of the metadata; writing to it changes nothing."""
        return ObjectMeta.model_validate(self.document.get("metadata") or {})

    @property
    def key(self) -> ObjectKey:
        """The object's name."""
        metadata = self.document.get("metadata") or {}
        return ObjectKey(metadata.get("namespace") or "", metadata.get("name") or "")

    @property
    def uid(self) -> str:
        """The UID the server gave; empty before the object is created."""
        return str((self.document.get("metadata") or {}).get("uid") or "")

    def wire(self) -> dict[str, Any]:
        """Return the document itself, with `apiVersion` and `kind`."""
        return {**self.document, "apiVersion": self.resource.api_version, "kind": self.resource.kind}


def owner_reference(owner: Object | Unstructured, *, controller: bool = True) -> OwnerReference:
    """Return a reference to `owner`, which must have been read from the server."""
    return OwnerReference(
        api_version=owner.resource.api_version,
        kind=owner.resource.kind,
        name=owner.key.name,
        uid=owner.uid,
        controller=True if controller else None,
        block_owner_deletion=True if controller else None,
    )


def is_controlled_by(metadata: ObjectMeta, owner: Object) -> bool:
    """Tell whether `owner` (by UID, so never a namesake) manages the object."""
    controller = metadata.controller
    return controller is not None and controller.uid == owner.uid


ConditionStatus = Literal["True", "False", "Unknown"]


class Condition(Model):
    """One observation about an object's state."""

    type: Annotated[
        str,
        MaxLength(316),
        Pattern(r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$"),
    ]
    """type names what is observed."""
    status: ConditionStatus
    """status is True, False or Unknown."""
    observed_generation: Annotated[Int64, Minimum(0)] | None = None
    """observedGeneration is the generation of the spec the observation is about."""
    last_transition_time: Time
    """lastTransitionTime is when the status last changed."""
    reason: Annotated[str, Length(1, 1024), Pattern(r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$")]
    """reason is one word, for programs, for why the status is what it is."""
    message: Annotated[str, MaxLength(32768), Required()] = ""
    """message explains the status to people; it may be empty."""


Conditions = Annotated[list[Condition], MaxItems(32), MapList("type")]
"""What an object's controllers have observed, one entry per type."""


class LabelSelectorRequirement(Model):
    """One rule of a label selector."""

    key: str
    """key is the label the rule is about."""
    operator: str
    """operator is In, NotIn, Exists or DoesNotExist."""
    values: Annotated[list[str], ATOMIC_LIST] | None = None
    """values are the values In and NotIn look among; Exists and DoesNotExist take none."""


class LabelSelector(Model):
    """Chooses objects by their labels; all rules must hold."""

    shape: ClassVar[Shape] = Shape(atomic=True)

    match_labels: dict[str, str] | None = None
    """matchLabels are labels with exactly these values; all must match."""
    match_expressions: Annotated[list[LabelSelectorRequirement], ATOMIC_LIST] | None = None
    """matchExpressions are rules about labels; all must match."""

    @property
    def is_empty(self) -> bool:
        """True when there is no rule at all."""
        return not self.match_labels and not self.match_expressions


def _requirement_matches(rule: LabelSelectorRequirement, labels: Mapping[str, str]) -> bool:
    value = labels.get(rule.key)
    match rule.operator:
        case "In":
            return value is not None and value in (rule.values or ())
        case "NotIn":
            return value is None or value not in (rule.values or ())
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    raise ValueError(f"label selector operator {rule.operator!r}: allowed are In, NotIn, Exists, DoesNotExist")


def selector_matches(selector: LabelSelector, labels: Mapping[str, str] | None) -> bool:
    """Tell whether `labels` satisfy every rule; an empty selector matches nothing (reference of this project: empty selects nothing).

    Raises:
        ValueError: a rule has an unknown operator.
    """
    if selector.is_empty:
        return False
    found = labels or {}
    return all(found.get(k) == v for k, v in (selector.match_labels or {}).items()) and all(
        _requirement_matches(rule, found) for rule in selector.match_expressions or ()
    )


def selector_string(selector: LabelSelector) -> str:
    """Return the selector in the syntax of the API's `labelSelector` parameter."""
    parts = [f"{k}={v}" for k, v in sorted((selector.match_labels or {}).items())]
    for rule in selector.match_expressions or ():
        values = ",".join(sorted(rule.values or ()))
        match rule.operator:
            case "In":
                parts.append(f"{rule.key} in ({values})")
            case "NotIn":
                parts.append(f"{rule.key} notin ({values})")
            case "Exists":
                parts.append(rule.key)
            case "DoesNotExist":
                parts.append(f"!{rule.key}")
    return ",".join(parts)


def labels_selector(labels: Mapping[str, str]) -> str:
    """Return the `labelSelector` parameter that asks for exactly these labels."""
    return ",".join(f"{k}={v}" for k, v in sorted(labels.items()))


_LABEL_VALUE = re.compile(r"^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?\Z")


def is_label_value(value: str) -> bool:
    """Tell whether `value` may be the value of a label (≤ 63 characters, alphanumeric at both ends)."""
    return len(value) <= 63 and bool(_LABEL_VALUE.match(value))


def find_condition(conditions: Iterable[Condition] | None, type_: str) -> Condition | None:
    """Return the condition of that type, or None."""
    return next((c for c in conditions or () if c.type == type_), None)


def is_condition_true(conditions: Iterable[Condition] | None, type_: str) -> bool:
    """Tell whether the condition is there and True."""
    found = find_condition(conditions, type_)
    return found is not None and found.status == "True"


def set_condition(conditions: list[Condition] | None, wanted: Condition) -> list[Condition]:
    """Return `conditions` with `wanted` in the place of its type (at the end when new).

    The transition time of the one that is replaced is kept while the status stays the same. Other conditions are left alone.
    """
    result = list(conditions or ())
    for index, old in enumerate(result):
        if old.type == wanted.type:
            if old.status == wanted.status:
                wanted = wanted.model_copy(update={"last_transition_time": old.last_transition_time})
            result[index] = wanted
            return result
    return [*result, wanted]
