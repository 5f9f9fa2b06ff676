"""What our server says of built-in kinds, beside what the real one says."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from capelin.apiserver import builtin
from capelin.apiserver.crds import definition_of as definition_of_crd
from capelin.apiserver.registry import Registry, ResourceDefinition
from capelin.apiserver.surface import discovery, tables
from capelin.runtime import codec
from capelin.runtime.documents.schema import compile_schema
from capelin.runtime.http import connect
from capelin.runtime.seams import SystemClock
from capelin.runtime.transport import Connection, Request
from tests.integration.realserver import RealServer

pytestmark = [pytest.mark.real, pytest.mark.slow]

SAMPLES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "samples.yaml").read_text())
CRDS = Path(__file__).parents[2] / "config/crd/bases"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
AGE = re.compile(r"^(\d+[smhdy])+$|(?<=\()\S+(?= ago\))|^\d{4}-\d\d-\d\dT")


@pytest.fixture
async def connection(real_server: RealServer) -> AsyncIterator[Connection]:
    """A connection of an administrator."""
    opened = connect(real_server.credentials())
    yield opened
    await opened.close()


async def call(connection: Connection, method: str, path: str, body: Any = None, **more: Any) -> dict[str, Any]:
    """Return the document of an answer, which must be a success."""
    headers = {"accept": "application/json", "content-type": "application/json", **more.pop("headers", {})}
    response = await connection.send(Request(method, path, headers=headers, body=codec.encode(body) if body else b"", **more))
    document = codec.decode_document(response.body)
    assert response.status < 300, document
    return document


def definition_of(sample: dict[str, Any]) -> ResourceDefinition:
    """Return the built-in resource of a sample."""
    group = sample["apiVersion"].rpartition("/")[0]
    found = Registry(builtin.catalog()).find_kind(group, sample["kind"])
    assert found is not None
    return found


def collection(definition: ResourceDefinition) -> str:
    """Return the path of the resource, in the default namespace."""
    root = f"/apis/{definition.group}/v1" if definition.group else "/api/v1"
    return f"{root}/namespaces/default/{definition.plural}" if definition.namespaced else f"{root}/{definition.plural}"


def without_ages(cells: list[Any]) -> list[Any]:
    """Return cells with ages replaced, because two servers look at their clocks at different moments."""
    return [AGE.sub("AGE", cell) if isinstance(cell, str) else cell for cell in cells]


async def stored(connection: Connection, sample: dict[str, Any]) -> str:
    """Make sure that the sample is there, with its status, and return its path."""
    definition = definition_of(sample)
    path = f"{collection(definition)}/{sample['metadata']['name']}"
    if (await connection.send(Request("GET", path))).status == 200:
        return path
    await call(connection, "POST", collection(definition), {key: value for key, value in sample.items() if key != "status"})
    if "status" in sample:
        patch = {"status": sample["status"]}
        await call(connection, "PATCH", f"{path}/status", patch, headers={"content-type": "application/merge-patch+json"})
    return path


def contained(ours: Any, real: Any, path: str = "") -> list[str]:
    """Return where `ours` says something that `real` does not say."""
    if isinstance(ours, dict) and isinstance(real, dict):
        return [found for key, value in ours.items() for found in contained(value, real.get(key), f"{path}.{key}")]
    if isinstance(ours, list) and isinstance(real, list) and len(ours) == len(real):
        return [found for index, value in enumerate(ours) for found in contained(value, real[index], f"{path}[{index}]")]
    return [] if ours == real else [f"{path}: {ours!r} is {real!r} on the real server"]


every_sample = pytest.mark.parametrize("sample", SAMPLES, ids=[f"{sample['kind']} {sample['metadata']['name']}" for sample in SAMPLES])


@every_sample
async def test_table_equals_that_of_the_real_server(connection: Connection, sample: dict[str, Any]) -> None:
    definition = definition_of(sample)
    path = await stored(connection, sample)

    want = await call(connection, "GET", path, headers={"accept": TABLE}, query={"includeObject": "Object"})
    document = want["rows"][0]["object"]
    shown = tables.columns(definition, definition.storage_version)
    got = tables.to_table(shown, [document], now=SystemClock().now(), metadata={})

    assert headers(got) == headers(want)
    assert without_ages(got["rows"][0]["cells"]) == without_ages(want["rows"][0]["cells"])


def headers(table: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Return what is said of the columns, without their descriptions."""
    return [tuple(column[key] for key in ("name", "type", "format", "priority")) for column in table["columnDefinitions"]]


