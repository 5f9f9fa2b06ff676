"""A20, A23: values of variables and versions of topologies that are made to hurt are refused, in linear time and in few words."""

from __future__ import annotations

from typing import Any

import pytest

from capelin.api.classvariables import ClassVariable
from capelin.api.cluster import Cluster
from capelin.api.kubeadmcontrolplane import KubeadmControlPlane
from capelin.api.meta import Unstructured
from capelin.runtime.admission.reviews import ReviewRequest, answer_body, read_review
from capelin.runtime.documents.jsonpatch import json_patch
from capelin.runtime.errors import ApiError, Cause
from capelin.webhooks import cluster as webhook
from capelin.webhooks.judging import Judging
from tests import build
from tests.buildclasses import class_variable, clusterclass
from tests.buildtopology import topology
from tests.runtime.admission.asking import read_answer, review_body
from tests.webhooks.asking import SomeThere

LONG = 1_000_000
EXPONENTIAL = class_variable("exponential", type="string", pattern="^(a+)+$")
LIST = class_variable("list", type="array", items={"type": "integer"})
FREE = class_variable("free", type="object", x_kubernetes_preserve_unknown_fields=True)
RULED = class_variable(
    "ruled",
    type="object",
    x_kubernetes_preserve_unknown_fields=True,
    properties={"name": {"type": "string"}},
    x_kubernetes_validations=[{"rule": "self.name.startsWith('a')"}],
)


class ControlPlaneThere(SomeThere):
    """Lookups that find a class, and a control plane that has v1.34.0."""

    async def referenced(self, reference: Any, namespace: str) -> Any:
        return Unstructured(KubeadmControlPlane.resource, {"spec": {"version": "v1.34.0"}, "status": {"version": "v1.34.0"}})


async def refusal(new: Cluster, old: Cluster | None = None, *, variables: tuple[ClassVariable, ...] = ()) -> ApiError | None:
    """Send a Cluster through its mutating and its validating webhook, as bytes; return why it is refused, or None when it is not."""
    judging, document, operation = Judging(webhook.WEBHOOK, ControlPlaneThere(clusterclass(variables=variables))), new.wire(), "CREATE"
    if old is not None:
        operation = "UPDATE"
    for judge in (judging.mutate, judging.validate):
        known: Any = operation
        asked = ReviewRequest("1", known, Cluster.resource, "", "default", "demo", document, old.wire() if old else None)
        answer = read_answer(answer_body("1", await judge(read_review(review_body(asked)))), "1")
        if answer.refusal is not None:
            return answer.refusal
        document = json_patch(document, list(answer.patch)) if answer.patch else document
    return None


