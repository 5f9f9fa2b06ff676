"""Request bodies: from the bytes of a media type to a document, and the field names that were spelled twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from capelin.apiserver.surface import protobuf
from capelin.runtime import codec, errors
from capelin.runtime.codec import Document
from capelin.runtime.documents import strictjson
from capelin.runtime.documents.documents import is_deeper
from capelin.runtime.documents.yamlrules import Loader, NotPlain, check_plain
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
    if is_deeper(value, DEPTH_LIMIT):
        raise errors.BadRequest(f"the request body is nested more than {DEPTH_LIMIT} levels deep")
    return Body(strictjson.settled(data, value), strictjson.duplicates(data, value) if strict else ())


def read_yaml(data: bytes) -> Body:
    """Return the YAML value, by the rules kubectl reads manifests by; see `read`."""
    duplicates: list[str] = []
    try:
        check_plain(data, DEPTH_LIMIT)
        loader = Loader(data)
        loader.duplicates = duplicates
        value = loader.get_single_data()
    except NotPlain as error:
        raise errors.BadRequest(f"the YAML in the request body is not accepted: {error}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise errors.BadRequest(f"the YAML in the request body is malformed: {error}") from error
    return Body(value, tuple(duplicates))


def _read_protobuf(data: bytes) -> Body:
    try:
        return Body(protobuf.decode(data))
    except codec.DecodeError as error:
        raise errors.BadRequest(f"the protobuf in the request body cannot be read: {error}") from error
