"""The other end of a review, for tests: asks as an API server does, and reads what comes back."""

from __future__ import annotations

import base64
from typing import Any

from capelin.runtime import codec, errors
from capelin.runtime.admission.reviews import API_VERSION, KIND, ReviewAnswer, ReviewRequest
from capelin.runtime.codec import Document
from capelin.runtime.transport import User


def review_body(request: ReviewRequest) -> bytes:
    """Return the question as an API server sends it."""
    resource = request.resource
    kind = {"group": resource.group, "version": resource.version, "kind": resource.kind}
    plural = {"group": resource.group, "version": resource.version, "resource": resource.plural}
    about: Document = {"uid": request.uid, "kind": kind, "resource": plural}
    if request.subresource:
        about["subResource"] = request.subresource
    about |= {"requestKind": kind, "requestResource": plural}
    if request.subresource:
        about["requestSubResource"] = request.subresource
    for name, value in (("name", request.name), ("namespace", request.namespace)):
        if value:
            about[name] = value
    about |= {
        "operation": request.operation,
        "userInfo": _user_info(request.user),
        "object": request.object,
        "oldObject": request.old,
        "dryRun": request.dry_run,
        "options": request.options or None,
    }
    return codec.encode({"kind": KIND, "apiVersion": API_VERSION, "request": about})


def read_answer(body: bytes, uid: str) -> ReviewAnswer:
    """Return what a webhook says to the question of that number."""
    review = codec.decode_document(body)
    assert (review["apiVersion"], review["kind"]) == (API_VERSION, KIND)
    said: dict[str, Any] = review["response"]
    assert said["uid"] == uid
    refusal = None if said["allowed"] else errors.from_status(said["status"], code=said["status"]["code"])
    assert said.get("patchType") == ("JSONPatch" if "patch" in said else None)
    patch = codec.decode(base64.b64decode(said["patch"])) if "patch" in said else ()
    return ReviewAnswer(refusal, patch, tuple(said.get("warnings") or ()))


def _user_info(user: User) -> Document:
    found: Document = {"username": user.name}
    if user.uid:
        found["uid"] = user.uid
    if user.groups:
        found["groups"] = list(user.groups)
    if user.extra:
        found["extra"] = {name: list(values) for name, values in user.extra.items()}
    return found
