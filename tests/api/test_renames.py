"""Every field that v1beta1 had is the same in v1beta2, or the table says what became of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from capelin.api.crds import KINDS
from capelin.api.renames import ARGUMENTS, GROUP, SECONDS, TABLE, ZONES, Rename, Renamed, renamed_fields
from capelin.api.structural import schema
from hack.v1beta1_fields import fields

OLD = [json.loads(line) for line in (Path(__file__).parent / "v1beta1_fields.jsonl").read_text().splitlines()]
NEW = {kind.resource.kind: dict(fields(schema(kind)["properties"].get("spec", {}), "spec")) for kind in KINDS}
TYPES = {SECONDS: "integer", ARGUMENTS: "array", ZONES: "array", GROUP: "string"}
each_kind = pytest.mark.parametrize("old", OLD, ids=lambda old: old["kind"])


def covering(entries: Mapping[str, Rename], place: str) -> Rename | None:
    """Return the entry for a place: its own, or that of the closest place around it."""
    while place and place not in entries:
        place = place[: max(place.rfind("."), place.rfind("["), place.rfind("{"), 0)]
    return entries.get(place)


def unexplained(entries: Mapping[str, Rename], new: Mapping[str, str], place: str, type_: str) -> bool:
    """Tell whether a reader of the table would look for a field where it is not."""
    entry = covering(entries, place)
    if entry is None:
        return new.get(place) != type_
    if entry.gone or (entry.form and entry.old != place):
        return False  # it is told why there is none, or what it is instead
    now = entry.new + place.removeprefix(entry.old)
    return new.get(now) != (TYPES[entry.form.partition(", in")[0]] if entry.form else type_)


@each_kind
def test_every_field_is_the_same_or_explained(old: dict[str, Any]) -> None:
    entries, new = {entry.old: entry for entry in TABLE.get(old["kind"], ())}, NEW[old["kind"]]

    assert [place for place, type_ in old["fields"].items() if unexplained(entries, new, place, type_)] == []


@each_kind
def test_what_is_told_of_was_there(old: dict[str, Any]) -> None:
    assert [entry.old for entry in TABLE.get(old["kind"], ()) if entry.old not in old["fields"]] == []


@each_kind
def test_what_is_gone_is_nowhere(old: dict[str, Any]) -> None:
    assert [entry.old for entry in TABLE.get(old["kind"], ()) if entry.gone and entry.old in NEW[old["kind"]]] == []


@each_kind
def test_every_place_is_told_of_once(old: dict[str, Any]) -> None:
    places = [entry.old for entry in TABLE.get(old["kind"], ())]

    assert len(places) == len(set(places))


def test_the_table_has_no_kind_without_an_older_version() -> None:
    assert set(TABLE) - {old["kind"] for old in OLD} == set()


@pytest.mark.parametrize(
    ("kind", "spec", "want"),
    [
        pytest.param(
            "Machine",
            {"nodeDrainTimeout": "10m"},
            [Renamed("spec.nodeDrainTimeout", "is spec.deletion.nodeDrainTimeoutSeconds in v1beta2, a number of seconds (10m → 600)")],
            id="a duration",
        ),
        pytest.param(
            "Machine",
            {"nodeDrainTimeout": "soon"},
            [Renamed("spec.nodeDrainTimeout", "is spec.deletion.nodeDrainTimeoutSeconds in v1beta2, a number of seconds")],
            id="no duration",
        ),
        pytest.param(
            "Cluster",
            {"infrastructureRef": {"apiVersion": "infrastructure.cluster.x-k8s.io/v1beta1", "kind": "DevCluster", "uid": "x"}},
            [
                Renamed(
                    "spec.infrastructureRef.apiVersion",
                    "is spec.infrastructureRef.apiGroup in v1beta2, the group without the version "
                    "(infrastructure.cluster.x-k8s.io/v1beta1 → infrastructure.cluster.x-k8s.io)",
                ),
                Renamed("spec.infrastructureRef.uid", "is not in v1beta2: it never did anything"),
            ],
            id="a reference",
        ),
        pytest.param(
            "MachineHealthCheck",
            {"unhealthyConditions": [{"type": "Ready"}, {"timeout": "5m"}]},
            [
                Renamed("spec.unhealthyConditions", "is spec.checks.unhealthyNodeConditions in v1beta2"),
                Renamed(
                    "spec.unhealthyConditions[1].timeout",
                    "is spec.checks.unhealthyNodeConditions[1].timeoutSeconds in v1beta2, a number of seconds (5m → 300)",
                ),
            ],
            id="an item of a list",
        ),
        pytest.param(
            "KubeadmConfig",
            {"clusterConfiguration": {"apiServer": {"extraArgs": {"token": "secret"}}}},
            [Renamed("spec.clusterConfiguration.apiServer.extraArgs", "is a list of objects with name and value in v1beta2")],
            id="arguments, whose values are not told",
        ),
        pytest.param("IPAddress", {"address": "10.0.0.1"}, [], id="a kind that stayed the same"),
        pytest.param("Machine", None, [], id="no spec"),
        pytest.param("Machine", ["nodeDrainTimeout"], [], id="a spec that is a list"),
    ],
)
def test_the_fields_of_a_document_are_told_in_order(kind: str, spec: Any, want: list[Renamed]) -> None:
    assert renamed_fields({"kind": kind, "spec": spec}) == want