async def causes(variable: ClassVariable, value: Any) -> list[Cause]:
    """Return why a value is refused."""
    found = await refusal(build.cluster(topology=topology(values={variable.name: value})), variables=(variable,))
    return list(found.causes) if found else []


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        pytest.param(EXPONENTIAL, "a" * LONG + "!", id="a pattern that backtracks"),
        pytest.param(class_variable("v", type="string", pattern="(x+x+)+y"), "x" * LONG, id="a pattern that backtracks twice"),
        pytest.param(class_variable("v", type="string", pattern=r"(?i)^(\w+\s?)*$"), "a" * LONG + "!", id="a pattern with a flag"),
        pytest.param(class_variable("v", type="string", enum=["a"] * 100), "b" * LONG, id="none of an enum"),
        pytest.param(class_variable("v", type="integer"), "9" * LONG, id="a number of a million digits as text"),
        pytest.param(class_variable("v", type="integer"), 10**4_000, id="a number of four thousand digits"),
        pytest.param(class_variable("v", type="string", format="ipv6"), ":" * LONG, id="no address"),
        pytest.param(class_variable("v", type="string", format="duration"), "1h" * (LONG // 20) + "!", id="no duration"),
        pytest.param(class_variable("v", type="string", format="duration"), "1" * (LONG // 10), id="a duration of digits alone"),
        pytest.param(class_variable("v", type="string", format="mac"), "00:" * (LONG // 3), id="no hardware address"),
        pytest.param(RULED, {"name": "b" * LONG}, id="a rule over a long text"),
    ],
)
async def test_a20_a_long_value_is_refused_in_few_words(variable: ClassVariable, value: Any) -> None:
    (cause,) = await causes(variable, value)

    assert cause.field == "spec.topology.variables[0].value"
    assert len(cause.message) < 6_000


async def test_a20_a_long_value_that_fits_is_taken() -> None:
    assert await causes(EXPONENTIAL, "a" * LONG) == []
    assert await causes(LIST, list(range(10_000))) == []


@pytest.mark.parametrize("opening", ["list", "object"])
@pytest.mark.parametrize("variable", [LIST, FREE, RULED, EXPONENTIAL], ids=lambda found: str(found.name))
async def test_a20_a_deep_value_is_judged_like_any_other(variable: ClassVariable, opening: str) -> None:
    value: Any = 1
    for _ in range(240):  # a review takes 250 levels, ten of them are around the value
        value = [value] if opening == "list" else {"name": value}

    found = await causes(variable, value)

    fits = variable is FREE and opening == "object"
    assert bool(found) is not fits


async def test_a20_a_schema_that_refers_to_itself_refers_to_nothing() -> None:
    loop: dict[str, Any] = {"type": "object", "properties": {"next": {"$ref": "#/properties/next", "type": "object"}}}

    (cause,) = await causes(class_variable("loop", **loop), {"next": {"next": {}}})

    assert cause.field == "spec.topology.variables[0].value.next.next"


async def test_a20_an_enum_of_ten_thousand_values_is_not_told_in_full() -> None:
    variable = class_variable("v", type="object", properties={"zone": {"type": "string", "enum": [f"z{n}" for n in range(10_000)]}})

    (cause,) = await causes(variable, {"zone": "elsewhere"})

    assert cause.message.endswith("'z9' or one of 9990 more")


async def test_a20_ten_thousand_unknown_fields_are_told_one_by_one() -> None:
    found = await causes(class_variable("v", type="object", properties={"known": {"type": "string"}}), {f"f{n}": n for n in range(10_000)})

    assert len(found) == 10_000


async def test_a20_a_thousand_unknown_variables_beside_a_thousand_known_are_told_one_by_one() -> None:
    known = tuple(class_variable(f"known{number}") for number in range(1_000))
    new = build.cluster(topology=topology(values={f"unknown{number}": number for number in range(1_000)}))

    found = await refusal(new, variables=known)

    assert found is not None
    assert len(found.causes) == 1_000
    assert len(str(found)) < 400_000


@pytest.mark.parametrize("name", ["../../../v1/namespaces/kube-system/secrets/token", "a/b", "..", "x" * LONG])
async def test_a_name_that_leads_elsewhere_is_not_followed(name: str) -> None:
    found = await refusal(build.cluster(topology=topology(class_name=name)))

    assert found is None  # as for any class that is not there yet: the schema, which comes between, refuses such names


@pytest.mark.parametrize("version", ["latest", "v1.99", "1.34", "v1.34.0; reboot", "{{ .version }}", "v1.34.0\n", f"v1.34.{'9' * 200}x"])
async def test_a23_a_topology_gets_no_version_that_is_none(version: str) -> None:
    found = await refusal(build.cluster(topology=topology(version)))

    assert found is not None
    assert (found.code, [cause.field for cause in found.causes]) == (422, ["spec.topology.version"])


@pytest.mark.parametrize("version", ["v1.33.99", "v0.0.0", "v1.36.0", "v1.99.0", "v2.0.0", f"v1.{'9' * 200}.0"])
async def test_a23_a_topology_goes_neither_back_nor_past_a_minor_version(version: str) -> None:
    reference = build.bootstrap_ref("demo", "KubeadmControlPlane")
    new, old = (build.cluster(topology=topology(found), control_plane=reference) for found in (version, "v1.34.0"))

    found = await refusal(new, old)

    assert found is not None
    assert (found.code, [cause.field for cause in found.causes]) == (422, ["spec.topology.version"])
