"""Request bodies: from the bytes of a media type to a document, and the field names that were spelled twice."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any

import yaml

from capelin.apiserver.surface import protobuf
from capelin.runtime import codec, errors
from capelin.runtime.codec import Document
from capelin.runtime.documents import strictjson
from capelin.runtime.transport import Request

JSON = "application/json"
YAML = "application/yaml"
PROTOBUF = "application/vnd.kubernetes.protobuf"

BODY_LIMIT = 3 * 1024 * 1024  # as kube-apiserver's
DEPTH_LIMIT = 200  # far deeper than any schema; keeps recursive passes over a document away from the interpreter's limit


@dataclass(frozen=True, slots=True)
class Body:
    """A decoded body: `value` is an object (a list for a JSON patch); `duplicates` are the dotted paths that were set twice."""

    value: Any
    duplicates: tuple[str, ...] = ()

    @property
    def document(self) -> Document:
        """The body as an object.

        Raises:
            BadRequest: it is something else.
        """
        if not isinstance(self.value, dict):
            raise errors.BadRequest(f"expected an object in the request body, found {type(self.value).__name__}")
        return self.value


def media_type(request: Request) -> str:
    """Return the content type without parameters; JSON when there is none."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() or JSON


def check_size(request: Request) -> None:
    """Return when the body is of an acceptable size.

    Raises:
        TooLarge: it is not.
    """
    if len(request.body) > BODY_LIMIT:
        raise errors.TooLarge(f"Request entity too large: limit is {BODY_LIMIT}")


def read(request: Request, *, strict: bool = False) -> Body:
    """Return the body of a create, an update, a deletion or a subresource call; `strict` looks for duplicate fields.

    Raises:
        UnsupportedMedia: no such media type is accepted.
        BadRequest: the bytes are not of that media type.
    """
    media = media_type(request)
    if media == JSON:
        return read_json(request.body, strict=strict)
    if media == YAML:
        return read_yaml(request.body)
    if media == PROTOBUF:
        return _read_protobuf(request.body)
    raise errors.UnsupportedMedia(
        f"the body of the request was in an unknown format - accepted media types include: {JSON}, {YAML}, {PROTOBUF}"
    )


def read_json(data: bytes, *, strict: bool = False) -> Body:
    """Return the JSON value; see `read`."""
    try:
        value = codec.decode(data)
    except codec.DecodeError as error:
        raise errors.BadRequest(f"the object provided is unrecognized: {error}") from error
    _check_depth(data, value)
    return Body(strictjson.settled(data, value), strictjson.duplicates(data, value) if strict else ())


def read_yaml(data: bytes) -> Body:
    """Return the YAML value, by the rules kubectl reads manifests by; see `read`."""
    duplicates: list[str] = []
    try:
        _check_events(data)
        loader = _Loader(data)
        loader.duplicates = duplicates
        value = loader.get_single_data()
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise errors.BadRequest(f"the YAML in the request body is malformed: {error}") from error
    return Body(value, tuple(duplicates))


def _check_events(data: bytes) -> None:
    """Return when the YAML can be loaded: the loader calls itself for every level, in C, and would take the process along.

    Raises:
        BadRequest: it is too deep, or grows by aliases.
    """
    depth = 0
    for event in yaml.parse(data, yaml.CSafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise errors.BadRequest("the YAML in the request body uses aliases, which are not accepted")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEPTH_LIMIT:
            raise _too_deep()


def _read_protobuf(data: bytes) -> Body:
    try:
        return Body(protobuf.decode(data))
    except codec.DecodeError as error:
        raise errors.BadRequest(f"the protobuf in the request body cannot be read: {error}") from error


def _check_depth(data: bytes, value: Any) -> None:
    if data.count(b"{") + data.count(b"[") <= DEPTH_LIMIT:
        return  # nearly always: too few brackets to be deep
    level = [value]
    for _ in range(DEPTH_LIMIT):
        level = [child for node in level for child in _children(node)]
        if not level:
            return
    raise _too_deep()


def _too_deep() -> errors.BadRequest:
    return errors.BadRequest(f"the request body is nested more than {DEPTH_LIMIT} levels deep")


def _children(node: Any) -> Iterable[Any]:
    if isinstance(node, dict):
        return node.values()
    return node if isinstance(node, list) else ()


class _Loader(yaml.CSafeLoader):
    """YAML as Go's Kubernetes YAML reads it: YAML 1.1 words for booleans; dates and base-60 numbers stay strings."""

    duplicates: list[str]

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        self.duplicates.extend(sorted(key for key, count in seen.items() if count > 1))
        found = super().construct_mapping(node, deep=deep)
        return {str(key).lower() if isinstance(key, bool) else str(key): value for key, value in found.items()}


def _resolvers() -> dict[str, list[tuple[str, re.Pattern[str]]]]:
    words = r"^(?:y|Y|yes|Yes|YES|n|N|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$"
    rules = [
        ("bool", re.compile(words), "yYnNtTfFoO"),
        ("int", re.compile(r"^(?:[-+]?0b[0-1_]+|[-+]?0o?[0-7_]+|[-+]?0x[0-9a-fA-F_]+|[-+]?(?:0|[1-9][0-9_]*))$"), "-+0123456789"),
        ("float", re.compile(r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$"), "-+0123456789."),
        ("null", re.compile(r"^(?:~|null|Null|NULL|)$"), "~nN"),
        ("merge", re.compile(r"^<<$"), "<"),
    ]
    table: dict[str, list[tuple[str, re.Pattern[str]]]] = {}
    for tag, pattern, firsts in rules:
        for first in (*firsts, "") if tag == "null" else firsts:
            table.setdefault(first, []).append((f"tag:yaml.org,2002:{tag}", pattern))
    return table


def _construct_float(loader: _Loader, node: yaml.ScalarNode) -> float:
    found = float(loader.construct_yaml_float(node))
    if not math.isfinite(found):
        raise ValueError(f"{node.value} is a number that JSON does not have")
    return found


def _construct_bool(loader: _Loader, node: yaml.ScalarNode) -> bool:
    return str(loader.construct_scalar(node)).lower() in ("y", "yes", "true", "on")


def _construct_int(loader: _Loader, node: yaml.ScalarNode) -> int:
    text = str(loader.construct_scalar(node)).replace("_", "")
    sign, digits = (-1, text[1:]) if text.startswith("-") else (1, text.lstrip("+"))
    if len(digits) > 1 and digits[0] == "0" and digits[1].isdigit():
        return sign * int(digits, 8)
    return sign * int(digits, 0)


_JSON_TAGS = tuple(f"tag:yaml.org,2002:{name}" for name in ("null", "str", "seq", "map"))

_Loader.yaml_implicit_resolvers = _resolvers()
# What JSON does not have (sets, times, bytes) is refused as any unknown tag is; None stands for those.
_Loader.yaml_constructors = {tag: build for tag, build in _Loader.yaml_constructors.items() if tag is None or tag in _JSON_TAGS}
_Loader.add_constructor("tag:yaml.org,2002:float", _construct_float)
_Loader.add_constructor("tag:yaml.org,2002:bool", _construct_bool)
_Loader.add_constructor("tag:yaml.org,2002:int", _construct_int)
