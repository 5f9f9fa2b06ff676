"""Who may ask what: authentication, authorization, reviews, tokens."""

import base64
from datetime import timedelta
from typing import Any

import pytest

from capelin.apiserver.authn import Authentication, BootstrapTokens
from capelin.apiserver.server import ApiServer
from capelin.apiserver.storage.store import MemoryStore
from capelin.apiserver.tokens import ServiceAccountTokens
from capelin.runtime.transport import User
from tests.apiserver.api import CONFIG_MAPS, SECRETS, Api
from tests.fakes import FakeClock, FakeKeys, FakeRandom

BOB = User("bob", ("developers",))
CONTROLLERS = User("capelin-controllers", ("capelin:controllers",))
SYSTEM_SECRETS = "/api/v1/namespaces/kube-system/secrets"
ACCOUNTS = "/api/v1/namespaces/default/serviceaccounts"
WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
MAY = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


@pytest.fixture
async def guarded() -> Api:
    """A server that knows tokens of every sort."""
    clock, store = FakeClock(), MemoryStore()
    key = await FakeKeys().generate("ECDSA-P256")
    tokens = ServiceAccountTokens.of(key, store, clock)
    authentication = Authentication((tokens, BootstrapTokens(store, clock)))
    server = ApiServer(store, clock=clock, random=FakeRandom(), authenticator=authentication, tokens=tokens)
    await server.start()
    return Api(server, clock)


def _bearer(token: str) -> dict[str, Any]:
    return {"user": None, "headers": {"authorization": f"Bearer {token}"}}


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz", "/readyz/ping", "/version"])
async def test_health_and_version_are_open_to_all(api: Api, path: str) -> None:
    assert (await api.call("GET", path, user=None)).status == 200


@pytest.mark.parametrize("path", ["/", "/api", "/apis", "/metrics", "/openapi/v3", CONFIG_MAPS, "/healthzz"])
async def test_nothing_else_is(api: Api, path: str) -> None:
    got = await api.call("GET", path, user=None)

    assert (got.status, got.body["reason"]) == (401, "Unauthorized")


async def test_a_server_that_has_not_started_is_not_ready() -> None:
    api = Api(ApiServer.in_memory(clock=FakeClock(), random=FakeRandom()), FakeClock())

    assert (await api.call("GET", "/readyz", user=None)).status == 500
    assert (await api.call("GET", "/livez", user=None)).status == 200


async def test_administrators_and_our_controllers_may_do_everything(api: Api) -> None:
    assert (await api.call("GET", CONFIG_MAPS)).status == 200
    assert (await api.call("GET", CONFIG_MAPS, user=CONTROLLERS)).status == 200


async def test_others_are_told_what_they_may_not(api: Api) -> None:
    got = await api.call("GET", f"{SECRETS}/x", user=BOB)

    assert (got.status, got.body["reason"]) == (403, "Forbidden")
    assert got.message == ('secrets "x" is forbidden: User "bob" cannot get resource "secrets" in API group "" in the namespace "default"')


async def test_nobody_acts_as_somebody_else(api: Api) -> None:
    assert (await api.call("GET", CONFIG_MAPS, headers={"impersonate-user": "root"})).status == 403


@pytest.mark.parametrize("header", ["Bearer wrong", "Bearer ", "Basic eDp5", "opensesame"])
async def test_credentials_that_are_not_good_are_refused(guarded: Api, header: str) -> None:
    assert (await guarded.call("GET", CONFIG_MAPS, user=None, headers={"authorization": header})).status == 401


