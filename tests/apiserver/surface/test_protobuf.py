"""Bodies of typed Go clients against the JSON the same objects have in Go."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from capelin.apiserver import builtin
from capelin.apiserver.surface import protobuf
from capelin.runtime.codec import DecodeError

CASES = [json.loads(line) for line in (Path(__file__).parent / "protobuf_bodies.jsonl").read_text().splitlines()]


def dense(value: Any) -> Any:
    """Return `value` without zero values: Go's JSON writes some of them where protobuf cannot tell them from absent ones."""
    if isinstance(value, dict):
        kept = {key: dense(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item not in (None, "", 0, False) and item not in ({}, [])}
    return [dense(item) for item in value] if isinstance(value, list) else value


def field(number: int, value: bytes | int) -> bytes:
    """Return one protobuf field (of at most 127 bytes)."""
    return bytes([number << 3, value]) if isinstance(value, int) else bytes([number << 3 | 2, len(value)]) + value


def body(api_version: str, kind: str, raw: bytes) -> bytes:
    """Return what a client sends for an object whose fields are `raw`."""
    type_meta = field(1, api_version.encode()) + field(2, kind.encode())
    return b"k8s\x00" + field(1, type_meta) + field(2, raw)


@pytest.mark.parametrize("case", CASES, ids=[f"{case['object'].get('apiVersion')}/{case['object'].get('kind')}" for case in CASES])
def test_body_means_what_the_go_client_meant(case: dict[str, Any]) -> None:
    got = protobuf.decode(base64.b64decode(case["body"]))

    assert dense(got) == dense(case["object"])


def test_every_builtin_kind_is_covered() -> None:
    covered = {(case["object"]["apiVersion"].rpartition("/")[0], case["object"]["kind"]) for case in CASES}

    assert covered >= {(d.group, d.kind) for d in builtin.catalog().definitions.values()} - {
        ("apiextensions.k8s.io", "CustomResourceDefinition")
    }


def test_zero_is_kept_where_go_has_a_pointer() -> None:
    spec = field(1, 0) + field(5, 0)  # replicas, a pointer, and minReadySeconds, which is none

    got = protobuf.decode(body("apps/v1", "Deployment", field(2, spec)))

    assert got["spec"] == {"replicas": 0}


def test_empty_message_is_kept_where_go_has_a_pointer() -> None:
    volume = field(1, b"scratch") + field(2, field(2, b""))  # emptyDir: {}

    got = protobuf.decode(body("v1", "Pod", field(2, field(1, volume))))

    assert got["spec"]["volumes"] == [{"name": "scratch", "emptyDir": {}}]


def test_delete_options_are_read_in_any_group() -> None:
    got = protobuf.decode(body("apps/v1", "DeleteOptions", field(4, b"Foreground")))

    assert got == {"apiVersion": "apps/v1", "kind": "DeleteOptions", "propagationPolicy": "Foreground"}


def test_fields_of_a_newer_version_are_skipped() -> None:
    got = protobuf.decode(body("v1", "ConfigMap", field(15, b"?") + field(4, 1)))

    assert got == {"apiVersion": "v1", "kind": "ConfigMap", "immutable": True}


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b'{"kind":"Pod"}', id="JSON"),
        pytest.param(b"k8s\x00\x0a\x7f", id="a length beyond the end"),
        pytest.param(b"k8s\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", id="an endless number"),
        pytest.param(b"k8s\x00\x0b", id="a wire type nobody uses"),
        pytest.param(body("v1", "Pod", field(1, 7)), id="a number for a message"),
        pytest.param(body("v1", "ConfigMap", field(4, b"yes")), id="bytes for a boolean"),
        pytest.param(body("v1", "ConfigMap", field(2, field(1, b"\xff"))), id="a string that is no UTF-8"),
        pytest.param(body("example.com/v1", "Widget", b""), id="a custom resource"),
    ],
)
def test_body_that_cannot_be_read_is_refused(data: bytes) -> None:
    with pytest.raises(DecodeError):
        protobuf.decode(data)
