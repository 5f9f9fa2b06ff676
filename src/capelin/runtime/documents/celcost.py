"""Rules whose evaluation could cost too much are refused before they are ever evaluated.

kube-apiserver estimates what a rule of a CustomResourceDefinition costs at most, multiplies that by how often the part of the object that
it stands for can occur, and refuses what is over a limit; Cluster API does the same with the variables of a ClusterClass. The sentences
are those of k8s.io/apiextensions-apiserver, to the letter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from cel_expr_python import cel

from capelin.runtime.documents import causes
from capelin.runtime.documents.causes import Key, Path
from capelin.runtime.documents.cel import Rule
from capelin.runtime.documents.celast import Fold, Node, read
from capelin.runtime.documents.celestimate import estimate
from capelin.runtime.documents.celsizes import Kind, capped, fitting, kind_of, optional_of, repetitions
from capelin.runtime.documents.celtypes import Schema, times
from capelin.runtime.errors import Cause

RULE_LIMIT: Final = 10_000_000
"""The most that one rule may cost over all places of an object where it applies."""

TOTAL_LIMIT: Final = 100_000_000
"""The most that all rules of a schema may cost together."""

_NAMED: Final = 4  # of the dearest rules, when all of them together are too dear
_WORTH_NAMING: Final = TOTAL_LIMIT // 100


@dataclass(frozen=True, slots=True)
class Place:
    """A part of a schema that has rules; `around` are the schemas it stands in, outermost first, with their paths."""

    path: Path
    schema: Schema
    around: tuple[tuple[Path, Schema], ...]
    resource: bool

    @property
    def rules(self) -> Sequence[Schema]:
        """Return the rules as the schema states them."""
        found: Sequence[Schema] = self.schema["x-kubernetes-validations"]
        return found

    def occurrences(self, kind: Kind) -> int:
        """Return how often the part can occur by the limits around it; where one is missing, how many of the kind fit into a request."""
        most = 1
        for _, schema in self.around:
            each = repetitions(schema)
            if each is None:
                return fitting(kind)
            most = capped(most * each)
        return most


def places(schema: Schema, path: Path, *, resource: bool = False, around: tuple[tuple[Path, Schema], ...] = ()) -> Iterator[Place]:
    """Yield the parts of a schema that have rules; `resource` says that the schema is of a whole resource."""
    if schema.get("x-kubernetes-validations"):
        yield Place(path, schema, around, resource or bool(schema.get("x-kubernetes-embedded-resource")))
    around = (*around, (path, schema))
    for name, child in (schema.get("properties") or {}).items():
        yield from places(child, (*path, "properties", Key(name)), around=around)
    for name in ("additionalProperties", "items"):
        if isinstance(schema.get(name), Mapping):
            yield from places(schema[name], (*path, name), around=around)


@dataclass(slots=True)
class Budget:
    """What the rules of one schema cost so far."""

    total: int = 0
    dearest: list[tuple[int, Path]] = field(default_factory=list)

    def charge(self, rule: Rule, index: int, place: Place) -> list[Cause]:
        """Add what a rule costs that was compiled for the place, where it is the one of that number; return why it is too much."""
        kind = kind_of(place.schema, resource=place.resource)
        if kind is None:
            return []  # the real server shows such values to no rule
        path = (*place.path, "x-kubernetes-validations", index)
        old = optional_of(kind) if rule.optional_old else kind
        converted = times(place.schema)
        cost = estimate(_tree(rule, rule.expression, converted), kind, old)
        found = self._add("estimated rule cost", capped(cost * place.occurrences(kind)), (*path, "rule"))
        if rule.message_expression is not None:
            cost = estimate(_tree(rule, rule.message_expression, converted), kind, old)
            found += self._add("estimated messageExpression cost", cost, (*path, "messageExpression"))
        return found

    def _add(self, name: str, cost: int, path: Path) -> list[Cause]:
        self.total = capped(self.total + cost)
        if cost >= _WORTH_NAMING:
            self.dearest = sorted([*self.dearest, (cost, path)], key=lambda entry: -entry[0])[:_NAMED]
        return [causes.forbidden(path, _too_dear(name, cost, RULE_LIMIT))] if cost > RULE_LIMIT else []

    def overrun(self, path: Path) -> Iterator[Cause]:
        """Yield why all rules together are too much for the schema at `path`."""
        if self.total <= TOTAL_LIMIT:
            return
        for _, place in self.dearest:
            yield causes.forbidden(place, "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema")
        name = "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema"
        yield causes.forbidden(path, _too_dear(name, self.total, TOTAL_LIMIT))


def _tree(rule: Rule, expression: cel.Expression, converted: Mapping[str, str]) -> Node:
    tree = read(expression.serialize(), converted)
    # A rule with an optional old value is compiled inside a binding that makes it; the author's expression is the result of that.
    return tree.result if rule.optional_old and isinstance(tree, Fold) else tree


def _too_dear(name: str, cost: int, limit: int) -> str:
    factor = cost / limit
    exact = f"{factor:f}x" if factor < 1.5 else f"{factor:.1f}x"
    shown = "more than 100x" if factor > 100 else exact
    advice = "try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared"
    return f"{name} exceeds budget by factor of {shown} ({advice})"
