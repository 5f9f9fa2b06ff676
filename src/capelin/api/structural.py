"""Structural schemas, compiled from the types.

A structural schema is a small dialect of OpenAPI: no references, no null, no unions but number-or-string. The compiler walks the types
itself; what the schema library generates would need more rewriting than this takes. Descriptions come from the docstrings in the source.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from capelin.api.markers import Required, Shape, merged
from capelin.api.meta import Model, ObjectMeta, wire_name

Schema = dict[str, Any]

_SCALARS: dict[object, Schema] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    datetime: {"type": "string", "format": "date-time"},
    Any: {},
}


def schema(model: type[Model]) -> Schema:
    """Return the structural schema of an object, with everything in it spelled out."""
    fields = model.model_fields
    texts = _field_docstrings(model)
    properties = {wire_field(name, field): _property(field, texts.get(name, "")) for name, field in fields.items()}
    required = sorted(wire_field(name, field) for name, field in fields.items() if is_required(field))
    shape = getattr(model, "shape", Shape())
    return {
        "type": "object",
        "description": " ".join((model.__doc__ or "").split()),
        **({"properties": dict(sorted(properties.items()))} if properties else {}),
        **({"required": required} if required else {}),
        **shape.keywords,
    }


def wire_field(name: str, field: FieldInfo) -> str:
    """Return the name of an attribute on the wire."""
    return field.alias or wire_name(name)


def is_required(field: FieldInfo) -> bool:
    """Tell whether the API server insists on the field."""
    return field.is_required() or any(isinstance(marker, Required) for marker in field.metadata)


def _property(field: FieldInfo, text: str) -> Schema:
    if field.annotation is ObjectMeta:
        return {"type": "object"}  # the API server knows what metadata looks like, and refuses a CRD that says more about it
    return {**_of_type(field.annotation), **merged(field.metadata), "description": text}


def _of_type(annotation: Any) -> Schema:
    if isinstance(annotation, type) and issubclass(annotation, Model):
        return schema(annotation)
    arguments = get_args(annotation)
    match get_origin(annotation):
        case None if annotation in _SCALARS:
            return dict(_SCALARS[annotation])
        case origin if origin is Annotated:
            return {**_of_type(arguments[0]), **merged(arguments[1:])}
        case origin if origin is Literal:
            return {"type": "string", "enum": list(arguments)}
        case origin if origin is list:
            return {"type": "array", "items": _of_type(arguments[0])}
        case origin if origin is dict:
            return {"type": "object", "additionalProperties": _of_type(arguments[1])}
        case origin if origin in (Union, UnionType):
            return _of_union(arguments)
    raise TypeError(f"no structural schema for {annotation!r}")


def _of_union(members: Iterable[Any]) -> Schema:
    """What is optional is as its type; number-or-string gets all it needs from its marker."""
    kinds = [member for member in members if member is not NoneType]
    if len(kinds) == 1:
        return _of_type(kinds[0])
    if set(kinds) == {int, str}:
        return {}
    raise TypeError(f"no structural schema for a union of {kinds!r}")


def _field_docstrings(model: type[Model]) -> dict[str, str]:
    """Return the text under each attribute, inherited ones included."""
    found: dict[str, str] = {}
    for ancestor in reversed(model.__mro__):
        if issubclass(ancestor, Model):
            found.update(_docstrings_in(ancestor.__module__).get(ancestor.__name__, {}))
    return found


@cache
def _docstrings_in(module: str) -> dict[str, dict[str, str]]:
    """Return the docstrings of attributes by class and attribute; the source is parsed once."""
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {node.name: _attribute_docstrings(node) for node in tree.body if isinstance(node, ast.ClassDef)}


def _attribute_docstrings(node: ast.ClassDef) -> dict[str, str]:
    found = {}
    for statement, following in zip(node.body, node.body[1:], strict=False):
        match statement, following:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = " ".join(text.split())
    return found
