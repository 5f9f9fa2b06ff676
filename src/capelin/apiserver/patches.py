"""The four kinds of patch, each as a transformation of the stored object."""

from __future__ import annotations

from capelin.apiserver import bodies
from capelin.apiserver.bodies import Body
from capelin.apiserver.objects import Transform
from capelin.apiserver.requests import Target
from capelin.runtime import errors
from capelin.runtime.codec import Document
from capelin.runtime.documents import mergepatch, strategic
from capelin.runtime.documents.jsonpatch import json_patch
from capelin.runtime.transport import Request

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"


def read(target: Target, request: Request, *, strict: bool) -> tuple[str, Body]:
    """Return the media type of a patch and its decoded body; `strict` looks for duplicate fields.

    Raises:
        UnsupportedMedia: the resource takes no such patch.
        BadRequest: the body cannot be decoded.
    """
    media = bodies.media_type(request)
    accepted = [JSON_PATCH, MERGE_PATCH, *([STRATEGIC_PATCH] if target.definition.builtin else []), APPLY_PATCH]
    if media not in accepted:
        raise errors.UnsupportedMedia(
            f"the body of the request was in an unknown format - accepted media types include: {', '.join(accepted)}"
        )
    if media == APPLY_PATCH:
        is_json = request.body.lstrip().startswith(b"{")
        return media, bodies.read_json(request.body, strict=strict) if is_json else bodies.read_yaml(request.body)
    return media, bodies.read_json(request.body, strict=strict)


def transformation(target: Target, media: str, body: Body) -> Transform:
    """Return what a JSON, merge or strategic merge patch makes of a stored object."""
    if media == JSON_PATCH:
        return lambda document: _object(json_patch(document, body.value))
    patch = body.document
    if media == STRATEGIC_PATCH:
        schema = target.version.schema or {}
        return lambda document: strategic.strategic_merge_patch(document, patch, schema)
    return lambda document: _object(mergepatch.merge_patch(document, patch))


def _object(value: object) -> Document:
    if not isinstance(value, dict):
        raise errors.BadRequest("the patch leaves no object")
    return value
