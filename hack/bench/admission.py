"""Ask every webhook about an object of its kind, over and over, and print how many answers a core gives in a second.

    python -m hack.bench admission [--seconds 1] [KIND…]

An answer is counted from the bytes of a review to the bytes of its answer, without the network; what other objects say is read from bytes
in memory, so that the cost of decoding them is in it. An update that changes a label is asked about, since that judges both states.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from capelin.api.classvariables import ClassVariable
from capelin.api.labels import CLUSTER_NAME_LABEL, SET_NAME_LABEL
from capelin.api.meta import Object, ObjectKey, Unstructured
from capelin.api.references import ContractReference
from capelin.runtime import codec
from capelin.runtime.admission.reviews import Judge, ReviewRequest, answer_body, read_review
from capelin.webhooks.admission import AnyWebhook
from capelin.webhooks.catalog import WEBHOOKS
from capelin.webhooks.decoding import decoded
from capelin.webhooks.judging import Judging
from tests import build
from tests.buildclasses import (
    clusterclass,
    clusterresourceset,
    clusterresourcesetbinding,
    extensionconfig,
    ipaddress,
    ipaddressclaim,
    machinedrainrule,
    machinehealthcheck,
    machinepool,
    machinepool_class,
)
from tests.buildcontrolplane import devmachinepool, devmachinepooltemplate, kubeadmcontrolplane, kubeadmcontrolplanetemplate
from tests.buildtopology import deployment_topology, pool_topology, topology
from tests.runtime.admission.asking import review_body
from tests.webhooks.devspecs import devclustertemplate

O = TypeVar("O", bound=Object)

VARIABLES: Final = 50

TARGETS: Final = {"Machine": 3_000, "Cluster with 50 variables": 300}
"""Answers a second to a create that is validated; the benchmark fails below."""

_SERVER: Final = {
    "type": "object",
    "required": ["host"],
    "properties": {
        "host": {"type": "string", "maxLength": 253, "pattern": r"^[a-z0-9.-]+$"},
        "port": {"type": "integer", "minimum": 1, "maximum": 65535, "default": 8080},
        "zones": {"type": "array", "maxItems": 10, "items": {"type": "string", "enum": ["a", "b", "c"]}},
    },
    "x-kubernetes-validations": [{"rule": "self.port != 22", "message": "port 22 is for people"}],
}


@dataclass(frozen=True, slots=True)
class Sample:
    """What a webhook is asked about, under a name to print."""

    name: str
    webhook: AnyWebhook
    object: Object


class InMemory:
    """Lookups among objects that are kept as bytes, as an API server sends them."""

    def __init__(self, *objects: Object) -> None:
        self._objects = {(obj.resource.kind, obj.key): codec.encode(obj.wire()) for obj in objects}

    async def get(self, kind: type[O], key: ObjectKey) -> O | None:
        data = self._objects.get((kind.resource.kind, key))
        return decoded(kind, codec.decode(data)) if data is not None else None

    async def list(self, kind: type[O], *, namespace: str = "") -> list[O]:
        keys = [(name, key) for name, key in self._objects if name == kind.resource.kind and namespace in ("", key.namespace)]
        return [decoded(kind, codec.decode(self._objects[key])) for key in keys]

    async def referenced(self, reference: ContractReference, namespace: str) -> Unstructured | None:  # noqa: ARG002 - the shape of lookups
        return None


def objects() -> Iterator[tuple[str, Object]]:
    """Yield an object of every kind, under a name to print."""
    plain = (build.cluster(), build.machine(), build.machinedeployment(), build.kubeadmconfig(init=True), build.kubeadmconfigtemplate())
    core = (machinepool(), machinehealthcheck(), machinedrainrule(), kubeadmcontrolplane(), kubeadmcontrolplanetemplate())
    others = (clusterresourceset(), clusterresourcesetbinding(), ipaddress(), ipaddressclaim(), extensionconfig())
    dev = (
        build.devcluster(),
        build.devmachine(),
        build.devmachinetemplate(),
        devclustertemplate(),
        devmachinepool(),
        devmachinepooltemplate(),
    )
    chosen = {CLUSTER_NAME_LABEL: build.CLUSTER, SET_NAME_LABEL: "workers-1"}
    sets = (build.machineset(template=build.machine_template("workers", labels=chosen)), _class())
    yield from ((obj.resource.kind, obj) for obj in (*plain, *core, *others, *dev, *sets))
    yield f"Cluster with {VARIABLES} variables", _cluster()


def _class() -> Object:
    kinds: tuple[dict[str, Any], ...] = ({"type": "string", "maxLength": 64}, {"type": "integer", "minimum": 0, "default": 3}, _SERVER)
    variables = [_variable(f"variable{number}", kinds[number % len(kinds)]) for number in range(VARIABLES)]
    return clusterclass(variables=variables, pools=[machinepool_class()])


def _variable(name: str, schema: dict[str, Any]) -> ClassVariable:
    return ClassVariable.model_validate({"name": name, "required": False, "schema": {"openAPIV3Schema": schema}})


def _cluster() -> Object:
    values: tuple[Any, ...] = ("text", 5, {"host": "proxy.example.com", "port": 3128, "zones": ["a", "b"]})
    given = {f"variable{number}": values[number % len(values)] for number in range(VARIABLES)}
    return build.cluster(topology=topology(values=given, deployments=[deployment_topology(replicas=3)], pools=[pool_topology()]))


def samples(kinds: Sequence[str]) -> Iterator[Sample]:
    """Yield what is asked about of these kinds, or of all when none is named."""
    by_kind = {webhook.resource.kind: webhook for webhook in WEBHOOKS if webhook.scales is None}
    for name, obj in objects():
        kind = obj.resource.kind
        if kind in by_kind and (not kinds or kind in kinds):
            yield Sample(name, by_kind[kind], obj)


async def measured(sample: Sample, seconds: float) -> dict[str, Any]:
    """Return how many answers a second one core gives about a sample."""
    judging = Judging(sample.webhook, InMemory(_class()))
    document = sample.object.wire()
    changed = {**document, "metadata": {**document["metadata"], "labels": {**(document["metadata"].get("labels") or {}), "team": "a"}}}
    create = _review(sample, document)
    figures: dict[str, Any] = {"kind": sample.name}
    if sample.webhook.default is not None:
        figures["defaults_per_second"] = await _rate(judging.mutate, create, seconds)
    figures["validations_per_second"] = await _rate(judging.validate, create, seconds)
    figures["updates_per_second"] = await _rate(judging.validate, _review(sample, changed, document), seconds)
    return figures


def _review(sample: Sample, new: dict[str, Any], old: dict[str, Any] | None = None) -> bytes:
    operation: Any = "CREATE" if old is None else "UPDATE"
    key = sample.object.key
    return review_body(ReviewRequest("1", operation, sample.webhook.resource, "", key.namespace, key.name, new, old))


async def _rate(judge: Judge, body: bytes, seconds: float) -> int:
    async def answer() -> bytes:
        return answer_body("1", await judge(read_review(body)))

    refused = (await judge(read_review(body))).refusal
    if refused is not None:
        raise SystemExit(f"the sample is refused, so that its figures would say nothing: {refused}")
    return round(await _per_second(answer, seconds))


async def _per_second(work: Callable[[], Awaitable[Any]], seconds: float) -> float:
    await work()  # the first compiles what later ones use
    count, began = 0, _processor_seconds()
    while (spent := _processor_seconds() - began) < seconds:
        await work()
        count += 1
    return count / spent


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main(arguments: Sequence[str]) -> int:
    """Print a line for each kind; tell whether the targets are met."""
    parser = argparse.ArgumentParser(prog="hack.bench admission", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help="only these kinds")
    parser.add_argument("--seconds", type=float, default=1.0, help="processor time for each figure")
    options = parser.parse_args(arguments)
    met = True
    for sample in samples(options.kinds):
        figures = asyncio.run(measured(sample, options.seconds))
        if (target := TARGETS.get(sample.name)) is not None:
            figures["target"] = target
            met = met and figures["validations_per_second"] >= target
        print(json.dumps(figures), flush=True)
    return 0 if met else 1
