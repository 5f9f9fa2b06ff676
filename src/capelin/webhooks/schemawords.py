"""What a schema allows at one place, in words: the second half of a refusal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from capelin.runtime.documents.causes import Path
from capelin.webhooks.rules.quoting import quoted

Schema = Mapping[str, Any]

_NOUNS: Final = {
    "string": "text",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
}
_COUNTED: Final = (
    ("minLength", "maxLength", "characters"),
    ("minItems", "maxItems", "entries"),
    ("minProperties", "maxProperties", "fields"),
)
_JUNCTORS: Final = ("allOf", "anyOf", "oneOf")
_SHOWN: Final = 10
"""Values of an enum that are told; further ones are counted."""
_DEEPEST: Final = 3
"""Levels of alternatives in alternatives that are told: nobody reads a sentence that holds more."""


def allowed_at(schema: Schema, path: Path) -> str:
    """Return what is allowed at a path of the values that a schema is for."""
    told = dict.fromkeys(words for node in _at(schema, path) if (words := described(node)))
    return " and ".join(told) or "what the schema has there"


def described(schema: Schema, depth: int = 0) -> str:
    """Return what a schema says of the value itself, not of what is in it; empty when it says nothing."""
    if "enum" in schema:
        return _listed(schema["enum"])
    noun = "an integer or text" if schema.get("x-kubernetes-int-or-string") else _NOUNS.get(schema.get("type") or "", "")
    words = [word for word in (_range(schema), *_counts(schema), *_form(schema)) if word]
    told = f"{noun} {', '.join(words)}".strip() if words else noun
    if depth >= _DEEPEST:
        return told
    return " and ".join(dict.fromkeys(part for part in (told, *_logic(schema, depth + 1)) if part))


def shown(value: Any) -> str:
    """Return a JSON value as a refusal shows it: of lists and objects only how large they are."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case list():
            return f"a list of {len(value)} entries" if len(value) != 1 else "a list of 1 entry"
        case dict():
            return f"an object with {len(value)} fields" if len(value) != 1 else "an object with 1 field"
    return quoted(value)


def fields_at(schema: Schema, path: Path) -> list[str]:
    """Return the names of the fields that an object at a path may have, sorted."""
    return sorted({name for node in _at(schema, path) for name in node.get("properties") or {}})


def _listed(values: list[Any]) -> str:
    told = [shown(value) for value in values[:_SHOWN]]
    if len(values) > _SHOWN:
        told.append(f"one of {len(values) - _SHOWN} more")
    return " or ".join(part for part in (", ".join(told[:-1]), told[-1]) if part) if told else "nothing at all"


def _range(schema: Schema) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = bool(schema.get("exclusiveMinimum")), bool(schema.get("exclusiveMaximum"))
    if low is not None and high is not None and not above and not below:
        return f"from {low} to {high}"
    bounds = [f"{'above' if above else 'of at least'} {low}"] if low is not None else []
    return " and ".join(bounds + ([f"{'below' if below else 'of at most'} {high}"] if high is not None else []))


def _counts(schema: Schema) -> Iterator[str]:
    for least, most, unit in _COUNTED:
        low, high = schema.get(least), schema.get(most)
        if low is not None and high is not None:
            yield f"of {low} to {high} {unit}"
        elif low is not None or high is not None:
            yield f"of at least {low} {unit}" if low is not None else f"of at most {high} {unit}"


def _form(schema: Schema) -> Iterator[str]:
    if schema.get("pattern"):
        yield f"in which {quoted(schema['pattern'])} is found"
    if schema.get("format"):
        yield f"in the format {schema['format']}"


def _logic(schema: Schema, depth: int) -> Iterator[str]:
    yield from (described(child, depth) for child in schema.get("allOf") or ())
    for keyword, beginning in (("anyOf", "either"), ("oneOf", "exactly one of")):
        if schema.get(keyword):
            told = dict.fromkeys(described(child, depth) or f"what {keyword}[{index}] has" for index, child in enumerate(schema[keyword]))
            yield f"{beginning} {' or '.join(told)}"
    if isinstance(schema.get("not"), Mapping):
        yield f"not {described(schema['not'], depth) or 'what the schema excludes'}"


def _at(schema: Schema, path: Path) -> list[Schema]:
    """Return what is stated of the values at a path: by the schema of the place, and within alternatives."""
    found = [schema]
    for step in path:
        found = [below for node in found for one in _stated(node) if isinstance(below := _below(one, step), Mapping)]
    return found


def _stated(schema: Schema) -> Iterator[Schema]:
    yield schema
    for keyword in _JUNCTORS:
        for child in schema.get(keyword) or ():
            yield from _stated(child)


def _below(schema: Schema, step: str | int) -> Any:
    if isinstance(step, int):
        return schema.get("items")
    return (schema.get("properties") or {}).get(step, schema.get("additionalProperties"))
