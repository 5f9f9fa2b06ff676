"""The same writes on the real server and on ours: object, owners and refusals are equal after every step."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import yaml

from tests.apiserver.api import CONFIG_MAPS, CRDS, Api
from tests.apiserver.schemas import CRDS as CRDS_FOLDER
from tests.apiserver.sidebyside import Document, Ours, Server, Step, comparable, connected, until_served, write
from tests.integration.realserver import RealServer

pytestmark = [pytest.mark.real, pytest.mark.slow]

VERSION = "cluster.x-k8s.io/v1beta2"
MACHINES = f"/apis/{VERSION}/namespaces/default/machines"
TIME = "2026-01-01T00:00:00Z"
BASE = {"clusterName": "c", "bootstrap": {"dataSecretName": "s"}, "infrastructureRef": {"apiGroup": "a.b", "kind": "K", "name": "n"}}


@pytest.fixture
async def both(real_server: RealServer, api: Api) -> AsyncIterator[tuple[Server, Server]]:
    """The real server and ours, both with our Machines."""
    crd = yaml.load((CRDS_FOLDER / "cluster.x-k8s.io_machines.yaml").read_text(), yaml.CSafeLoader)
    with connected(real_server) as theirs:
        for server in (theirs, Ours(api)):
            await server("POST", CRDS, crd)
            await until_served(server, MACHINES)
        yield theirs, Ours(api)


def machine(spec: Any = None, *, status: Any = None, **metadata: Any) -> Document:
    parts = {"spec": spec, "status": status}
    found = {name: part for name, part in parts.items() if part is not None}
    return {"apiVersion": VERSION, "kind": "Machine", "metadata": {"name": "m", "namespace": "default", **metadata}, **found}


def config_map(data: Any = None, **metadata: Any) -> Document:
    document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "default", **metadata}}
    return document if data is None else {**document, "data": data}


def having(*path: str, value: Any) -> Callable[[Document], Document]:
    """Return the change that sets a field; None removes it."""

    def change(document: Document) -> Document:
        below = document
        for name in path[:-1]:
            below = below.setdefault(name, {})
        below[path[-1]] = value
        if value is None:
            del below[path[-1]]
        return document

    return change


def condition(type_: str, status: str = "True") -> Document:
    return {"type": type_, "status": status, "reason": "R", "message": "", "lastTransitionTime": TIME}


def taint(key: str, effect: str = "NoSchedule", **more: str) -> Document:
    return {"key": key, "effect": effect, "propagation": "Always", **more}


def owner(uid: str) -> Document:
    """Return a reference to an owner of a kind that nobody knows: the garbage collector leaves such objects alone."""
    return {"apiVersion": "unknown.example.com/v1", "kind": "Owner", "name": uid, "uid": uid}


MACHINE_STEPS = (
    Step("apply", "a", machine({**BASE, "version": "v1.30.0"}, labels={"x": "1", "y": "2"})),
    Step("apply", "a", machine({**BASE, "version": "v1.30.0"}, labels={"x": "1", "y": "2"})),
    Step("apply", "b", machine({"version": "v1.31.0"}, labels={"x": "3"})),
    Step("apply", "b", machine({"version": "v1.31.0"}, labels={"x": "3"}), force=True),
    Step("apply", "a", machine(BASE, labels={"y": "2"})),
    Step("apply", "b", machine({}, labels={"z": "3"})),
    Step(
        "merge",
        "c",
        {
            "metadata": {"labels": {"y": "9", "w": "1"}, "annotations": {"k": "v"}},
            "spec": {"readinessGates": [{"conditionType": "A"}, {"conditionType": "B"}]},
        },
    ),
    Step("apply", "a", machine(BASE, labels={"y": "2"})),
    Step("apply", "a", machine({**BASE, "readinessGates": [{"conditionType": "B"}, {"conditionType": "C"}]}, labels={"y": "9"})),
    Step("merge", "s", {"status": {"phase": "Running", "conditions": [condition("Ready"), condition("Available")]}}, subresource="status"),
    Step("apply", "s2", machine(status={"conditions": [condition("Ready", "False"), condition("X")]}), subresource="status"),
    Step("apply", "s2", machine(status={"conditions": [condition("Ready"), condition("X")]}), subresource="status"),
    Step("apply", "s2", machine(status={"conditions": [condition("X")]}), subresource="status"),
    Step("update", "u", having("metadata", "finalizers", value=["a.b/c", "d.e/f"])),
    Step("apply", "f", machine({}, finalizers=["x.y/z"], ownerReferences=[owner("1")])),
    Step("apply", "f2", machine({}, finalizers=["x.y/z", "a.b/c"], ownerReferences=[owner("2"), owner("1")])),
    Step("apply", "f", machine({})),
    Step("update", "u", having("spec", "readinessGates", value=None)),
    Step(
        "json",
        "j",
        [{"op": "add", "path": "/spec/taints", "value": [taint("k")]}, {"op": "test", "path": "/spec/clusterName", "value": "c"}],
    ),
    Step("apply", "a", machine({**BASE, "taints": [taint("k", value="v"), taint("k")]})),
    Step("apply", "a", machine({**BASE, "taints": [taint("k", value="v"), taint("k2", "NoExecute")]})),
    Step("apply", "a", machine({**BASE, "bogus": 1})),
    Step("apply", "a", machine({**BASE, "minReadySeconds": "x"})),
    Step("apply", "a", machine({**BASE, "minReadySeconds": -4, "providerID": ""})),
    Step("apply", "a", machine(BASE, managedFields=[])),
    Step("apply", "a", {**machine(BASE), "apiVersion": "cluster.x-k8s.io/v1beta1"}),
    Step("update", "u", having("metadata", "managedFields", value=[{}])),
    Step("merge", "n", {"spec": {"failureDomain": "x"}}),
    Step("apply", "a2", machine({"failureDomain": "x"})),
    Step("apply", "a2", machine({"failureDomain": "y"})),
    Step("update", "u", having("metadata", "managedFields", value=[])),
    Step("apply", "kubectl", machine({"failureDomain": "y"})),
    Step("update", "u", having("metadata", "finalizers", value=None)),
)

CONFIG_MAP_STEPS = (
    Step("create", "k", config_map({"a": "1", "b": "2"})),
    Step("apply", "x", config_map({"a": "1"})),
    Step("apply", "x", config_map({"a": "2"})),
    Step("apply", "x", config_map({"a": "2"}), force=True),
    Step("strategic", "st", {"data": {"b": None, "c": "3"}, "metadata": {"finalizers": ["a/b"], "labels": {"q": "w"}}}),
    Step(
        "strategic",
        "st",
        {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a/b"], "$setElementOrder/finalizers": ["z/z"], "finalizers": ["z/z"]}},
    ),
    Step("apply", "y", config_map({"n": "1"})),
    Step("merge", "m", {"metadata": {"managedFields": [{}]}}),
    Step("merge", "m", {"data": {"zz": "1"}}),
    Step("apply", "y", config_map({"n": "2"}, finalizers=[])),
    Step("json", "j", [{"op": "remove", "path": "/metadata/finalizers"}, {"op": "replace", "path": "/data", "value": {"only": "1"}}]),
    Step("json", "j", [{"op": "replace", "path": "/data/new", "value": "1"}]),
    *(Step("update", f"many{number}", having("data", f"k{number}", value="1")) for number in range(14)),
    Step("apply", "y", config_map({"n": 1})),
    Step("apply", "y", config_map({"n": "2"}, labels={"bad key": "x"})),
    Step("apply", "y", config_map({"n": "2"}, annotations={"k": "x" * 300_000})),
    Step(
        "apply",
        "kubectl",
        config_map({"only": "1", "kk": "2"}, annotations={"kubectl.kubernetes.io/last-applied-configuration": "{}"}),
        force=True,
    ),
)

SELECTOR = {"selector": {"matchLabels": {"a": "b"}}}


def container(name: str, **more: Any) -> Document:
    return {"name": name, "image": "i:v1", **more}


def deployment(spec: Document) -> Document:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "namespace": "default"}, "spec": spec}


def template(*containers: Document, **more: Any) -> Document:
    return {"template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": list(containers), **more}}}


def patched_template(spec: Document) -> Document:
    return {"spec": {"template": {"spec": spec}}}


DEPLOYMENT_STEPS = (
    Step(
        "apply",
        "x",
        deployment(
            {
                **SELECTOR,
                "replicas": 2,
                **template(container("a", env=[{"name": "E", "value": "1"}], ports=[{"containerPort": 80}], args=["x"]), container("b")),
            }
        ),
    ),
    Step("apply", "y", deployment({"template": {"spec": {"containers": [container("c")]}}})),
    Step(
        "strategic",
        "st",
        patched_template(
            {
                "containers": [{"name": "b", "image": "j"}, {"name": "a", "$patch": "delete"}],
                "$setElementOrder/containers": [{"name": "c"}, {"name": "b"}],
            }
        ),
    ),
    Step("strategic", "st", {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}),
    Step("apply", "y", deployment({"template": {"spec": {"nodeSelector": {"q": "w"}}}})),
    Step("apply", "y", deployment({"replicas": 5})),
    Step("apply", "y", deployment({"replicas": 5}), force=True),
    Step(
        "apply",
        "x",
        deployment(
            {**SELECTOR, **template(container("b", image="j", ports=[{"containerPort": 80, "protocol": "UDP"}, {"containerPort": 80}]))}
        ),
    ),
)


async def assert_equal_after_every_step(
    both: tuple[Server, Server], collection: str, name: str, steps: tuple[Step, ...], *, whole: bool = True
) -> None:
    theirs, ours = both
    for number, step in enumerate(steps):
        want, got = await write(theirs, collection, name, step), await write(ours, collection, name, step)
        assert comparable(got, whole=whole) == comparable(want, whole=whole), f"step {number}: {step.verb} by {step.manager}"
        if want[0] == 409:
            assert sorted(got[1]["message"].splitlines()) == sorted(want[1]["message"].splitlines())


async def test_custom_resources(both: tuple[Server, Server]) -> None:
    await assert_equal_after_every_step(both, MACHINES, "m", MACHINE_STEPS)


async def test_built_in_maps(both: tuple[Server, Server]) -> None:
    await assert_equal_after_every_step(both, CONFIG_MAPS, "c", CONFIG_MAP_STEPS)


async def test_built_in_lists_own_the_same_fields(both: tuple[Server, Server]) -> None:
    await assert_equal_after_every_step(both, "/apis/apps/v1/namespaces/default/deployments", "d", DEPLOYMENT_STEPS, whole=False)