async def test_a_review_tells_who_asks(api: Api) -> None:
    got = await api.create(WHO, {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"})

    assert got.status == 201
    assert got.body["status"]["userInfo"] == {"username": "admin", "groups": ["system:masters", "system:authenticated"]}


async def test_a_review_tells_what_is_allowed(api: Api) -> None:
    spec = {"resourceAttributes": {"verb": "get", "resource": "pods"}}

    mine = await api.create(MAY, {"spec": spec})
    theirs = await api.create("/apis/authorization.k8s.io/v1/subjectaccessreviews", {"spec": spec | {"user": "bob"}})
    empty = await api.create(MAY, {"spec": {}})

    assert (mine.body["status"]["allowed"], theirs.body["status"]["allowed"], empty.status) == (True, False, 400)


async def _token(api: Api, **spec: object) -> str:
    await api.have(ACCOUNTS, {"metadata": {"name": "robot"}})
    got = await api.create(f"{ACCOUNTS}/robot/token", {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec})
    assert got.status == 201, got.body
    return str(got.body["status"]["token"])


async def _reviewed(api: Api, token: str) -> Any:
    got = await api.create("/apis/authentication.k8s.io/v1/tokenreviews", {"spec": {"token": token}})
    return got.body["status"]


async def test_a_token_stands_for_its_service_account(guarded: Api) -> None:
    status = await _reviewed(guarded, await _token(guarded))

    assert status["authenticated"]
    assert status["user"]["username"] == "system:serviceaccount:default:robot"
    assert "system:serviceaccounts:default" in status["user"]["groups"]


async def test_a_token_logs_in_and_brings_no_rights(guarded: Api) -> None:
    token = await _token(guarded)

    got = await guarded.call("GET", CONFIG_MAPS, **_bearer(token))

    assert got.status == 403
    assert 'User "system:serviceaccount:default:robot" cannot list resource "configmaps"' in got.message


async def test_a_token_ends_with_its_time(guarded: Api) -> None:
    token = await _token(guarded, expirationSeconds=600)
    await guarded.clock.advance(timedelta(minutes=11))

    assert await _reviewed(guarded, token) == {"authenticated": False}


async def test_a_token_ends_with_its_account_even_if_a_namesake_follows(guarded: Api) -> None:
    token = await _token(guarded)
    await guarded.delete(f"{ACCOUNTS}/robot")
    await guarded.have(ACCOUNTS, {"metadata": {"name": "robot"}})

    assert await _reviewed(guarded, token) == {"authenticated": False}


async def test_a_token_for_another_audience_does_not_log_in(guarded: Api) -> None:
    assert await _reviewed(guarded, await _token(guarded, audiences=["vault"])) == {"authenticated": False}


async def test_a_forged_token_does_not_log_in(guarded: Api) -> None:
    header, claims, signature = (await _token(guarded)).split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")

    for forged in (f"{none}.{claims}.", f"{header}.{claims}.{signature[:-4]}AAAA", f"{header}.{header}.{signature}"):
        assert await _reviewed(guarded, forged) == {"authenticated": False}


def _bootstrap_secret(**changes: str) -> dict[str, Any]:
    data = {
        "token-id": "abcdef",
        "token-secret": "0123456789abcdef",
        "usage-bootstrap-authentication": "true",
        "expiration": "2026-01-02T04:00:00Z",
        "auth-extra-groups": "system:bootstrappers:kubeadm:default-node-token,system:masters",
        **changes,
    }
    return {"metadata": {"name": "bootstrap-token-abcdef"}, "type": "bootstrap.kubernetes.io/token", "stringData": data}


async def test_a_bootstrap_token_joins_and_brings_no_rights_of_others(guarded: Api) -> None:
    await guarded.have(SYSTEM_SECRETS, _bootstrap_secret())

    user = (await _reviewed(guarded, "abcdef.0123456789abcdef"))["user"]

    assert user["username"] == "system:bootstrap:abcdef"
    assert user["groups"] == ["system:bootstrappers", "system:bootstrappers:kubeadm:default-node-token", "system:authenticated"]


@pytest.mark.parametrize(
    "changes",
    [
        {"expiration": "2026-01-02T03:00:00Z"},
        {"expiration": "tomorrow"},
        {"token-secret": "fedcba9876543210"},
        {"token-id": "zzzzzz"},
        {"usage-bootstrap-authentication": "false"},
    ],
    ids=["expired", "no time", "another secret", "another id", "not for authentication"],
)
async def test_a_bootstrap_token_that_is_not_good_does_not_log_in(guarded: Api, changes: dict[str, str]) -> None:
    await guarded.have(SYSTEM_SECRETS, _bootstrap_secret(**changes))

    assert await _reviewed(guarded, "abcdef.0123456789abcdef") == {"authenticated": False}


async def test_requests_are_counted_by_what_they_ask_and_who_asks(api: Api) -> None:
    await api.get(CONFIG_MAPS)
    await api.get(f"{CONFIG_MAPS}/x")

    text = (await api.get("/metrics")).body.decode()

    assert 'apiserver_request_total{verb="list",group="",resource="configmaps",subresource="",code="200",agent="tests"} 1' in text
    assert 'apiserver_request_total{verb="get",group="",resource="configmaps",subresource="",code="404",agent="tests"} 1' in text
    assert 'apiserver_storage_objects{resource="namespaces"} 4' in text
