"""Strategic merge patch, for built-in kinds.

A merge patch that knows from the schema (`x-kubernetes-patch-strategy`, `x-kubernetes-patch-merge-key`) which lists are merged item by
item, and that has directives: `$patch` (replace, delete, merge), `$retainKeys`, `$setElementOrder/<list>`,
`$deleteFromPrimitiveList/<list>`.
https://github.com/kubernetes/community/blob/master/contributors/devel/sig-api-machinery/strategic-merge-patch.md
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Final

from capelin.runtime import codec
from capelin.runtime.codec import Document
from capelin.runtime.documents.causes import quote
from capelin.runtime.documents.objectmeta import OBJECT_META
from capelin.runtime.errors import BadRequest

Schema = Mapping[str, Any]

_PATCH: Final = "$patch"
_RETAIN: Final = "$retainKeys"
_ORDER: Final = "$setElementOrder/"
_DELETE: Final = "$deleteFromPrimitiveList/"
_NO_SCHEMA: Final[Schema] = {}


def strategic_merge_patch(document: Document, patch: Document, openapi: Schema) -> Document:
    """Return the document after the patch; `openapi` is the structural schema of the kind.

    Raises:
        BadRequest: a directive is unknown or malformed, or a list item lacks its merge key.
    """
    properties = {**(openapi.get("properties") or {}), "metadata": OBJECT_META}
    return _merge_maps(document, patch, {**openapi, "properties": properties})


def _merge_maps(document: Mapping[str, Any], patch: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
    match patch.get(_PATCH, "merge"):
        case "replace":
            return {name: value for name, value in patch.items() if name != _PATCH}
        case "delete":
            return {}
        case "merge":
            pass
        case unknown:
            raise BadRequest(f"Unknown patch type found: {unknown}")
    result = _retained(document, patch)
    for name, value in patch.items():
        if name in (_PATCH, _RETAIN) or name.startswith((_ORDER, _DELETE)):
            continue
        if value is None:
            result.pop(name, None)
        else:
            result[name] = _merged(result.get(name), value, _field(schema, name), patch.get(_ORDER + name))
    return _with_list_directives(result, patch, schema)


def _merged(before: Any, value: Any, schema: Schema, order: Any) -> Any:
    if isinstance(value, dict):
        known = before if isinstance(before, dict) and "replace" not in _strategy(schema) else {}
        return _merge_maps(known, value, schema)
    if isinstance(value, list):
        if "merge" not in _strategy(schema):
            return [_plain(item) for item in value]
        known_items = before if isinstance(before, list) else []
        return _merge_lists(known_items, value, schema, order)
    return value


def _retained(document: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document with only the keys that `$retainKeys` names, if it names any."""
    if _RETAIN not in patch:
        return dict(document)
    retained = patch[_RETAIN]
    if not isinstance(retained, list):
        raise BadRequest("invalid patch format of retainKeys: a list of names is needed")
    if strangers := [name for name, value in patch.items() if not name.startswith("$") and value is not None and name not in retained]:
        raise BadRequest(f"the $retainKeys list does not name {', '.join(map(quote, strangers))}, which the patch sets")
    return {name: value for name, value in document.items() if name in retained}


def _with_list_directives(result: dict[str, Any], patch: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
    """Apply what the patch says of lists beside the lists themselves."""
    for directive, values in patch.items():
        if directive.startswith(_DELETE):
            name = directive.removeprefix(_DELETE)
            gone = {_identity(value) for value in _list(values, directive)}
            if isinstance(result.get(name), list):
                result[name] = [item for item in result[name] if _identity(item) not in gone]
        elif directive.startswith(_ORDER):
            name = directive.removeprefix(_ORDER)
            if name not in patch and isinstance(result.get(name), list):
                result[name] = _ordered(result[name], result[name], _list(values, directive), _merge_key(_field(schema, name)))
    return result


def _list(values: Any, directive: str) -> list[Any]:
    if not isinstance(values, list):
        raise BadRequest(f"invalid patch format of {directive}: a list is needed")
    return values


def _merge_lists(before: Sequence[Any], patch: Sequence[Any], schema: Schema, order: Any) -> list[Any]:
    key = _merge_key(schema)
    if key is None:
        merged = list({_identity(item): item for item in (*before, *patch)}.values())
        return _ordered(merged, before, patch if order is None else _list(order, _ORDER), None)
    items, deleted, replaced = _sorted_out(patch, key)
    if replaced:
        return [_plain(item) for item in items]
    by_key = {_key(item, key): item for item in before if _key(item, key) not in deleted}
    below = schema.get("items") or _NO_SCHEMA
    for item in items:
        by_key[_key(item, key)] = _merge_maps(by_key.get(_key(item, key), {}), item, below)
    return _ordered(list(by_key.values()), before, items if order is None else _list(order, _ORDER), key)


def _sorted_out(patch: Sequence[Any], key: str) -> tuple[list[dict[str, Any]], set[Hashable], bool]:
    """Return the items to merge, the keys of those to delete, and whether the list is to be replaced."""
    items: list[dict[str, Any]] = []
    deleted: set[Hashable] = set()
    replaced = False
    for item in patch:
        if not isinstance(item, dict):
            raise BadRequest(f"an item of a list merged by {quote(key)} must be an object")
        match item.get(_PATCH):
            case "delete":
                deleted.add(_key(item, key))
            case "replace" if len(item) == 1:
                replaced = True
            case None | "merge" | "replace":
                items.append(item)
            case unknown:
                raise BadRequest(f"Unknown patch type found: {unknown}")
    return items, deleted, replaced


def _ordered(merged: list[Any], before: Sequence[Any], order: Sequence[Any], key: str | None) -> list[Any]:
    """Return the items with those that `order` names in its order, and the others where they stood relative to those."""
    wanted = {_key(item, key): at for at, item in enumerate(order)}
    stood = {_key(item, key): at for at, item in enumerate(before)}
    named = sorted((item for item in merged if _key(item, key) in wanted), key=lambda item: wanted[_key(item, key)])
    others = [item for item in merged if _key(item, key) not in wanted]
    result: list[Any] = []
    while named and others:
        mine, theirs = stood.get(_key(others[0], key)), stood.get(_key(named[0], key))
        first = others if mine is not None and theirs is not None and mine < theirs else named
        result.append(first.pop(0))
    return [*result, *named, *others]


def _key(item: Any, key: str | None) -> Hashable:
    if key is None:
        return _identity(item)
    if not isinstance(item, dict) or key not in item:
        raise BadRequest(f"an item of the list does not contain its merge key {quote(key)}")
    return _identity(item[key])


def _identity(value: Any) -> Hashable:
    return codec.canonical(value)


def _plain(value: Any) -> Any:
    """Return a value of a patch without directives and without the nulls that would delete."""
    if isinstance(value, dict):
        return _merge_maps({}, value, _NO_SCHEMA)
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _field(schema: Schema, name: str) -> Schema:
    below = (schema.get("properties") or _NO_SCHEMA).get(name, schema.get("additionalProperties"))
    return below if isinstance(below, Mapping) else _NO_SCHEMA


def _strategy(schema: Schema) -> list[str]:
    return str(schema.get("x-kubernetes-patch-strategy") or "").split(",")


def _merge_key(schema: Schema) -> str | None:
    return schema.get("x-kubernetes-patch-merge-key")
