"""JSON Patch, RFC 6902, with two liberties that kube-apiserver takes and clients rely on.

`replace` of a field that an object does not have adds it, and `test` for null holds where there is no such field.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from capelin.runtime.documents.causes import quote, show
from capelin.runtime.documents.documents import copied, identical
from capelin.runtime.errors import BadRequest, Cause, Invalid, TooLarge

OPERATIONS_LIMIT: Final = 10_000
"""Operations in one patch, as kube-apiserver allows."""

Tokens = tuple[str, ...]


class _Inapplicable(ValueError):
    """An operation does not apply to the document; the message says why."""


def json_patch(document: Any, patch: Any) -> Any:
    """Return the document after all operations of `patch`; the document itself is left alone.

    Raises:
        BadRequest: the patch is malformed.
        TooLarge: it has too many operations.
        Invalid: an operation does not apply; the message names the operation and its path.
    """
    if not isinstance(patch, list):
        raise BadRequest("error decoding patch: a JSON patch is a list of operations")
    if len(patch) > OPERATIONS_LIMIT:
        raise TooLarge(f"The allowed maximum operations in a JSON patch is {OPERATIONS_LIMIT}, got {len(patch)}")
    for index, operation in enumerate(patch):
        name, path = _named(operation, index)
        try:
            document = _OPERATIONS[name](document, path, operation)
        except _Inapplicable as error:
            sentence = f"operation {index} ({name} {quote(operation['path'])}) does not apply: {error}"
            raise Invalid(
                f"the server rejected our request due to an error in our request: {sentence}",
                causes=[Cause(operation["path"], sentence, "UnexpectedServerResponse")],
            ) from error
    return document


def _named(operation: Any, index: int) -> tuple[str, Tokens]:
    if not isinstance(operation, dict) or not isinstance(operation.get("op"), str):
        raise BadRequest(f"error decoding patch: operation {index} has no op")
    name = operation["op"]
    if name not in _OPERATIONS:
        raise Invalid(f"error decoding patch: operation {index}: unexpected kind of operation {quote(name)}")
    for member, needed in (("path", True), ("from", name in ("move", "copy"))):
        if needed and not isinstance(operation.get(member), str):
            raise BadRequest(f"error decoding patch: operation {index} ({name}) has no {member}")
    if name in ("add", "replace", "test") and "value" not in operation:
        raise BadRequest(f"error decoding patch: operation {index} ({name}) has no value")
    return name, _tokens(operation["path"])


def _tokens(pointer: str) -> Tokens:
    if not pointer:
        return ()
    if not pointer.startswith("/"):
        raise BadRequest(f"error decoding patch: path {quote(pointer)} does not start with /")
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in pointer[1:].split("/"))


def _pointer(tokens: Sequence[str]) -> str:
    return "".join("/" + token.replace("~", "~0").replace("/", "~1") for token in tokens)


def _index(values: list[Any], token: str, *, end: int) -> int:
    """Return the index that a token names, up to `end` inclusive."""
    if not token.isdecimal() or (len(token) > 1 and token[0] == "0"):
        raise _Inapplicable(f"{quote(token)} is not an index of a list")
    if int(token) > end:
        raise _Inapplicable(f"index {token} is out of range of a list with {len(values)} items")
    return int(token)


def _get(document: Any, tokens: Tokens) -> Any:
    for depth, token in enumerate(tokens):
        if isinstance(document, dict) and token in document:
            document = document[token]
        elif isinstance(document, list):
            document = document[_index(document, token, end=len(document) - 1)]
        else:
            raise _Inapplicable(f"there is nothing at {_pointer(tokens[: depth + 1])}")
    return document


def _changed(document: Any, tokens: Tokens, change: Callable[[Any, str], Any], depth: int = 0) -> Any:
    """Return the document with the container at all but the last token replaced by what `change` makes of it."""
    token = tokens[depth]
    if depth == len(tokens) - 1:
        if not isinstance(document, dict | list):
            raise _Inapplicable(f"there is no object or list at {_pointer(tokens[:depth]) or 'the root'}")
        return change(document, token)
    below = _changed(_get(document, (token,)) if _has(document, token) else _missing(tokens, depth), tokens, change, depth + 1)
    if isinstance(document, dict):
        return {**document, token: below}
    at = int(token)
    return [*document[:at], below, *document[at + 1 :]]


def _has(document: Any, token: str) -> bool:
    return isinstance(document, list) or (isinstance(document, dict) and token in document)


def _missing(tokens: Tokens, depth: int) -> Any:
    raise _Inapplicable(f"there is nothing at {_pointer(tokens[: depth + 1])}")


def _put(document: Any, path: Tokens, value: Any) -> Any:
    def change(container: Any, token: str) -> Any:
        if isinstance(container, dict):
            return {**container, token: value}
        at = len(container) if token == "-" else _index(container, token, end=len(container))  # noqa: S105 - RFC 6901's end of a list
        return [*container[:at], value, *container[at:]]

    return _changed(document, path, change) if path else value


def _dropped(document: Any, path: Tokens) -> Any:
    def change(container: Any, token: str) -> Any:
        if isinstance(container, dict):
            if token not in container:
                raise _Inapplicable(f"there is nothing at {_pointer(path)}")
            return {name: value for name, value in container.items() if name != token}
        at = _index(container, token, end=len(container) - 1)
        return [*container[:at], *container[at + 1 :]]

    if not path:
        raise _Inapplicable("the whole document cannot be removed")
    return _changed(document, path, change)


def _replace(document: Any, path: Tokens, operation: dict[str, Any]) -> Any:
    def change(container: Any, token: str) -> Any:
        if isinstance(container, dict):
            return {**container, token: operation["value"]}
        at = _index(container, token, end=len(container) - 1)
        return [*container[:at], operation["value"], *container[at + 1 :]]

    return _changed(document, path, change) if path else operation["value"]


def _test(document: Any, path: Tokens, operation: dict[str, Any]) -> Any:
    around = _get(document, path[:-1])
    if operation["value"] is None and isinstance(around, dict) and path[-1:] and path[-1] not in around:
        return document
    found = _get(document, path)
    if not identical(found, operation["value"]):
        raise _Inapplicable(f"test failed: the value is {show(found)}, not {show(operation['value'])}")
    return document


def _move(document: Any, path: Tokens, operation: dict[str, Any]) -> Any:
    source = _tokens(operation["from"])
    if path[: len(source)] == source and len(path) > len(source):
        raise _Inapplicable(f"{quote(operation['from'])} cannot be moved into itself")
    value = _get(document, source)
    return _put(_dropped(document, source), path, value)


_OPERATIONS: dict[str, Callable[[Any, Tokens, dict[str, Any]], Any]] = {
    "add": lambda document, path, operation: _put(document, path, operation["value"]),
    "remove": lambda document, path, _: _dropped(document, path),
    "replace": _replace,
    "move": _move,
    "copy": lambda document, path, operation: _put(document, path, copied(_get(document, _tokens(operation["from"])))),
    "test": _test,
}
