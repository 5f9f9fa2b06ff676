"""Values of the wrong kind anywhere in an object: the server refuses them or takes them, and never fails over them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from capelin.runtime.documents.schema import compile_schema
from capelin.runtime.documents.structural import check_structural
from tests.apiserver.api import APPLY, CONFIG_MAPS, CRDS, SECRETS, Api, widget_crd
from tests.apiserver.schemas import CRDS as CRDS_FOLDER
from tests.apiserver.schemas import fields, widget
from tests.runtime.documents.test_structural import FIELDS

MACHINES = "/apis/cluster.x-k8s.io/v1beta2/namespaces/default/machines"
GARBAGE: tuple[Any, ...] = (None, 0, -1, 2**70, 1.5, True, "", "x\n\0", [], {}, [None], [[1]], {"": None}, {"a": {"b": []}}, [{"k": 1}])

METADATA: dict[str, Any] = {
    "name": "x",
    "namespace": "default",
    "labels": {"a": "b"},
    "annotations": {"c": "d"},
    "finalizers": ["e.f/g"],
    "ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": "1", "controller": True}],
    "managedFields": [{"manager": "m", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {}}}],
}
CONTAINER = {"name": "c", "image": "i", "ports": [{"containerPort": 80}], "env": [{"name": "E", "value": "v"}]}
POD_TEMPLATE = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [CONTAINER]}}
OBJECTS: dict[str, tuple[str, dict[str, Any]]] = {
    "Machine": (
        MACHINES,
        {
            "apiVersion": "cluster.x-k8s.io/v1beta2",
            "kind": "Machine",
            "metadata": METADATA,
            "spec": {
                "clusterName": "c",
                "bootstrap": {"dataSecretName": "s"},
                "infrastructureRef": {"apiGroup": "a.b", "kind": "K", "name": "n"},
                "readinessGates": [{"conditionType": "A"}],
                "taints": [{"key": "k", "effect": "NoSchedule", "propagation": "Always"}],
            },
        },
    ),
    "ConfigMap": (CONFIG_MAPS, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": METADATA, "data": {"a": "b"}}),
    "Secret": (SECRETS, {"apiVersion": "v1", "kind": "Secret", "metadata": METADATA, "data": {"a": "Yg=="}, "type": "Opaque"}),
    "Deployment": (
        "/apis/apps/v1/namespaces/default/deployments",
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": METADATA,
            "spec": {"replicas": 1, "selector": {"matchLabels": {"a": "b"}}, "template": POD_TEMPLATE},
        },
    ),
    "CustomResourceDefinition": (CRDS, widget_crd()),
}


def spoilt(value: Any) -> Iterator[Any]:
    """Yield the value with garbage in each place in turn."""
    yield from GARBAGE
    if isinstance(value, dict):
        for name, child in value.items():
            for bad in spoilt(child):
                yield {**value, name: bad}
    elif isinstance(value, list):
        for index, child in enumerate(value):
            for bad in spoilt(child):
                yield [*value[:index], bad, *value[index + 1 :]]


@pytest.fixture
async def served(api: Api) -> Api:
    await api.have(CRDS, yaml.load((CRDS_FOLDER / "cluster.x-k8s.io_machines.yaml").read_text(), yaml.CSafeLoader))
    return api


@pytest.mark.slow
@pytest.mark.parametrize("kind", OBJECTS)
async def test_garbage_in_an_object_is_no_reason_to_fail(served: Api, kind: str) -> None:
    collection, good = OBJECTS[kind]
    assert (await served.create(collection, good)).status in (201, 409)
    name = good["metadata"]["name"]

    for bad in spoilt(good):
        answers = [
            await served.create(collection, bad, dryRun="All"),
            await served.update(f"{collection}/{name}", bad, dryRun="All"),
            await served.patch(f"{collection}/{name}", bad, dryRun="All"),
            await served.patch(f"{collection}/{name}", bad, media=APPLY, dryRun="All", fieldManager="g", force="true"),
        ]
        failed = [answer for answer in answers if answer.status >= 500 and "failed to create typed patch object" not in answer.message]
        assert not failed, f"{bad}: {failed[0].body}"


@pytest.mark.slow
@pytest.mark.parametrize("schema", [case[1] for case in FIELDS], ids=[case[0] for case in FIELDS])
def test_garbage_in_a_schema_is_told_and_what_passes_can_be_used(schema: dict[str, Any]) -> None:
    good = {
        **fields(f=schema),
        "x-kubernetes-validations": [{"rule": "true", "message": "m"}],
        "required": ["f"],
        "anyOf": [{"required": ["f"]}],
    }

    for bad in spoilt(good):
        if check_structural(bad):
            continue
        usable = compile_schema(bad)
        for value in (*GARBAGE, {"f": [{"k": "a"}, {"k": "a"}]}):
            document = usable.default(usable.prune(widget() | {"f": value})[0])
            usable.validate(document, document)
