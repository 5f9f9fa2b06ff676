"""AdmissionReview v1, at the end of the webhook: the question an API server asks, and the answer. Nothing here knows a rule."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, cast

from capelin.api.meta import Resource
from capelin.runtime import codec, errors
from capelin.runtime.codec import Document
from capelin.runtime.documents.documents import is_deeper
from capelin.runtime.transport import User

API_VERSION: Final = "admission.k8s.io/v1"
KIND: Final = "AdmissionReview"

DEPTH_LIMIT: Final = 250
"""Levels of nesting: far more than any schema has, far fewer than the interpreter's limit."""

Operation = Literal["CREATE", "UPDATE", "DELETE", "CONNECT"]
OPERATIONS: Final = ("CREATE", "UPDATE", "DELETE", "CONNECT")


@dataclass(frozen=True, slots=True)
class ReviewRequest:
    """What a webhook is asked: may this be done, and with which changes.

    `resource` is in the webhook's own version. `object` is what shall be stored (None for a deletion), `old` what is stored (None for a
    create). `name` is empty while the server has not generated it yet. `options` are those of the request, as the wire has them.
    """

    uid: str
    operation: Operation
    resource: Resource
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    object: Document | None = None
    old: Document | None = None
    dry_run: bool = False
    user: User = field(default_factory=lambda: User(""))
    options: Document = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReviewAnswer:
    """What a webhook answers: nothing to say against it, unless there is a `refusal`; `patch` is a JSON patch of the object."""

    refusal: errors.ApiError | None = None
    patch: Sequence[Document] = ()
    warnings: Sequence[str] = ()


Judge = Callable[[ReviewRequest], Awaitable[ReviewAnswer]]
"""Answers the reviews of one path."""


def read_review(body: bytes) -> ReviewRequest:
    """Return the question that a body asks.

    Raises:
        BadRequest: it is no AdmissionReview v1 with a request; the message says what was found.
    """
    request = _envelope(body, "request")
    operation = request.get("operation")
    if operation not in OPERATIONS:
        raise errors.BadRequest(f"request.operation: found {operation!r}, allowed are {', '.join(OPERATIONS)}")
    kind, resource = _mapping(request, "kind"), _mapping(request, "resource")
    return ReviewRequest(
        uid=_text(request, "uid"),
        operation=cast(Operation, operation),
        resource=Resource(_text(resource, "group"), _text(resource, "version"), _text(resource, "resource"), _text(kind, "kind")),
        subresource=_text(request, "subResource"),
        namespace=_text(request, "namespace"),
        name=_text(request, "name"),
        object=_object(request, "object"),
        old=_object(request, "oldObject"),
        dry_run=request.get("dryRun") is True,
        user=_user(_mapping(request, "userInfo")),
        options=_object(request, "options") or {},
    )


def answer_body(uid: str, answer: ReviewAnswer) -> bytes:
    """Return the answer as a webhook sends it."""
    response: Document = {"uid": uid, "allowed": answer.refusal is None}
    if answer.refusal is not None:
        response["status"] = errors.to_status(answer.refusal)
    elif answer.patch:
        response |= {"patchType": "JSONPatch", "patch": base64.b64encode(codec.encode(list(answer.patch))).decode()}
    if answer.warnings:
        response["warnings"] = list(answer.warnings)
    return codec.encode({"kind": KIND, "apiVersion": API_VERSION, "response": response})


def _envelope(body: bytes, part: str) -> Document:
    try:
        review = codec.decode_document(body)
    except codec.DecodeError as error:
        raise errors.BadRequest(f"the body is no {KIND}: {error}") from error
    if body.count(b"{") + body.count(b"[") > DEPTH_LIMIT and is_deeper(review, DEPTH_LIMIT):
        raise errors.BadRequest(f"body: nested more than {DEPTH_LIMIT} levels deep")
    if (review.get("apiVersion"), review.get("kind")) != (API_VERSION, KIND):
        found = f"{review.get('apiVersion')!r} {review.get('kind')!r}"
        raise errors.BadRequest(f"apiVersion and kind: found {found}, allowed is {API_VERSION!r} {KIND!r}")
    return _mapping(review, part)


def _mapping(document: Mapping[str, Any], name: str) -> Document:
    found = document.get(name)
    if not isinstance(found, dict):
        raise errors.BadRequest(f"{name}: allowed is an object")
    return found


def _object(document: Mapping[str, Any], name: str) -> Document | None:
    return None if document.get(name) is None else _mapping(document, name)


def _text(document: Mapping[str, Any], name: str) -> str:
    found = document.get(name, "")
    if not isinstance(found, str):
        raise errors.BadRequest(f"{name}: allowed is a string")
    return found


def _user(info: Mapping[str, Any]) -> User:
    groups, extra = info.get("groups") or (), info.get("extra") or {}
    if not isinstance(groups, list | tuple) or not isinstance(extra, Mapping):
        raise errors.BadRequest("userInfo: allowed are groups as a list and extra as an object")
    named = {str(name): tuple(map(str, values)) for name, values in extra.items() if isinstance(values, list)}
    return User(_text(info, "username"), tuple(map(str, groups)), _text(info, "uid"), named)
