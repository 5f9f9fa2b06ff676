"""Answer AdmissionReviews over HTTP.

Every request gets an answer that an API server understands: a review, or a Status that says what is wrong with the request. A defect in a
rule refuses the one request it concerns; nobody who can reach the port can learn more of it than a number to look up in the log.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import structlog

from capelin.runtime import codec, errors
from capelin.runtime.admission.metrics import WebhookMetrics
from capelin.runtime.admission.reviews import Judge, ReviewAnswer, ReviewRequest, answer_body, read_review
from capelin.runtime.seams import Random
from capelin.runtime.transport import Request, Response

BODY_LIMIT: Final = 3 * 1024 * 1024
"""Bytes of a review: it carries an object twice, and no server stores one of more than half of this."""

_JSON: Final = "application/json"

_log: Any = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class AdmissionHandler:
    """A `Handler` that asks the judge of a path. With `caller`, only the user of that name, logged in with a certificate, may ask."""

    judges: Mapping[str, Judge]
    metrics: WebhookMetrics
    random: Random
    caller: str | None = None

    async def send(self, request: Request) -> Response:
        """Return the review's answer, or a Status when it is no review that we answer."""
        judge = self.judges.get(request.path)
        try:
            self._admit(request)
            if judge is None:
                raise errors.NotFound(f"path: found {request.path[:200]!r}, which is no webhook's")
        except errors.ApiError as error:
            return _status(error)
        with self.metrics.measured(request.path):
            response = await self._answer(request, judge)
        self.metrics.answered(request.path, response.status)
        return response

    def _admit(self, request: Request) -> None:
        if self.caller is not None and (request.user is None or request.user.name != self.caller):
            found = "no client certificate" if request.user is None else f"user {request.user.name[:200]!r}"
            raise errors.Forbidden(f"found {found}, allowed is {self.caller!r}: these webhooks answer their API server alone")

    async def _answer(self, request: Request, judge: Judge) -> Response:
        try:
            review = _review(request)
        except errors.ApiError as error:
            return _status(error)
        return Response(200, {"content-type": _JSON}, answer_body(review.uid, await self._judged(review, judge)))

    async def _judged(self, review: ReviewRequest, judge: Judge) -> ReviewAnswer:
        try:
            answer = await judge(review)
        except Exception as error:  # the outermost frame of a rule: a defect refuses what it concerns and stops nothing else
            return self._defect(review, error)
        if answer.refusal is not None:
            field = answer.refusal.causes[0].field if answer.refusal.causes else ""
            _log.info("Refusing", **_about(review), field=field)
        return answer

    def _defect(self, review: ReviewRequest, error: Exception) -> ReviewAnswer:
        """Refuse, and log where it happened: not the error's own words, which may quote the object."""
        correlation = self.random.uid()
        trace = "".join(traceback.format_tb(error.__traceback__))
        _log.error("Could not judge", **_about(review), correlationID=correlation, error=type(error).__name__, trace=trace)
        return ReviewAnswer(errors.ServerError(f"the request could not be judged; the log of the webhooks says why under {correlation}"))


def _review(request: Request) -> ReviewRequest:
    if request.method != "POST":
        raise errors.MethodNotAllowed(f"method: found {request.method}, allowed is POST")
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != _JSON:
        raise errors.UnsupportedMedia(f"content-type: found {media[:200]!r}, allowed is {_JSON!r}")
    if len(request.body) > BODY_LIMIT:
        raise errors.TooLarge(f"body: found {len(request.body)} bytes, allowed are {BODY_LIMIT}")
    return read_review(request.body)


def _about(review: ReviewRequest) -> dict[str, str]:
    name = f"{review.namespace}/{review.name}" if review.namespace else review.name
    return {review.resource.kind or "Object": name, "operation": review.operation, "user": review.user.name}


def _status(error: errors.ApiError) -> Response:
    headers = {"content-type": _JSON, **({"allow": "POST"} if isinstance(error, errors.MethodNotAllowed) else {})}
    return Response(error.code, headers, codec.encode(errors.to_status(error)))
