"""Sets of fields, in the form in which objects carry them: FieldsV1.

A set is the JSON object of `metadata.managedFields[].fieldsV1` itself: keys are path elements (`f:name`, `k:{"key":"value"}`, `v:value`,
`i:index`), a value holds the set below. An element is a member when its value is empty or has the key `.`; otherwise it only leads to
members. Sets are immutable; results share their parts.

    {"f:spec": {"f:replicas": {}}}              .spec.replicas
    {"f:metadata": {"f:labels": {".": {}, "f:a": {}}}}   .metadata.labels and .metadata.labels.a
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from capelin.runtime import codec
from capelin.runtime.documents.causes import show

Fields = dict[str, Any]
Path = tuple[str, ...]
"""Path elements from the root to a field."""

SELF = "."
LEAF: Fields = {}


def field_element(name: str) -> str:
    """Return the element of a field or of a map's key."""
    return f"f:{name}"


def key_element(keys: Mapping[str, Any]) -> str:
    """Return the element of the list item that has these keys."""
    return f"k:{codec.canonical(keys).decode()}"


def value_element(value: Any) -> str:
    """Return the element of an item of a set."""
    return f"v:{codec.canonical(value).decode()}"


def is_member(node: Fields) -> bool:
    """Tell whether an element with `node` below it is itself in the set."""
    return not node or SELF in node


def as_member(node: Fields | None) -> Fields:
    """Return `node` with its element in the set; None stands for nothing below."""
    if not node or SELF in node:
        return node or LEAF
    return {SELF: LEAF, **node}


def _below(node: Fields) -> Fields:
    """Return the set below an element, without the mark that the element itself is a member."""
    return {element: below for element, below in node.items() if element != SELF} if SELF in node else node


def union(one: Fields, other: Fields) -> Fields:
    """Return what is in either set."""
    if not one or one is other:
        return other
    result = dict(one)
    for element, node in other.items():
        mine = result.get(element)
        result[element] = node if mine is None else _joined(mine, node)
    return result


def _joined(one: Fields, other: Fields) -> Fields:
    if one is other:
        return one
    if not one or not other:
        return as_member(one or other)
    return union(one, other)


def difference(one: Fields, other: Fields) -> Fields:
    """Return what is in `one` and not in `other`; members below a member of `other` stay."""
    if not other:
        return one
    result: Fields = {}
    for element, node in one.items():
        theirs = other.get(element)
        if theirs is None:
            result[element] = node
            continue
        below = difference(_below(node), _below(theirs))
        if is_member(node) and not is_member(theirs):
            result[element] = as_member(below)
        elif below:
            result[element] = below
    return result


def without(one: Fields, other: Fields) -> Fields:
    """Return what is in `one` and neither in `other` nor below one of its members."""
    if not other:
        return one
    result: Fields = {}
    for element, node in one.items():
        theirs = other.get(element)
        if theirs is None:
            result[element] = node
        elif not is_member(theirs):
            below = without(_below(node), theirs)
            if below or is_member(node):
                result[element] = as_member(below) if is_member(node) else below
    return result


def intersection(one: Fields, other: Fields) -> Fields:
    """Return what is in both sets."""
    result: Fields = {}
    for element, node in one.items():
        theirs = other.get(element)
        if theirs is None:
            continue
        below = intersection(_below(node), _below(theirs)) if node and theirs else LEAF
        if is_member(node) and is_member(theirs):
            result[element] = as_member(below)
        elif below:
            result[element] = below
    return result


def paths(fields: Fields) -> Iterator[Path]:
    """Yield the members, those of a level before those below it."""
    elements = sorted(element for element in fields if element != SELF)
    yield from ((element,) for element in elements if is_member(fields[element]))
    for element in elements:
        for path in paths(fields[element]):
            yield element, *path


def ordered(fields: Fields) -> Fields:
    """Return the set with its elements in the order in which they are written."""
    return {element: ordered(fields[element]) if fields[element] else LEAF for element in sorted(fields)}


def shown(path: Path) -> str:
    """Return a path as conflicts name it, such as `.spec.taints[key="a"].value`."""
    return "".join(map(_shown_element, path))


def _shown_element(element: str) -> str:
    kind, _, text = element.partition(":")
    match kind:
        case "f":
            return f".{text}"
        case "k":
            return "[" + ",".join(f"{name}={show(value)}" for name, value in codec.decode(text).items()) + "]"
        case "v":
            return f"[={show(codec.decode(text))}]"
    return f"[{text}]"


def normalized(fields: Any) -> Fields:
    """Return a set that a client wrote, with its elements in our spelling; elements of unknown kinds are dropped.

    Raises:
        ValueError: it is not a set of fields.
    """
    if not isinstance(fields, dict):
        raise ValueError(f"a set of fields is an object, found {type(fields).__name__}")
    result: Fields = {}
    for element, below in fields.items():
        if element == SELF:
            result[SELF] = LEAF
        elif spelled := _spelled(element):
            result[spelled] = normalized(below)
    return LEAF if result.keys() == {SELF} else result


def _spelled(element: str) -> str | None:
    kind, colon, text = element.partition(":")
    if not colon or len(kind) != 1:
        raise ValueError(f"{element!r} is not a path element")
    match kind:
        case "f":
            return element
        case "k":
            return key_element(codec.decode_document(text))
        case "v":
            return value_element(codec.decode(text))
        case "i":
            return f"i:{int(text)}"
    return None
