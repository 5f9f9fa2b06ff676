"""Answers: which form of an object or list the client accepts, and the bytes of that form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from capelin.apiserver.registry import ResourceDefinition, Version
from capelin.runtime import codec, errors
from capelin.runtime.codec import Document
from capelin.runtime.transport import Request, Response

_API_VERSION = b'{"apiVersion":"'
JSON_TYPE = {"content-type": "application/json"}


@dataclass(frozen=True, slots=True)
class Accepted:
    """What the client wants: the media type and, of objects, the form (`Table`, `PartialObjectMetadata`; empty: whole objects)."""

    media: str = "application/json"
    form: str = ""
    version: str = ""  # of the form


def accepted(request: Request) -> Accepted:
    """Return the first acceptable form the client names.

    Raises:
        NotAcceptable: none can be served.
    """
    header = request.headers.get("accept", "")
    if not header:
        return Accepted()
    for part in header.split(","):
        media, *parameters = (piece.strip() for piece in part.split(";"))
        options = dict(parameter.partition("=")[::2] for parameter in parameters)
        found = _form(media, options)
        if found is not None:
            return found
    raise errors.NotAcceptable("only the following media types are accepted: application/json, application/yaml")


def _form(media: str, options: Mapping[str, str]) -> Accepted | None:
    if media in ("*/*", "application/*"):
        media = "application/json"
    if media not in ("application/json", "application/yaml"):
        return None
    form = options.get("as", "")
    if not form:
        return Accepted(media)
    if options.get("g") != "meta.k8s.io" or options.get("v") not in ("v1", "v1beta1"):
        return None
    if form not in ("Table", "PartialObjectMetadata", "PartialObjectMetadataList"):
        return None
    return Accepted(media, form.removesuffix("List"), options["v"])


def reply(data: bytes, wanted: Accepted, *, status: int = 200, warnings: Iterable[str] = ()) -> Response:
    """Return the answer with the JSON `data`, in the media type the client wants, with `Warning` headers."""
    headers = dict(JSON_TYPE)
    if wanted.media == "application/yaml":
        data = yaml.safe_dump(codec.decode(data), sort_keys=True).encode()
        headers["content-type"] = wanted.media
    text = warning_header(warnings)
    if text:
        headers["warning"] = text
    return Response(status, headers, data)


def warning_header(warnings: Iterable[str]) -> str:
    """Return the value of a `Warning` header with these warnings; empty without one."""
    return ", ".join(f'299 - "{_quoted(warning)}"' for warning in warnings)


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")


def as_version(data: bytes, definition: ResourceDefinition, version: Version) -> bytes:
    """Return the stored object `data` in a version of its resource; only `apiVersion` differs, and it comes first (see `ordered`)."""
    wanted = _API_VERSION + definition.api_version(version.name).encode() + b'"'
    if data.startswith(wanted):
        return data
    return wanted + data[data.index(b'"', len(_API_VERSION)) + 1 :]


def ordered(document: Document) -> Document:
    """Return the document with `apiVersion`, `kind` and `metadata` first, which `as_version` and readers count on."""
    first: Document = {key: document[key] for key in ("apiVersion", "kind", "metadata") if key in document}
    return {**first, **{key: value for key, value in document.items() if key not in first}}


def partial_metadata(data: bytes, version: str) -> Document:
    """Return the PartialObjectMetadata of an object."""
    metadata = codec.decode_document(data).get("metadata", {})
    return {"kind": "PartialObjectMetadata", "apiVersion": f"meta.k8s.io/{version}", "metadata": metadata}


def list_bytes(api_version: str, list_kind: str, metadata: Mapping[str, Any], items: Iterable[bytes]) -> bytes:
    """Return a list of objects that are already encoded."""
    head = codec.encode({"apiVersion": api_version, "kind": list_kind, "metadata": metadata})
    return b"".join((head[:-1], b',"items":[', b",".join(items), b"]}"))
