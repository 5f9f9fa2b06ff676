"""The one tree of errors.

ApiError                      the API server answered with a Status, or could not be asked
├── BadRequest        400     the request could not be understood
├── Unauthorized      401     nobody we know
├── Forbidden         403     known, and not allowed
├── NotFound          404     authoritatively absent
├── MethodNotAllowed  405
├── NotAcceptable     406
├── Conflict          409     somebody else wrote first (reason Conflict)
├── AlreadyExists     409     the name is taken (reason AlreadyExists)
├── Gone              410     the revision is no longer served: list again
├── TooLarge          413
├── UnsupportedMedia  415
├── Invalid           422     the object breaks a rule; `causes` names the fields
├── TooManyRequests   429     later; `retry_after` says when
├── ServerError       5xx
└── Unreachable               no answer at all
    └── ResultUnknown         no answer, and the request may have taken effect
TerminalError                 no retry can help until the spec changes
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Cause:
    """One broken rule: the field it concerns, what was found and what is allowed."""

    field: str
    message: str
    reason: str = "FieldValueInvalid"


@dataclass(eq=False)
class ApiError(Exception):
    """An API call that did not succeed.

    `message` is for people; `code` is the HTTP status (0 when there was no answer); `reason` is the machine-readable word of the Status
    object (https://github.com/kubernetes/community/blob/master/contributors/devel/sig-architecture/api-conventions.md#response-status-kind).
    """

    message: str
    causes: Sequence[Cause] = ()
    retry_after: timedelta | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    code: ClassVar[int] = 500
    reason: ClassVar[str] = "InternalError"

    def __str__(self) -> str:
        return self.message


class BadRequest(ApiError):
    code = 400
    reason = "BadRequest"


class Unauthorized(ApiError):
    code = 401
    reason = "Unauthorized"


class Forbidden(ApiError):
    code = 403
    reason = "Forbidden"


class NotFound(ApiError):
    code = 404
    reason = "NotFound"


class MethodNotAllowed(ApiError):
    code = 405
    reason = "MethodNotAllowed"


class NotAcceptable(ApiError):
    code = 406
    reason = "NotAcceptable"


class Conflict(ApiError):
    code = 409
    reason = "Conflict"


class AlreadyExists(ApiError):
    code = 409
    reason = "AlreadyExists"


class Gone(ApiError):
    code = 410
    reason = "Expired"


class TooLarge(ApiError):
    code = 413
    reason = "RequestEntityTooLarge"


class UnsupportedMedia(ApiError):
    code = 415
    reason = "UnsupportedMediaType"


class Invalid(ApiError):
    code = 422
    reason = "Invalid"


class TooManyRequests(ApiError):
    code = 429
    reason = "TooManyRequests"


class ServerError(ApiError):
    code = 500
    reason = "InternalError"


class Unreachable(ApiError):
    """No answer: nothing is known about the object, and nothing was changed."""

    code = 0
    reason = "Unreachable"


class ResultUnknown(Unreachable):
    """The request was sent and no answer came: it may or may not have taken effect."""


class TerminalError(Exception):
    """What no retry can fix until the spec changes; the queue does not retry it."""


_KINDS: tuple[type[ApiError], ...] = (
    BadRequest,
    Unauthorized,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    NotAcceptable,
    Conflict,
    AlreadyExists,
    Gone,
    TooLarge,
    UnsupportedMedia,
    Invalid,
    TooManyRequests,
    ServerError,
)
_BY_REASON = {kind.reason: kind for kind in _KINDS} | {"Gone": Gone}
_BY_CODE: dict[int, type[ApiError]] = {kind.code: kind for kind in _KINDS if kind is not AlreadyExists}


def to_status(error: ApiError) -> dict[str, Any]:
    """Return the `v1` Status object that tells a client of `error`."""
    details = dict(error.details)
    if error.causes:
        details["causes"] = [{"reason": c.reason, "message": c.message, "field": c.field} for c in error.causes]
    if error.retry_after is not None:
        details["retryAfterSeconds"] = max(1, round(error.retry_after.total_seconds()))
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": error.message,
        "reason": error.reason,
        **({"details": details} if details else {}),
        "code": error.code,
    }


_LONGEST_PAUSE = 3600
"""Seconds; a server that asks us to wait longer is not believed."""


def from_status(status: Mapping[str, Any], *, code: int) -> ApiError:
    """Return the error that a Status object (or a bare HTTP status `code`) stands for."""
    kind = _BY_REASON.get(str(status.get("reason", "")))
    if kind is None:
        kind = _BY_CODE.get(code, ServerError if code >= 500 else BadRequest)
    found = status.get("details")
    details: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
    seconds = details.get("retryAfterSeconds")
    listed = details.get("causes")
    causes = tuple(
        Cause(str(c.get("field", "")), str(c.get("message", "")), str(c.get("reason", "")))
        for c in (listed if isinstance(listed, list) else ())
        if isinstance(c, Mapping)
    )
    return kind(
        str(status.get("message") or f"the server answered {code}"),
        causes=causes,
        retry_after=timedelta(seconds=seconds) if isinstance(seconds, int) and 0 < seconds <= _LONGEST_PAUSE else None,
        details={k: v for k, v in details.items() if k not in ("causes", "retryAfterSeconds")},
    )
