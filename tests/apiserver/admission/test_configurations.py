"""What webhook configurations may say, and what the server adds to them."""

from __future__ import annotations

import pytest

from tests.apiserver.admission.configurations import OTHERWISE, SAME, declared
from tests.apiserver.admission.webhooks import MUTATING, VALIDATING, configuration, hook, rule
from tests.apiserver.api import TABLE, Api


async def test_what_is_left_out_gets_the_defaults_of_kubernetes(api: Api) -> None:
    got = await api.have(MUTATING, configuration("x", hook("/a", clientConfig={"service": {"namespace": "a", "name": "b"}})))

    assert got["webhooks"] == [
        {
            **hook("/a"),
            "clientConfig": {"service": {"namespace": "a", "name": "b", "port": 443}},
            "rules": [{**rule("widgets"), "scope": "*"}],
            "failurePolicy": "Fail",
            "matchPolicy": "Equivalent",
            "namespaceSelector": {},
            "objectSelector": {},
            "reinvocationPolicy": "Never",
            "timeoutSeconds": 10,
        }
    ]


async def test_kubectl_shows_how_many_webhooks_there_are(api: Api) -> None:
    await api.have(VALIDATING, configuration("x", hook("/a"), hook("/b")))

    got = await api.call("GET", VALIDATING, accept=TABLE)

    assert [column["name"] for column in got.body["columnDefinitions"]] == ["Name", "Webhooks", "Age"]
    assert got.body["rows"][0]["cells"][:2] == ["x", 2]


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("name a.b", 'webhooks[0].name: Invalid value: "a.b": should be a domain with at least three segments separated by dots'),
        ("side effects Ellipsis", "webhooks[0].sideEffects: Required value: must specify one of None, NoneOnDryRun"),
        ("31 seconds", "webhooks[0].timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds"),
        ("review versions ['v2']", 'Invalid value: ["v2"]: must include at least one of v1, v1beta1'),
        ("url and service", "webhooks[0].clientConfig: Required value: exactly one of url or service is required"),
        ("url http://a.b", "'https' is the only allowed URL scheme; desired format: https://host[/path]"),
        ("port 65536", "port is not valid: must be between 1 and 65535, inclusive"),
        ("resources ['*/*', 'a']", "if '*/*' is present, must not specify other resources"),
        ("operations ['create']", 'supported values: "*", "CONNECT", "CREATE", "DELETE", "UPDATE"'),
        ("selector without values", "must be specified when `operator` is 'In' or 'NotIn'"),
        ("condition 'object.x'", "must evaluate to bool but got dyn"),
        ("too many conditions", "webhooks[0].matchConditions: Too many: 65: must have at most 64 items"),
    ],
)
async def test_a_wrong_declaration_is_refused_with_what_is_allowed(api: Api, case: str, said: str) -> None:
    got = await api.create(MUTATING, configuration("x", declared(SAME[case])))

    assert got.status == 422
    assert said in got.message


@pytest.mark.parametrize("case", OTHERWISE)
async def test_what_only_looks_right_is_refused_too(api: Api, case: str) -> None:
    assert (await api.create(MUTATING, configuration("x", declared(OTHERWISE[case])))).status in (400, 422)


async def test_a_password_in_a_url_stands_in_no_message(api: Api) -> None:
    got = await api.create(MUTATING, configuration("x", declared({"clientConfig": {"url": "https://u:hunter2@a.b/c"}})))

    assert "user information is not permitted in the URL" in got.message
    assert "hunter2" not in got.message


async def test_conditions_that_ask_an_authorizer_are_refused_with_the_reason(api: Api) -> None:
    asks = {"matchConditions": [{"name": "a", "expression": "authorizer.path('/x').check('get').allowed()"}]}

    got = await api.create(MUTATING, configuration("x", declared(asks)))

    assert "the variable authorizer is not offered by this server" in got.message


async def test_an_update_must_name_the_state_it_was_made_from(api: Api) -> None:
    stored = await api.have(MUTATING, configuration("x", hook("/a")))

    blind = await api.update(f"{MUTATING}/x", configuration("x", hook("/b")))
    knowing = await api.update(f"{MUTATING}/x", {**stored, "webhooks": [hook("/b")]})

    assert (blind.status, knowing.status) == (422, 200)
    assert knowing.body["metadata"]["generation"] == 2
