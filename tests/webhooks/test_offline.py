"""Manifests are judged without a server as a server would judge them, all of a call together."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from capelin.webhooks.offline import DUPLICATE_FIELD, RENAMED_FIELD, UNKNOWN_FIELD, Verdict, judge, opened

MACHINE: dict[str, Any] = {
    "apiVersion": "cluster.x-k8s.io/v1beta2",
    "kind": "Machine",
    "metadata": {"name": "worker"},
    "spec": {
        "clusterName": "demo",
        "bootstrap": {"dataSecretName": "data"},
        "infrastructureRef": {"apiGroup": "infrastructure.cluster.x-k8s.io", "kind": "DevMachine", "name": "worker"},
    },
}
CLAIM: dict[str, Any] = {
    "apiVersion": "ipam.cluster.x-k8s.io/v1beta2",
    "kind": "IPAddressClaim",
    "metadata": {"name": "worker"},
    "spec": {"poolRef": {"apiGroup": "ipam.example.com", "kind": "Pool", "name": "blue"}},
}
ADDRESS: dict[str, Any] = {
    "apiVersion": "ipam.cluster.x-k8s.io/v1beta2",
    "kind": "IPAddress",
    "metadata": {"name": "worker"},
    "spec": {
        "claimRef": {"name": "worker"},
        "poolRef": {"apiGroup": "ipam.example.com", "kind": "Pool", "name": "green"},
        "address": "10.0.0.10",
        "prefix": 24,
        "gateway": "10.0.0.1",
    },
}


def changed(document: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return the document with another value at a dotted path."""
    result = deepcopy(document)
    *around, last = path.split(".")
    inside = result
    for step in around:
        inside = inside.setdefault(step, {})
    inside[last] = value
    return result


async def verdict(*documents: Any, duplicates: tuple[str, ...] = (), **how: Any) -> Verdict:
    """Return what is said of the first document."""
    return (await judge([(document, duplicates) for document in documents], **how))[0]


async def told(*documents: Any, **how: Any) -> list[tuple[str, str]]:
    """Return field and reason of each error of the first document."""
    return [(cause.field, cause.reason) for cause in (await verdict(*documents, **how)).errors]


async def test_a_valid_object_has_no_errors() -> None:
    assert await verdict(MACHINE) == Verdict("Machine", (await verdict(MACHINE)).key)


async def test_an_object_without_a_namespace_is_in_the_one_of_the_call() -> None:
    assert str((await verdict(MACHINE, namespace="team")).key) == "team/worker"


async def test_defaults_are_filled_in_before_the_schema_is_asked() -> None:
    without_prefix = changed(MACHINE, "spec.version", "1.34.0")

    assert await told(without_prefix) == []


@pytest.mark.parametrize(
    ("path", "value", "want"),
    [
        pytest.param("spec.clusterNmae", "x", ("spec.clusterNmae", UNKNOWN_FIELD), id="an unknown field"),
        pytest.param("spec.clusterName", 1, ("spec.clusterName", "FieldValueTypeInvalid"), id="a wrong type"),
        pytest.param("spec.version", "v1", ("spec.version", "FieldValueInvalid"), id="a broken rule"),
        pytest.param("metadata.name", "UPPER", ("metadata.name", "FieldValueInvalid"), id="no name"),
        pytest.param("metadata.labels", {"a": 1}, ("metadata.labels.a", "FieldValueTypeInvalid"), id="a label that is no text"),
        pytest.param("metadata", [], ("metadata", "FieldValueTypeInvalid"), id="metadata that are a list"),
        pytest.param("metadata.namespace", "a.b", ("metadata.namespace", "FieldValueInvalid"), id="no namespace"),
        pytest.param("apiVersion", "cluster.x-k8s.io/v9", ("apiVersion", "FieldValueNotSupported"), id="a version there is not"),
        pytest.param("kind", "Machin", ("kind", "FieldValueNotSupported"), id="a kind there is not"),
        pytest.param("kind", None, ("kind", "FieldValueRequired"), id="no kind"),
    ],
)
async def test_an_error_names_its_field(path: str, value: Any, want: tuple[str, str]) -> None:
    assert await told(changed(MACHINE, path, value)) == [want]


