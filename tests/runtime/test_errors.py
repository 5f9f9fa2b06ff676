from datetime import timedelta
from typing import Any

import pytest

from capelin.runtime import errors
from capelin.runtime.errors import Cause, from_status, to_status


@pytest.mark.parametrize(
    "error",
    [
        errors.NotFound("gone", details={"name": "ada", "kind": "ships"}),
        errors.AlreadyExists("taken"),
        errors.Conflict("somebody else wrote first"),
        errors.Gone("list again"),
        errors.Invalid("bad", causes=(Cause("spec.knots", "must not be negative"),)),
        errors.TooManyRequests("later", retry_after=timedelta(seconds=7)),
        errors.ServerError("broken"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_survives_its_way_as_a_status(error: errors.ApiError) -> None:
    got = from_status(to_status(error), code=error.code)

    assert type(got) is type(error)
    assert (got.message, list(got.causes), got.retry_after, dict(got.details)) == (
        error.message,
        list(error.causes),
        error.retry_after,
        dict(error.details),
    )


@pytest.mark.parametrize(
    ("code", "want"),
    [(409, errors.Conflict), (404, errors.NotFound), (503, errors.ServerError), (418, errors.BadRequest)],
)
def test_a_bare_code_has_an_error_too(code: int, want: type[errors.ApiError]) -> None:
    assert type(from_status({}, code=code)) is want


@pytest.mark.parametrize(
    "status",
    [
        {"details": []},
        {"details": {"causes": "x", "retryAfterSeconds": "soon"}},
        {"details": {"causes": [1], "retryAfterSeconds": 10**12}},
        {"reason": [], "message": {}},
    ],
)
def test_a_status_that_makes_no_sense_is_an_error_like_others(status: dict[str, Any]) -> None:
    got = from_status(status, code=500)

    assert isinstance(got, errors.ServerError)
    assert got.retry_after is None
