"""Bodies under attack (A21) and objects that are too much (A22): the API server refuses them, and neither fails nor grows."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest

from tests.apiserver.api import CONFIG_MAPS, NAMESPACES, WIDGETS, Answer, Api, config_map, widget, widget_crd
from tests.apiserver.api import CRDS as DEFINITIONS
from tests.apiserver.conftest import api

__all__ = ["api"]

MIB = 1024 * 1024
GROWTH_LIMIT = 50 * MIB
JSON, YAML, PROTOBUF = "application/json", "application/yaml", "application/vnd.kubernetes.protobuf"
HEAD = b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":'
YAML_HEAD = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: "


def laughs() -> bytes:
    """Return a billion laughs: nine lists of nine aliases each."""
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]" for before, name in zip("abcdefgh", "bcdefghi", strict=True)]
    return "\n".join(lines).encode()


BODIES = {
    "a billion laughs": (YAML, laughs(), 400),
    "a merge of an alias": (YAML, b"a: &a {x: 1}\nb: {<<: *a}\n", 400),
    "50 MB of spaces": (JSON, b" " * 50_000_000, 413),
    "50 MB of YAML": (YAML, b"a: " + b"x" * 50_000_000, 413),
    "JSON lists, 3 million deep": (JSON, b"[" * 3_000_000, 400),
    "JSON objects, 10000 deep": (JSON, b'{"a":' * 10_000 + b"1" + b"}" * 10_000, 400),
    "JSON objects, 10000 deep inside": (JSON, HEAD + b'{"a":' * 10_000 + b"1" + b"}" * 10_001, 400),
    "YAML lists, 3 million deep": (YAML, b"[" * 3_000_000, 400),
    "YAML mappings, 700000 deep": (YAML, b"{a: " * 700_000, 400),
    "YAML lists on one line": (YAML, b"- " * 1_400_000, 400),
    "YAML keys of keys": (YAML, b"? " * 1_400_000, 400),
    "protobuf, 100000 deep": (PROTOBUF, b"k8s\x00" + b"\x0a" * 100_000, 400),
    "protobuf that says nothing": (PROTOBUF, b"k8s\x00" + b"\xff" * 1000, 400),
    "not a number": (JSON, HEAD + b'{"a":NaN}}', 400),
    "no end": (JSON, HEAD + b'{"a":Infinity}}', 400),
    "a float out of range": (JSON, HEAD + b'{"a":1e999}}', 400),
    "a number of a million digits": (JSON, HEAD + b'{"a":' + b"9" * 1_000_000 + b"}}", 400),
    "a number of a million digits in YAML": (YAML, YAML_HEAD + b"{a: " + b"9" * 1_000_000 + b"}", 400),
    "a float that is not a number in YAML": (YAML, YAML_HEAD + b"{a: !!float .nan}", 400),
    "a Python object": (YAML, b"!!python/object/apply:os.system ['true']", 400),
    "bytes": (YAML, YAML_HEAD + b"!!binary aGk=", 400),
    "a set": (YAML, YAML_HEAD + b"!!set {a, b}", 400),
    "a time": (YAML, YAML_HEAD + b"!!timestamp 2020-01-01", 400),
    "a list as a key": (YAML, b"? [a, b]\n: c\n", 400),
    "two documents": (YAML, b"a: b\n---\nc: d\n", 400),
    "half a character": (JSON, HEAD + b'{"a":"\xff\xfe"}}', 400),
    "half a surrogate": (JSON, HEAD + b'{"a":"\\ud800"}}', 400),
    "nothing": (JSON, b"", 400),
    "null": (JSON, b"null", 400),
    "a list": (JSON, b"[]", 400),
}


@pytest.fixture
def growth() -> Iterator[None]:
    """Fail when a test needs more memory than an attack may cost."""
    tracemalloc.start()
    yield
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < GROWTH_LIMIT


async def sent(api: Api, media: str, body: bytes) -> Answer:
    return await api.call("POST", CONFIG_MAPS, body, media=media, fieldValidation="Strict")


@pytest.mark.usefixtures("growth")
@pytest.mark.parametrize("case", BODIES)
async def test_a21_a_hostile_body_is_refused_and_the_server_answers_on(api: Api, case: str) -> None:
    media, body, status = BODIES[case]

    got = await sent(api, media, body)

    assert (got.status, got.body["kind"]) == (status, "Status")
    assert len(got.message) < 2000
    assert (await api.create(CONFIG_MAPS, config_map("fine"))).status == 201


@pytest.mark.parametrize(
    ("media", "body"),
    [
        (JSON, b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x","name":"y"},"data":{"a":"1","a":"2"}}'),
        (YAML, b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, name: z}\ndata: {a: '1', a: '2'}\n"),
    ],
    ids=["JSON", "YAML"],
)
async def test_a21_what_is_written_twice_is_told(api: Api, media: str, body: bytes) -> None:
    got = await sent(api, media, body)

    assert got.status == 400
    assert "duplicate field" in got.message


async def test_a21_a_flood_of_repeated_keys_is_told_in_part(api: Api) -> None:
    body = HEAD + b"{" + b",".join(b'"a%d":"1"' % (number % 20_000) for number in range(40_000)) + b"}}"

    got = await sent(api, JSON, body)

    assert got.status == 400
    assert got.message.count("duplicate field") == 100


@pytest.mark.parametrize("replicas", [2**63, -(2**63) - 1, 2**31, -1, "1e3", None], ids=str)
async def test_a22_replica_counts_that_no_controller_could_keep_are_refused(api: Api, replicas: object) -> None:
    await api.have(DEFINITIONS, widget_crd())

    got = await api.create(WIDGETS, widget("w", spec={"size": "small", "replicas": replicas}))

    if replicas is None:  # null is no value, so the default counts
        assert got.body["spec"]["replicas"] == 1
    else:
        assert got.status == 422


async def test_a22_an_object_that_no_etcd_would_take_is_refused(api: Api) -> None:
    got = await api.create(CONFIG_MAPS, config_map("x", data={"a": "x" * 1_600_000}))

    assert (got.status, got.body["reason"]) == (413, "RequestEntityTooLarge")
    assert (await api.get(f"{CONFIG_MAPS}/x")).status == 404


async def test_a22_labels_count_towards_the_size_of_an_object(api: Api) -> None:
    labels = {f"{number:063d}": "v" * 63 for number in range(10_000)}

    got = await api.create(CONFIG_MAPS, config_map("x", labels=labels))

    assert got.status == 413


@pytest.mark.parametrize(
    "metadata",
    [
        {"annotations": {"a": "x" * 262_145}},
        {"labels": {"a": "x" * 64}},
        {"labels": {"a" * 64: "x"}},
        {"name": "x" * 254},
        {"generateName": "x" * 300},
        {"finalizers": ["no prefix"]},
    ],
    ids=lambda metadata: ", ".join(metadata),
)
async def test_a22_metadata_beyond_what_kubernetes_allows_is_refused(api: Api, metadata: dict[str, object]) -> None:
    document = config_map("x")
    document["metadata"] |= metadata

    assert (await api.create(CONFIG_MAPS, document)).status == 422


async def test_a22_growing_an_object_by_small_patches_ends_at_the_limit(api: Api) -> None:
    await api.have(CONFIG_MAPS, config_map("x"))
    answers = [await api.patch(f"{CONFIG_MAPS}/x", {"data": {f"k{number}": "x" * 400_000}}) for number in range(4)]

    assert [answer.status for answer in answers] == [200, 200, 200, 413]
    assert (await api.get(NAMESPACES)).status == 200