async def test_an_object_of_v1beta1_is_told_the_version_and_its_fields() -> None:
    old = changed(changed(MACHINE, "apiVersion", "cluster.x-k8s.io/v1beta1"), "spec.nodeDrainTimeout", "10m")

    found = await verdict(old)

    version, field = found.errors
    assert str(found.key) == "default/worker"
    assert version.message == 'Unsupported value: "cluster.x-k8s.io/v1beta1": supported values: "cluster.x-k8s.io/v1beta2"'
    assert (field.field, field.reason) == ("spec.nodeDrainTimeout", RENAMED_FIELD)


async def test_unknown_fields_hide_no_other_error() -> None:
    wrong = changed(changed(MACHINE, "spec.vers", "x"), "spec.version", "v1")

    assert [field for field, _ in await told(wrong)] == ["spec.vers", "spec.version"]


@pytest.mark.parametrize(
    ("path", "want"),
    [("spec.clusterNmae", "clusterName"), ("spec.bootstrap.configref", "configRef"), ("metadata.label", "labels")],
    ids=["in the spec", "below it", "in the metadata"],
)
async def test_an_unknown_field_that_nearly_exists_is_named(path: str, want: str) -> None:
    (cause,) = (await verdict(changed(MACHINE, path, {}))).errors

    assert cause.message == f"the field is unknown; did you mean {want}?"


async def test_a_field_written_twice_is_an_error() -> None:
    assert await told(MACHINE, duplicates=("spec.clusterName",)) == [("spec.clusterName", DUPLICATE_FIELD)]


async def test_a_generated_name_is_a_name() -> None:
    assert await told(changed(changed(MACHINE, "metadata", {}), "metadata.generateName", "worker-")) == []


async def test_a_name_that_is_missing_is_required() -> None:
    assert await told(changed(MACHINE, "metadata", {})) == [("metadata.name", "FieldValueRequired")]


@pytest.mark.parametrize("value", [1, "text", [], True], ids=str)
async def test_what_is_no_object_is_an_error(value: Any) -> None:
    assert await told(value) == [("", "FieldValueInvalid")]


async def test_objects_find_each_other_in_the_call() -> None:
    alone, together = await told(ADDRESS), await told(ADDRESS, CLAIM)

    assert (alone, together) == ([], [("spec.poolRef", "FieldValueInvalid")])


async def test_objects_of_other_namespaces_are_not_meant() -> None:
    assert await told(ADDRESS, changed(CLAIM, "metadata.namespace", "elsewhere")) == []


@pytest.mark.parametrize(
    ("api_version", "kind"),
    [("v1", "Secret"), ("infrastructure.cluster.x-k8s.io/v1beta2", "AWSCluster"), ("example.com/v1", "Cluster")],
    ids=["of Kubernetes", "of another provider", "of the same name"],
)
async def test_kinds_of_others_are_skipped(api_version: str, kind: str) -> None:
    found = await verdict({"apiVersion": api_version, "kind": kind, "metadata": {"name": "x"}})

    assert (found.errors, found.skipped.startswith(f"no rules are known for {kind}")) == ((), True)


async def test_a_status_is_not_judged() -> None:
    assert await told(changed(MACHINE, "status", {"phase": 1})) == []


async def test_what_nothing_acts_on_is_warned_of() -> None:
    found = await verdict(CLAIM, unattended=("IPAddressClaim",))

    assert "nothing acts on it" in found.warnings[0]


def test_a_list_is_opened() -> None:
    nested = {"kind": "MachineList", "items": [{"kind": "List", "items": [MACHINE]}, CLAIM]}

    assert list(opened(nested)) == [("items[0].items[0].", MACHINE), ("items[1].", CLAIM)]
