"""What API servers are told about the webhooks, and when it is written."""

import base64
from typing import Any

import pytest

from capelin.api.meta import ObjectKey, Unstructured
from capelin.runtime import errors
from capelin.runtime.admission.configurations import FIELD_MANAGER, RESOURCES, Configurations, ServiceTarget, Target, UrlTarget
from tests.fakes import FakeClient
from tests.runtime.admission.world import DECLARED

URL = UrlTarget("https://127.0.0.1:9443")
SERVICE = ServiceTarget(ObjectKey("capelin-system", "capelin-webhook"))
KEY = ObjectKey("", "capelin")
VALIDATING = RESOURCES["ValidatingWebhookConfiguration"]


async def written(client: FakeClient, target: Target, bundle: bytes = b"ca") -> Configurations:
    configurations = Configurations(client, DECLARED, target)
    await configurations.write(await configurations.read(), bundle)
    return configurations


def webhooks(client: FakeClient) -> dict[str, dict[str, Any]]:
    found = client.stored(VALIDATING, KEY)
    return {} if found is None else {webhook["name"]: webhook["clientConfig"] for webhook in found["webhooks"]}


async def test_webhooks_are_found_by_their_path_under_the_url() -> None:
    client = FakeClient()

    await written(client, URL)

    encoded = base64.b64encode(b"ca").decode()
    assert webhooks(client) == {
        f"{path}.example.org": {"url": f"https://127.0.0.1:9443/{path}", "caBundle": encoded} for path in ("judge", "weigh")
    }
    assert {write.query["fieldManager"] for write in client.writes} == {FIELD_MANAGER}


async def test_webhooks_are_found_behind_a_service() -> None:
    client = FakeClient()

    await written(client, SERVICE)

    found = webhooks(client)["judge.example.org"]
    assert found["service"] == {"namespace": "capelin-system", "name": "capelin-webhook", "path": "/judge", "port": 443}


async def test_what_is_there_already_is_not_written_again() -> None:
    client = FakeClient()
    await written(client, URL)
    stored = client.stored(VALIDATING, KEY)
    assert stored is not None
    stored["webhooks"][0]["namespaceSelector"] = {}  # a server fills in defaults
    writes = len(client.writes)

    await written(client, URL)

    assert len(client.writes) == writes


async def test_another_bundle_is_written() -> None:
    client = FakeClient()
    configurations = await written(client, URL, b"old")

    await written(client, URL, b"new")

    published = await configurations.read()
    assert configurations.carry(published, b"new")
    assert not configurations.carry(published, b"old")


async def test_a_configuration_that_is_not_there_carries_nothing() -> None:
    client = FakeClient()
    configurations = await written(client, URL)
    await client.delete(VALIDATING, KEY)

    assert not configurations.carry(await configurations.read(), b"ca")


async def test_a_write_by_somebody_else_since_the_read_is_a_conflict() -> None:
    client = FakeClient()
    configurations = await written(client, URL)
    read = await configurations.read()
    await written(client, URL, b"newer")

    with pytest.raises(errors.Conflict):
        await configurations.write(read, b"older")

    assert configurations.carry(await configurations.read(), b"newer")


async def test_webhooks_behind_a_service_can_be_moved_under_a_url() -> None:
    client = FakeClient()
    await written(client, SERVICE)

    await written(client, URL)

    assert set(webhooks(client)["judge.example.org"]) == {"url", "caBundle"}


async def test_webhooks_that_are_no_longer_declared_are_removed_whoever_wrote_them() -> None:
    client = FakeClient()
    old = [{"name": "old.example.org", "clientConfig": {"url": "https://127.0.0.1:1/old"}}]
    client.seed(Unstructured(VALIDATING, {"metadata": {"name": "capelin"}, "webhooks": old}))

    await written(client, URL)

    assert set(webhooks(client)) == {"judge.example.org", "weigh.example.org"}


async def test_removing_twice_leaves_nothing_and_is_no_error() -> None:
    client = FakeClient()
    configurations = await written(client, URL)

    await configurations.remove()
    await configurations.remove()

    assert await configurations.read() == [None, None]
