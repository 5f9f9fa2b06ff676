"""What an API server, and what anybody else, gets from the webhooks' port."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from structlog.testing import capture_logs

from capelin.runtime import codec, errors
from capelin.runtime.admission.handler import BODY_LIMIT, AdmissionHandler
from capelin.runtime.admission.metrics import WebhookMetrics
from capelin.runtime.admission.reviews import DEPTH_LIMIT, Judge, ReviewAnswer, ReviewRequest
from capelin.runtime.transport import Request, User
from tests.fakes import FakeClock, FakeRandom
from tests.runtime.admission.asking import read_answer, review_body
from tests.runtime.ships import SHIP

PATH = "/validate-ship"
JSON = {"content-type": "application/json"}
SECRET = "s3cr3t"


def review(**changes: Any) -> ReviewRequest:
    document = {"metadata": {"name": "ada"}, "spec": {"token": SECRET}}
    facts: dict[str, Any] = {"uid": "u-1", "operation": "CREATE", "resource": SHIP, "namespace": "default", "name": "ada"}
    return ReviewRequest(**{**facts, "object": document, "user": User("grace"), **changes})


def asked(body: bytes, *, method: str = "POST", path: str = PATH, headers: Mapping[str, str] = JSON, user: User | None = None) -> Request:
    return Request(method, path, headers=headers, body=body, user=user)


def handler(judge: Judge, *, caller: str | None = None, registry: CollectorRegistry | None = None) -> AdmissionHandler:
    return AdmissionHandler({PATH: judge}, WebhookMetrics(registry or CollectorRegistry(), FakeClock()), FakeRandom(), caller)


async def agree(_request: ReviewRequest) -> ReviewAnswer:
    return ReviewAnswer()


async def refuse(_request: ReviewRequest) -> ReviewAnswer:
    return ReviewAnswer(errors.Invalid("too fast", causes=(errors.Cause("spec.knots", "too fast"),)))


async def fail(request: ReviewRequest) -> ReviewAnswer:
    raise RuntimeError(f"cannot judge {request.object}")


async def test_a_review_is_answered_under_its_own_number() -> None:
    response = await handler(agree).send(asked(review_body(review())))

    assert response.status == 200
    assert read_answer(response.body, "u-1").refusal is None


async def test_a_replayed_review_gets_the_same_answer() -> None:
    answering, request = handler(refuse), asked(review_body(review()))

    first, second = await answering.send(request), await answering.send(request)

    assert first.body == second.body


async def test_a_defect_refuses_and_tells_nothing_but_a_number() -> None:
    response = await handler(fail).send(asked(review_body(review())))

    refusal = read_answer(response.body, "u-1").refusal
    assert response.status == 200
    assert refusal is not None
    assert (refusal.code, refusal.reason) == (500, "InternalError")
    assert FakeRandom().uid() in refusal.message
    assert "RuntimeError" not in response.body.decode()
    assert SECRET not in response.body.decode()


async def test_a_defect_is_logged_with_its_number_and_place_and_nothing_of_the_object() -> None:
    with capture_logs() as logs:
        await handler(fail).send(asked(review_body(review())))

    (line,) = logs
    assert (line["correlationID"], line["error"], line["log_level"]) == (FakeRandom().uid(), "RuntimeError", "error")
    assert "in fail" in line["trace"]
    assert SECRET not in str(line)


async def test_a_refusal_is_logged_with_who_asked_for_what() -> None:
    with capture_logs() as logs:
        await handler(refuse).send(asked(review_body(review())))

    assert logs == [
        {"event": "Refusing", "log_level": "info", "Ship": "default/ada", "operation": "CREATE", "user": "grace", "field": "spec.knots"}
    ]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"path": "/validate-boat"}, 404, id="a path that is no webhook's"),
        pytest.param({"method": "GET"}, 405, id="a method that carries no review"),
        pytest.param({"headers": {"content-type": "text/plain"}}, 415, id="another content type"),
        pytest.param({"headers": {}}, 415, id="no content type"),
        pytest.param({"body": b'{"kind":"Ship","apiVersion":"example.org/v1"}'}, 400, id="a document that is no review"),
        pytest.param({"body": b'{"x":' + b"[" * (DEPTH_LIMIT + 1) + b"]" * (DEPTH_LIMIT + 1) + b"}"}, 400, id="a deep document"),
        pytest.param({"body": b"[" * BODY_LIMIT}, 400, id="nothing but brackets"),
        pytest.param({"body": b'"\\' * (BODY_LIMIT // 2)}, 400, id="a text without an end"),
        pytest.param({"body": b" " * (BODY_LIMIT + 1)}, 413, id="a body that is too large"),
    ],
)
async def test_what_is_no_review_gets_a_status(changes: dict[str, Any], code: int) -> None:
    response = await handler(agree).send(asked(**{"body": review_body(review()), **changes}))

    status = codec.decode_document(response.body)
    assert response.status == code
    assert (status["kind"], status["code"]) == ("Status", code)


async def test_brackets_in_texts_are_no_depth() -> None:
    deep = {"metadata": {"annotations": {"a": '\\"' + "[{" * DEPTH_LIMIT}}}

    response = await handler(agree).send(asked(review_body(review(object=deep))))

    assert response.status == 200


@pytest.mark.parametrize(
    ("user", "code"),
    [
        pytest.param(User("kube-apiserver"), 200, id="the API server"),
        pytest.param(User("mallory", ("system:masters",)), 403, id="somebody else"),
        pytest.param(None, 403, id="nobody"),
    ],
)
async def test_only_the_caller_that_was_named_is_answered(user: User | None, code: int) -> None:
    response = await handler(agree, caller="kube-apiserver").send(asked(review_body(review()), user=user))

    assert response.status == code


async def test_strangers_do_not_learn_which_paths_there_are() -> None:
    answering = handler(agree, caller="kube-apiserver")

    codes = {(await answering.send(asked(b"", path=path))).status for path in (PATH, "/validate-boat")}

    assert codes == {403}


@pytest.mark.slow
@pytest.mark.gate
@given(st.binary(max_size=300) | st.recursive(st.none() | st.text(), lambda inner: st.dictionaries(st.text(), inner)).map(codec.encode))
async def test_no_body_whatever_is_a_server_error(body: bytes) -> None:
    response = await handler(agree).send(asked(body))

    assert response.status == 400


async def test_requests_are_counted_by_webhook_and_code() -> None:
    registry = CollectorRegistry()
    answering = handler(agree, registry=registry)
    for request in (asked(review_body(review())), asked(b"{}"), asked(b"{}", path="/somewhere")):
        await answering.send(request)

    text = generate_latest(registry).decode()

    assert f'controller_runtime_webhook_requests_total{{code="200",webhook="{PATH}"}} 1.0' in text
    assert f'controller_runtime_webhook_requests_total{{code="400",webhook="{PATH}"}} 1.0' in text
    assert f'controller_runtime_webhook_latency_seconds_count{{webhook="{PATH}"}} 2.0' in text
    assert f'controller_runtime_webhook_requests_in_flight{{webhook="{PATH}"}} 0.0' in text
    assert "somewhere" not in text
