"""The schema of a variable, compiled: its defaults, and what is wrong with a value.

A class writes schemas in a smaller dialect than CustomResourceDefinitions: keywords that it does not have, such as `nullable` or
`x-kubernetes-list-type`, mean nothing wherever they stand. Refusals never quote more of a value than its beginning.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from capelin.api.classvariables import JSONSchemaProps
from capelin.api.refusals import INVALID, NOT_SUPPORTED, REQUIRED, Refusal, Rule
from capelin.api.structural import wire_field
from capelin.runtime import codec
from capelin.runtime.codec import Document
from capelin.runtime.documents import causes
from capelin.runtime.documents.causes import Path
from capelin.runtime.documents.cel import compile_rules
from capelin.runtime.documents.defaulting import compile_defaulter
from capelin.runtime.documents.pruning import compile_pruner
from capelin.runtime.documents.schemashape import check_shape, without_nulls
from capelin.runtime.documents.validation import Validator
from capelin.runtime.errors import Cause
from capelin.webhooks.rules.quoting import is_secret_name, quoted
from capelin.webhooks.schemawords import allowed_at, fields_at, shown

ABSENT: Final = object()
"""Stands for a value that is not there; null is a value."""

_KEPT: Final = 4096
"""Compiled schemas in memory, of a few KiB each: those of forty classes with a hundred variables."""

_VALUE: Final = "value"
"""The field of the object that a value is put into: defaulting and pruning are about the fields of objects."""

_DEEPEST: Final = 128
"""Levels of JSON in a schema, two for each schema in a schema: more than any class has, and few enough to visit by recursion."""

_KEYWORDS: Final = frozenset(wire_field(name, field) for name, field in JSONSchemaProps.model_fields.items())

_SCALAR: Final = re.compile(r'("(?:\\.|[^"\\])*"|-?[0-9][-+.0-9e]*|true|false): ')
"""A value, as sentences of the API server show it."""

_LONGEST: Final = 80
"""Characters of such a value that are told."""

_QUOTES: Final = ("'", '"')
"""How text begins where it is told as a value."""

_UNTOLD: Final = "failed rule: "
"""How the API server begins when a rule has no message of its own."""

_SHOWN: Final = 10
"""Fields of an object that a refusal of an unknown one names; further ones are counted."""

_BLOCKING: Final = frozenset({causes.NOT_SUPPORTED, causes.REQUIRED, causes.TOO_LONG, causes.TOO_MANY, causes.TYPE_INVALID})
"""What keeps rules in CEL from being evaluated: they rely on types and sizes."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """One thing about a value that its schema does not allow: where it stands, what is there, and what may be there."""

    field: str
    found: str
    allowed: str
    reason: str = INVALID

    def under(self, rule: Rule, name: str) -> Refusal:
        """Return the refusal, by a rule, of what stands in the variable of that name: its place has only a number.

        Text that goes by the name of a secret is not told.
        """
        found = "a text that is not shown" if self.found[:1] in _QUOTES and is_secret_name(name, self.field) else self.found
        return rule.broken(self.field, f"{found} in variable {quoted(name)}", self.allowed, reason=self.reason)


def compiled(schema: Document) -> VariableSchema:
    """Return the compiled form of an `openAPIV3Schema`; the same one for the same schema.

    Raises:
        ValueError: it is no schema that values could be compared with.
    """
    return _compiled(codec.encode(schema))


def compiled_of(schema: JSONSchemaProps) -> VariableSchema:
    """Return the compiled form of a schema that has been read; the same one for the same schema, at little cost.

    Raises:
        ValueError: it is no schema that values could be compared with.
    """
    return _compiled_of(schema.model_dump_json(by_alias=True))  # much cheaper than `wire`, and as good a key


@lru_cache(maxsize=_KEPT)
def _compiled_of(data: str) -> VariableSchema:
    return compiled(JSONSchemaProps.model_validate_json(data, by_alias=True, by_name=False).wire())


@lru_cache(maxsize=_KEPT)
def _compiled(data: bytes) -> VariableSchema:
    return VariableSchema(codec.decode(data))


class VariableSchema:
    """Knows what a variable's value may be. All methods leave values alone and share with them what stays the same.

    Raises:
        ValueError: it is no schema that values could be compared with.
    """

    __slots__ = ("_defaulter", "_pruner", "_rules", "_validator", "schema")

    def __init__(self, schema: Document) -> None:
        self.schema = in_dialect(schema)
        around = _around(self.schema)
        self._defaulter = compile_defaulter(around, None)
        self._validator = Validator(around)
        self._pruner = compile_pruner(around, None)
        self._rules = compile_rules(_around(_as_resource(self.schema)))

    @property
    def allowed(self) -> str:
        """What a value may be, in words."""
        return self._allowed(())

    def default(self, value: Any = ABSENT) -> Any:
        """Return the value with its defaults; `ABSENT` when there is none and the schema has none either.

        Null counts as absent where there is a default, and stays where there is none: there it is a mistake that `validate` tells of.
        """
        around = {} if value is ABSENT else {_VALUE: value}
        filled = self._defaulter(around) if self._defaulter else around
        return _with_nulls(around, filled).get(_VALUE, ABSENT)

    def validate(self, value: Any, field: str, old: Any = ABSENT) -> list[Misfit]:
        """Return everything that is wrong with a value that stands at `field`. `old`, what stood there before, is for rules about changes.

        Raises:
            ValueError: the value nests too deeply to be looked at.
        """
        around = {_VALUE: value}
        broken = self._validator.broken(around)
        found = [self._misfit(at, cause, value, field) for at, cause in broken]
        reasons = {cause.reason for _, cause in broken}
        if causes.TYPE_INVALID not in reasons:  # of what has another type nobody can tell which fields it may have
            unknown: list[Path] = []
            self._pruner(around, unknown)
            found += (self._unknown(at[1:], field) for at in unknown)
        if self._rules is not None and not reasons & _BLOCKING:
            told = self._rules.check(around, None if old is ABSENT else {_VALUE: old})
            found += (_broken_rule(cause, field) for cause in told)
        return list(dict.fromkeys(found))

    def _misfit(self, at: Path, cause: Cause, value: Any, field: str) -> Misfit:
        place = at[1:]
        if cause.reason == causes.REQUIRED:
            missing = cause.field.removeprefix(causes.render(at)).lstrip(".")
            return Misfit(_joined(field, (*place, missing)), "nothing", self._allowed((*place, missing)), REQUIRED)
        reason = NOT_SUPPORTED if cause.reason == causes.NOT_SUPPORTED else INVALID
        return Misfit(_joined(field, place), shown(_at(value, place)), self._allowed(place), reason)

    def _allowed(self, place: Path) -> str:
        return allowed_at(self.schema, place)

    def _unknown(self, place: Path, field: str) -> Misfit:
        names = fields_at(self.schema, place[:-1])
        known = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
        return Misfit(_joined(field, place), "a field that the schema does not have", known or "no field")


def in_dialect(schema: Document) -> Document:
    """Return a schema with the keywords of the dialect only.

    Raises:
        ValueError: it is too deep, or a keyword has a value of another kind.
    """
    if _is_deep(schema):
        raise ValueError(f"found more than {_DEEPEST} levels, allowed are fewer")
    if malformed := next(check_shape(schema, ()), None):
        raise ValueError(f"{malformed.field}: {malformed.message}")
    return _spoken(without_nulls(schema))


def _around(schema: Document) -> Document:
    return {"type": "object", "properties": {_VALUE: schema}}


def _as_resource(schema: Document) -> Document:
    """Return the schema for rules: those of an object may use the fields that every resource has, such as `self.metadata`."""
    return schema | {"x-kubernetes-embedded-resource": True} if schema.get("type") == "object" and "properties" in schema else schema


def _broken_rule(cause: Cause, field: str) -> Misfit:
    """Return what a rule in CEL says; the sentence is that of the API server, and holds what was found."""
    told = cause.message.partition(": ")[2]
    shown = _SCALAR.match(told)
    found = _cut(shown[1]) if shown else "a value that breaks a rule of the class"
    detail = told[shown.end() :] if shown else told
    rule = detail.removeprefix(_UNTOLD)
    allowed = f"what the class demands: {detail or 'another value'}" if rule == detail else f"a value for which {rule} is true"
    return Misfit(field + cause.field.removeprefix(_VALUE), found, allowed, cause.reason)


def _cut(shown: str) -> str:
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"


def _joined(field: str, place: Path) -> str:
    return field + causes.render((_VALUE, *place)).removeprefix(_VALUE)


def _at(value: Any, place: Path) -> Any:
    for step in place:
        value = value[step]
    return value


def _is_deep(schema: Document) -> bool:
    level: list[Any] = [schema]
    for _ in range(_DEEPEST):
        level = [
            below for value in level for below in (value.values() if isinstance(value, dict) else value if isinstance(value, list) else ())
        ]
        if not level:
            return False
    return True


def _spoken(schema: Mapping[str, Any]) -> Document:
    """Return a schema with the keywords of the dialect only."""
    result = {name: value for name, value in schema.items() if name in _KEYWORDS}
    for name in ("items", "not", "additionalProperties"):
        if isinstance(result.get(name), Mapping):
            result[name] = _spoken(result[name])
    for name in ("allOf", "anyOf", "oneOf"):
        if name in result:
            result[name] = [_spoken(child) for child in result[name]]
    if "properties" in result:
        result["properties"] = {name: _spoken(child) for name, child in result["properties"].items()}
    return result


def _with_nulls(before: Any, after: Any) -> Any:
    """Put back the nulls that a defaulter dropped because nothing takes their place. Unchanged parts, which are shared, are not visited."""
    if before is after:
        return after
    if type(before) is dict and type(after) is dict:
        return after | {name: _with_nulls(child, after.get(name)) for name, child in before.items()}
    if type(before) is list and type(after) is list:
        return [_with_nulls(old, new) for old, new in zip(before, after, strict=True)]
    return after
