"""The generated CRDs say what the standard's say: names, columns, subresources and every constraint of every field."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from capelin.api.crds import CONTRACT_LABEL, CORE_LABEL, INSTALLED_LABEL, KINDS, all_crds, crd
from capelin.api.labels import PROVIDER_LABEL
from capelin.api.machinedeployment import MachineDeployment
from capelin.api.machinepool import MachinePool
from capelin.api.meta import Object

EXPECTED_KINDS = 25
EXPECTED_STATEMENTS = 8_350
"""A little below what all kinds carry, so that a comparison of nothing cannot pass."""

KIND_IDS = [kind.resource.kind for kind in KINDS]


@pytest.fixture(scope="module")
def reference() -> Path:
    found = os.environ.get("CAPELIN_REFERENCE")
    if found is None:
        pytest.skip("CAPELIN_REFERENCE is not set: there are no facts of the standard to compare with")
    return Path(found) / "crds"


def facts_of(reference: Path, kind: type[Object]) -> dict[str, Any]:
    """Return what the standard's CRD says about the version that is served here."""
    path = reference / f"{kind.resource}.json"
    assert path.is_file(), f"{path} is missing although CAPELIN_REFERENCE is set"
    facts = json.loads(path.read_text())
    (version,) = (version for version in facts["versions"] if version["name"] == kind.resource.version)
    return {key: facts[key] for key in ("group", "names", "scope")} | {"version": version}


def told_by(document: dict[str, Any]) -> dict[str, Any]:
    """Return the same facts about a generated CRD."""
    spec = document["spec"]
    (version,) = spec["versions"]
    told = {**version, "schema": without_descriptions(version["schema"]["openAPIV3Schema"])}
    return {key: spec[key] for key in ("group", "names", "scope")} | {"version": told}


def without_descriptions(schema: dict[str, Any]) -> dict[str, Any]:
    found = {key: value for key, value in schema.items() if key != "description"}
    if "properties" in found:
        found["properties"] = {name: without_descriptions(value) for name, value in found["properties"].items()}
    for key in ("items", "additionalProperties"):
        if key in found:
            found[key] = without_descriptions(found[key])
    return found


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every single statement with its path; an empty object or list is one too."""
    match value:
        case dict() if value:
            for key, inner in value.items():
                yield from leaves(inner, f"{path}.{key}")
        case list() if value:
            for index, inner in enumerate(sorted(value) if path.endswith(".required") else value):
                yield from leaves(inner, f"{path}[{index}]")
        case _:
            yield path, value


@pytest.mark.parametrize("kind", KINDS, ids=KIND_IDS)
def test_a_crd_equals_the_standards_statement_by_statement(kind: type[Object], reference: Path) -> None:
    want = dict(leaves(facts_of(reference, kind)))

    got = dict(leaves(told_by(crd(kind))))

    assert {path: (want.get(path), got.get(path)) for path in want.keys() | got.keys() if want.get(path, ...) != got.get(path, ...)} == {}


def test_the_comparison_covers_every_kind_and_all_they_state(reference: Path) -> None:
    counts = {kind.resource.kind: sum(1 for _ in leaves(facts_of(reference, kind))) for kind in KINDS}

    print(f"compared {len(counts)} CRDs, {sum(counts.values())} statements: {counts}")  # noqa: T201  # the figure belongs in the log
    assert len(counts) == EXPECTED_KINDS
    assert sum(counts.values()) >= EXPECTED_STATEMENTS


PROVIDER_OF = {
    "cluster.x-k8s.io": "cluster-api",
    "addons.cluster.x-k8s.io": "cluster-api",
    "ipam.cluster.x-k8s.io": "cluster-api",
    "runtime.cluster.x-k8s.io": "cluster-api",
    "bootstrap.cluster.x-k8s.io": "bootstrap-kubeadm",
    "controlplane.cluster.x-k8s.io": "control-plane-kubeadm",
    "infrastructure.cluster.x-k8s.io": "infrastructure-dev",
    "clusterctl.cluster.x-k8s.io": None,
}


@pytest.mark.parametrize("kind", KINDS, ids=KIND_IDS)
def test_every_crd_is_labelled_for_the_tools_of_the_field(kind: type[Object]) -> None:
    labels = crd(kind)["metadata"]["labels"]

    assert labels[INSTALLED_LABEL] == ""
    assert labels.get(PROVIDER_LABEL) == PROVIDER_OF[kind.resource.group]


def test_exactly_the_inventory_is_marked_as_what_no_removal_of_a_provider_may_take_along() -> None:
    marked = {document["spec"]["names"]["kind"]: document["metadata"]["labels"].get(CORE_LABEL) for document in all_crds()}

    assert {kind: value for kind, value in marked.items() if value is not None} == {"Provider": "inventory", "Metadata": "inventory"}


@pytest.mark.parametrize("kind", KINDS, ids=KIND_IDS)
def test_exactly_the_kinds_of_replaceable_providers_carry_the_contract_label(kind: type[Object]) -> None:
    replaceable = kind.resource.group.partition(".")[0] in ("bootstrap", "controlplane", "infrastructure")

    assert crd(kind)["metadata"]["labels"].get(CONTRACT_LABEL) == ("v1beta2" if replaceable else None)


def test_a_kind_is_served_for_the_whole_cluster_only_where_its_objects_belong_to_no_namespace() -> None:
    scopes = {document["spec"]["names"]["kind"]: document["spec"]["scope"] for document in all_crds()}

    assert {kind for kind, scope in scopes.items() if scope != "Namespaced"} == {"ExtensionConfig"}


def test_what_is_never_stored_is_not_among_what_is_listed_together() -> None:
    names = {document["spec"]["names"]["kind"]: document["spec"]["names"].get("categories") for document in all_crds()}

    assert {kind: found for kind, found in names.items() if found != ["cluster-api"]} == {"Metadata": None}


def test_a_pool_is_scaled_without_a_selector_and_a_deployment_with_one() -> None:
    pool, deployment = (crd(kind)["spec"]["versions"][0]["subresources"]["scale"] for kind in (MachinePool, MachineDeployment))

    assert pool == {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}
    assert deployment == pool | {"labelSelectorPath": ".status.selector"}


def described(schema: dict[str, Any], path: str) -> Iterator[tuple[str, str]]:
    """Yield the description of an object and of each field in it."""
    yield path, schema.get("description", "")
    for name, value in schema.get("properties", {}).items():
        yield from described(value, f"{path}.{name}")
    for inner in (schema.get("items"), schema.get("additionalProperties")):
        if inner and "properties" in inner:
            yield from described(inner, f"{path}[]")


@pytest.mark.parametrize("kind", KINDS, ids=KIND_IDS)
def test_every_field_is_explained_in_a_sentence_that_begins_with_its_name(kind: type[Object]) -> None:
    schema = crd(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]

    texts = dict(described(schema, kind.resource.kind))
    del texts[f"{kind.resource.kind}.metadata"]  # servers refuse a schema that says anything of the metadata

    assert [path for path, text in texts.items() if not text] == []
    fields = {path: text for path, text in texts.items() if "." in path and not path.endswith("]")}
    assert [path for path, text in fields.items() if not text.startswith(path.rpartition(".")[2] + " ")] == []
    assert [path for path, text in fields.items() if not text.endswith(".")] == []
