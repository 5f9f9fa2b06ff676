"""The samples are valid: every document fits its schema, has no field the schema does not know, and admission would refuse none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from capelin.api.crds import KINDS, crd
from capelin.api.defaults import default_kubeadmconfig, default_machinedeployment, default_machineset
from capelin.api.grouprules import machinedeployment_refusals, machineset_refusals
from capelin.api.kubeadmconfig import KubeadmConfig
from capelin.api.kubeadmconfigrules import kubeadmconfig_refusals
from capelin.api.machinedeployment import MachineDeployment
from capelin.api.machineset import MachineSet
from capelin.api.meta import Model, Object
from capelin.api.refusals import Refusal
from capelin.api.structural import schema

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = sorted((ROOT / "config" / "samples").glob("*.yaml"))

KIND_OF = {(kind.resource.api_version, kind.resource.kind): kind for kind in KINDS}

ADMISSION: dict[type[Object], Callable[[Any], list[Refusal]]] = {
    MachineSet: lambda machineset: machineset_refusals(default_machineset(machineset)),
    MachineDeployment: lambda deployment: machinedeployment_refusals(default_machinedeployment(deployment)),
    KubeadmConfig: lambda config: kubeadmconfig_refusals(default_kubeadmconfig(config)),
}


DOCUMENTS = [
    pytest.param(document, id=f"{path.stem}-{document['kind']}-{document['metadata']['name']}")
    for path in SAMPLES
    for document in yaml.safe_load_all(path.read_text())
]


def unknown_fields(value: object, path: str = "") -> Iterator[str]:
    """Yield the paths of fields that the types do not name."""
    if isinstance(value, Model):
        yield from (f"{path}.{name}" for name in value.model_extra or {})
        for name, inner in value.__dict__.items():
            yield from unknown_fields(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from unknown_fields(inner, f"{path}[{index}]")


def parsed(document: dict[str, Any]) -> Object:
    return KIND_OF[document["apiVersion"], document["kind"]].parse(document)


def test_there_is_a_sample() -> None:
    assert [path.name for path in SAMPLES] == ["quickstart.yaml"]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_sample_fits_its_schema(document: dict[str, Any]) -> None:
    kind = KIND_OF[document["apiVersion"], document["kind"]]

    assert [error.message for error in jsonschema_rs.Draft4Validator(schema(kind)).iter_errors(document)] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_sample_has_only_fields_that_exist(document: dict[str, Any]) -> None:
    assert list(unknown_fields(parsed(document))) == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_admission_would_refuse_no_sample(document: dict[str, Any]) -> None:
    obj = parsed(document)

    assert ADMISSION.get(type(obj), lambda _: [])(obj) == []


def test_the_sample_ships_inside_the_package() -> None:
    packaged = resources.files("capelin.cli").joinpath("quickstart.yaml").read_text()

    assert packaged == (ROOT / "config" / "samples" / "quickstart.yaml").read_text()


def test_the_kustomization_lists_every_crd() -> None:
    listed = yaml.safe_load((ROOT / "config" / "crd" / "kustomization.yaml").read_text())["resources"]

    want = {f"bases/{document['spec']['group']}_{document['spec']['names']['plural']}.yaml" for document in map(crd, KINDS)}
    assert sorted(listed) == sorted(want)
