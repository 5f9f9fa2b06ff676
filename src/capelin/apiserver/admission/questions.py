"""AdmissionReviews as a server writes and reads them: the question about an act, and what an answer to it comes to.

What is wrong with an answer is told in the words of Kubernetes.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from capelin.apiserver import bodies
from capelin.apiserver.admission.acts import Act
from capelin.apiserver.admission.calling import CallFailed
from capelin.apiserver.admission.hooks import Hook
from capelin.apiserver.authn import user_info
from capelin.runtime import codec, errors
from capelin.runtime.admission.reviews import KIND
from capelin.runtime.codec import Document
from capelin.runtime.documents.causes import quote

_GROUP: Final = "admission.k8s.io"


class Denied(errors.Forbidden):
    """A webhook refused the act. The answer to the client is the Status it gave, so that code and reason are the webhook's own."""

    def __init__(self, status: Document) -> None:
        super().__init__(status["message"])
        self.status = status


@dataclass(frozen=True, slots=True)
class Answer:
    """A proper answer. `patch` is a JSON patch, None for one that cannot be decoded."""

    denial: Denied | None
    patch: Sequence[Any]
    warnings: Sequence[str] = ()


def request_of(act: Act, version: str, uid: str) -> Document:
    """Return what a review tells of an act, without its objects; `version` is the one of the resource that the webhook wants."""
    kind, asked = act.kind_in(version), act.kind_in(act.version.name)
    definition = act.definition
    found: Document = {"uid": uid, "kind": {"group": kind.group, "version": kind.version, "kind": kind.name}}
    found["resource"] = {"group": definition.group, "version": version, "resource": definition.plural}
    if act.subresource:
        found["subResource"] = act.subresource
    found["requestKind"] = {"group": asked.group, "version": asked.version, "kind": asked.name}
    found["requestResource"] = {"group": definition.group, "version": act.version.name, "resource": definition.plural}
    if act.subresource:
        found["requestSubResource"] = act.subresource
    found |= {name: value for name, value in (("name", act.name), ("namespace", act.namespace)) if value}
    return found | {
        "operation": act.operation,
        "userInfo": user_info(act.asker.user),
        "dryRun": act.dry_run,
        "options": act.options or None,
    }


def question(hook: Hook, request: Document, document: Document | None, old: Document | None) -> bytes:
    """Return the body that asks a webhook."""
    about = {**request, "object": document, "oldObject": old}
    return codec.encode({"kind": KIND, "apiVersion": f"{_GROUP}/{hook.review_version}", "request": about})


def read(hook: Hook, body: bytes, uid: str, *, mutating: bool) -> Answer:
    """Return the answer that a body gives to the question `uid`.

    Raises:
        CallFailed: it gives none; the message says what is wrong.
    """
    response = _response(hook, body, uid)
    patch = _patch(response) if mutating else _no_patch(response)
    listed = response.get("warnings")
    warnings = tuple(text for text in listed if isinstance(text, str)) if isinstance(listed, list) else ()
    if response.get("allowed") is not True:
        return Answer(_denial(hook, response.get("status")), (), warnings)
    return Answer(None, patch, warnings)


def _response(hook: Hook, body: bytes, uid: str) -> Mapping[str, Any]:
    try:
        review = bodies.read_json(body).document
    except errors.BadRequest as error:
        raise CallFailed(f"failed to call webhook: couldn't get version/kind; json parse error: {error.message}") from error
    response = review.get("response")
    if not isinstance(response, dict):
        raise _invalid("webhook response was absent")
    if hook.review_version != "v1":  # the earlier form of the answer repeats neither the version nor the question's UID
        return response
    if response.get("uid") != uid:
        raise _invalid(f"expected response.uid={quote(uid)}, got {quote(str(response.get('uid') or ''))}")
    wanted, found = f"{_GROUP}/v1", review.get("apiVersion")
    if (found, review.get("kind")) != (wanted, KIND):
        raise _invalid(f"expected webhook response of {wanted}, Kind={KIND}, got {found or ''}, Kind={review.get('kind') or ''}")
    return response


def _patch(response: Mapping[str, Any]) -> Sequence[Any]:
    encoded, type_ = response.get("patch"), response.get("patchType")
    if encoded and type_ is None:
        raise _invalid("webhook returned response.patch but not response.patchType")
    if not encoded and type_ is not None:
        raise _invalid("webhook returned response.patchType but not response.patch")
    if not encoded:
        return ()
    try:
        decoded = base64.b64decode(encoded, validate=True)
    except (binascii.Error, TypeError, ValueError) as error:
        raise CallFailed("failed to call webhook: illegal base64 data in response.patch") from error
    try:
        operations = bodies.read_json(decoded).value
    except errors.BadRequest as error:
        raise CallFailed(f"received undecodable patch in webhook response: {error.message}") from error
    if not isinstance(operations, list):
        raise CallFailed(f"received undecodable patch in webhook response: expected a list, found {type(operations).__name__}")
    if operations and type_ != "JSONPatch":
        raise CallFailed(f"unsupported patch type {quote(str(type_))}")
    return operations


def _no_patch(response: Mapping[str, Any]) -> Sequence[Any]:
    for name in ("patch", "patchType"):
        if response.get(name):
            raise _invalid(f"validating webhook may not return response.{name}")
    return ()


def _denial(hook: Hook, status: Any) -> Denied:
    found: Mapping[str, Any] = status if isinstance(status, Mapping) else {}
    message, reason, code = found.get("message"), found.get("reason"), found.get("code")
    denied = f"admission webhook {quote(hook.name)} denied the request"
    told: Document = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
    told["message"] = f"{denied}: {message or reason}" if message or reason else f"{denied} without explanation"
    if reason:
        told["reason"] = str(reason)
    if isinstance(found.get("details"), Mapping):
        told["details"] = found["details"]
    told["code"] = code if isinstance(code, int) and 400 <= code < 600 else 400
    return Denied(told)


def _invalid(reason: str) -> CallFailed:
    return CallFailed(f"received invalid webhook response: {reason}")