@every_sample
async def test_schema_knows_every_field_that_the_real_server_returns(connection: Connection, sample: dict[str, Any]) -> None:
    schema = compile_schema(definition_of(sample).storage_version.schema or {})
    document = await call(connection, "GET", await stored(connection, sample))

    pruned, unknown = schema.prune(document)

    assert unknown == []
    assert schema.validate(schema.default(pruned)) == []


@every_sample
async def test_defaults_are_those_of_the_real_server(connection: Connection, sample: dict[str, Any]) -> None:
    schema = compile_schema(definition_of(sample).storage_version.schema or {})
    document = await call(connection, "GET", await stored(connection, sample))

    ours = schema.default({key: value for key, value in sample.items() if key not in ("status", "stringData")})

    assert set(contained(ours, document)) <= {".spec.internalTrafficPolicy: 'Cluster' is None on the real server"}  # with ExternalName


async def test_resources_are_described_as_the_real_server_describes_them(connection: Connection) -> None:
    served = Registry(builtin.catalog())
    for group_version in sorted({definition.group for definition in served}):
        path = f"/apis/{group_version}/v1" if group_version else "/api/v1"
        real = {entry["name"]: entry for entry in (await call(connection, "GET", path))["resources"]}
        answer = discovery.answer(served, Request("GET", path))
        assert answer is not None

        for entry in codec.decode_document(answer.body)["resources"]:
            counterpart = real[entry["name"]]
            assert set(entry["verbs"]) <= set(counterpart["verbs"]), entry["name"]
            assert described(entry) == described(counterpart)


def described(entry: dict[str, Any]) -> dict[str, Any]:
    """Return the entry without what may differ: the server may know more verbs, and stores CustomResourceDefinitions as v1beta1."""
    return {key: value for key, value in entry.items() if key not in ("verbs", "storageVersionHash")}


async def test_custom_resources_are_described_as_the_real_server_describes_them(connection: Connection) -> None:
    served = Registry(builtin.catalog())
    for manifest in sorted(CRDS.glob("*.yaml")):
        document = yaml.safe_load(manifest.read_text())
        served.put(definition_of_crd(document))
        applied = await connection.send(
            Request(
                "PATCH",
                f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{document['metadata']['name']}",
                query={"fieldManager": "test", "force": "true"},
                headers={"content-type": "application/apply-patch+yaml"},
                body=codec.encode(document),
            )
        )
        assert applied.status in (200, 201), applied.body

    versions = {definition.api_version(version.name) for definition in served if not definition.builtin for version in definition.versions}

    for path in (f"/apis/{version}" for version in sorted(versions)):
        ours = discovery.answer(served, Request("GET", path))
        assert ours is not None
        want = codec.decode_document(ours.body)["resources"]
        async with asyncio.timeout(30):
            while by_name(await published(connection, path)) != by_name(want):
                await SystemClock().sleep(timedelta(milliseconds=200))


async def published(connection: Connection, path: str) -> list[dict[str, Any]]:
    """Return what the real server says it serves there; at first nothing, because it publishes CRDs some time after it took them."""
    response = await connection.send(Request("GET", path))
    if response.status == 404:
        return []
    return list(codec.decode_document(response.body).get("resources") or ())


def by_name(entries: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return discovery entries with their verbs in one order."""
    return {entry["name"]: {**entry, "verbs": sorted(entry["verbs"])} for entry in entries}
