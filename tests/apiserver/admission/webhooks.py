"""Webhooks for tests: a handler that answers as it is told and remembers what it was asked, and configurations that name it."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from capelin.runtime import codec
from capelin.runtime.transport import Request, Response

Document = dict[str, Any]
Respond = Callable[[Document], Document]
"""Returns the `response` for the `request` of a review, without its UID."""

MUTATING = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
VALIDATING = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
BASE = "https://hooks.test"
ALLOWED: Document = {"allowed": True}


def allow(_request: Document) -> Document:
    return ALLOWED


def patching(*operations: Document) -> Respond:
    """Return what answers every review with this JSON patch."""
    patch = base64.b64encode(codec.encode(list(operations))).decode()
    return lambda _request: {"allowed": True, "patchType": "JSONPatch", "patch": patch}


def labelling(name: str, value: str = "yes") -> Respond:
    """Return what sets a label; there may be none yet."""

    def respond(request: Document) -> Document:
        if request["operation"] == "DELETE":
            return ALLOWED
        labels = (request["object"].get("metadata") or {}).get("labels") or {}
        return patching({"op": "add", "path": "/metadata/labels", "value": {**labels, name: value}})(request)

    return respond


def denying(message: str = "no", **status: Any) -> Respond:
    return lambda _request: {"allowed": False, "status": {"message": message, **status}}


def warning(*warnings: str, allowed: bool = True) -> Respond:
    return lambda _request: {"allowed": allowed, "warnings": list(warnings)}


@dataclass
class Webhooks:
    """Answers reviews by their path; what has no answer of its own is allowed."""

    answers: dict[str, Respond] = field(default_factory=dict)
    raw: dict[str, Response] = field(default_factory=dict)
    asked: list[tuple[str, Document]] = field(default_factory=list)
    before: Callable[[str], Any] | None = None  # is called (and awaited) before an answer

    async def send(self, request: Request) -> Response:
        review = codec.decode_document(request.body)
        about = review["request"]
        self.asked.append((request.path, about))
        if self.before is not None:
            await self.before(request.path)
        if request.path in self.raw:
            return self.raw[request.path]
        headers = {"content-type": "application/json", "connection": "close"}  # tests end sooner than idle connections
        return Response(200, headers, self.answer(request.path, review))

    def answer(self, path: str, review: Document) -> bytes:
        """Return the body that answers a review."""
        response = self.answers.get(path, allow)(review["request"])
        return codec.encode(
            {"apiVersion": review["apiVersion"], "kind": review["kind"], "response": {"uid": review["request"]["uid"], **response}}
        )

    @property
    def paths(self) -> list[str]:
        """The paths that were asked, in order."""
        return [path for path, _ in self.asked]


def rule(*resources: str, operations: tuple[str, ...] = ("*",), **fields: Any) -> Document:
    """Return a rule for these resources of any group and version."""
    return {
        "operations": list(operations),
        "apiGroups": ["*"],
        "apiVersions": ["*"],
        "resources": list(resources or ("widgets",)),
        **fields,
    }


def hook(path: str = "/a", *, base: str = BASE, ca: bytes = b"", **fields: Any) -> Document:
    """Return a webhook at a path, about any act on Widgets."""
    client: Document = {"url": base + path} | ({"caBundle": base64.b64encode(ca).decode()} if ca else {})
    named = path.strip("/").replace("/", "-") or "root"
    return {
        "name": f"{named}.hooks.test",
        "clientConfig": client,
        "rules": [rule()],
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        **fields,
    }


def configuration(name: str, *hooks: Document) -> Document:
    """Return the body of either kind of configuration."""
    return {"metadata": {"name": name}, "webhooks": list(hooks)}
