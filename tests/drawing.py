"""Draws objects that fit the schema of a kind, odd ones above all: what an API server would let through to webhooks.

Strategies follow the schema; what its rules between fields still refuse is taken out again, so that hardly a draw is lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final

from hypothesis import assume
from hypothesis import strategies as st

from capelin.api.meta import Object
from capelin.api.structural import schema
from capelin.runtime import codec
from capelin.runtime.codec import Document
from capelin.runtime.documents.schema import Schema, compile_schema

Place = tuple[Any, ...]

NAMES: Final = ("a", "b", "worker", "group.io")
"""Few, so that what is named in one place is found in another one."""

TEXTS: Final = (
    *NAMES,
    *(
        "",
        "é",
        "\n",
        "a\n",
        "%",
        "-5%",
        "25%",
        "٣%",
        "x" * 64,
        "x" * 254,
        "0",
        "-1",
        "1e9h",
        "1s",
        "True",
        "null",
        "{",
        "[",
        "(?P<",
        "a{999}",
    ),
    *("v1.34.0", "v1.35.1-rc.1+a", "1.34", "v1", "v99999999999999999999.0.0", "example.com/v1", "example.com/a b", "a/b/c", "/", "../etc"),
    *("10.0.0.1", "::ffff:1.2.3.4", "10.0.0.0/8", "fd00::/200", "https://[", "https://a:b@c?d#e", "http://x", "%zz", "cGVt", "!"),
    *("{{ .random }}", "{{", "{{ range .cluster }}", "{{ .cluster.name }}-{{ .random }}", "[3-5]", "[99999999999999999999-0]"),
    *("In", "Exists", "Near", "Ready", "Kind", "OnDelete", "RollingUpdate", '{"a":', "- a: &b", "2026-01-01T00:00:00Z", "100Mi"),
    *("infrastructure.cluster.x-k8s.io/v1beta2", "DevMachineTemplate", "cluster.x-k8s.io/cluster-name"),
    *("node.kubernetes.io/not-ready", "node-role.kubernetes.io/control-plane"),
)
NUMBERS: Final = (-(2**63), -(2**31), -1, 0, 1, 2, 3, 7, 30, 33, 100, 101, 128, 65535, 65536, 2**31 - 1, 2**63 - 1)
TIMES: Final = ("2026-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z")
INT32: Final = (-(2**31), 2**31 - 1)

ANYTHING: Final = st.recursive(
    st.none() | st.booleans() | st.sampled_from(NUMBERS) | st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(TEXTS),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(TEXTS), inner, max_size=2),
    max_leaves=4,
)
KEYS: Final = (
    *("a", "example.com/b", "cluster.x-k8s.io/cluster-name", "cluster.x-k8s.io/control-plane", "cluster.x-k8s.io/pool-name"),
    *(
        "topology.cluster.x-k8s.io/owned",
        "topology.cluster.x-k8s.io/upgrade-concurrency",
        "unsafe.topology.cluster.x-k8s.io/disable-update-version-check",
    ),
    *("machineset.cluster.x-k8s.io/skip-preflight-checks", "cluster.x-k8s.io/cluster-api-autoscaler-node-group-min-size"),
    *("cluster.x-k8s.io/cluster-api-autoscaler-node-group-max-size", "controlplane.cluster.x-k8s.io/skip-coredns"),
)
LABELS: Final = st.dictionaries(st.sampled_from(KEYS), st.sampled_from(("", "a", "worker", "1", "-1", "All")), max_size=3)
_STEPS: Final = re.compile(r"\[(\d+)\]|\.?([^.\[\]]+)|\[([^\]]*)\]")
_REPAIRS: Final = 8
"""Rounds of taking out what is wrong; a document that still is, is drawn again."""


@cache
def compiled(kind: type[Object]) -> Schema:
    """Return the compiled schema of a kind."""
    return compile_schema(schema(kind))


@st.composite
def documents(draw: st.DrawFn, kind: type[Object]) -> Document:
    """Return objects of the kind that fit its schema, with the defaults of the schema and without a status."""
    document = _repaired(compiled(kind), draw(_documents(kind)))
    assume(document is not None)
    return document or {}


@st.composite
def damaged(draw: st.DrawFn, kind: type[Object]) -> Any:
    """Return objects of the kind in which one value, or all of it, is anything else."""
    document = draw(documents(kind))
    return _with(document, draw(st.sampled_from(list(_places(document)))), draw(ANYTHING))


def _places(value: Any, place: Place = ()) -> Iterator[Place]:
    yield place
    for step, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from _places(inner, (*place, step))


def _with(value: Any, place: Place, other: Any) -> Any:
    if not place:
        return other
    step, rest = place[0], place[1:]
    if isinstance(value, dict):
        return {**value, step: _with(value[step], rest, other)}
    return [*value[:step], _with(value[step], rest, other), *value[step + 1 :]]


@cache
def _documents(kind: type[Object]) -> st.SearchStrategy[Document]:
    properties = {name: of for name, of in schema(kind)["properties"].items() if name not in ("apiVersion", "kind", "metadata", "status")}
    required = set(schema(kind).get("required") or ()) - {"metadata"}
    fields = {name: _values(of) for name, of in properties.items()}
    return st.fixed_dictionaries(
        {
            "apiVersion": st.just(kind.resource.api_version),
            "kind": st.just(kind.resource.kind),
            "metadata": _metadata(namespaced=kind.resource.namespaced),
            **{name: values for name, values in fields.items() if name in required},
        },
        optional={name: values for name, values in fields.items() if name not in required},
    )


def _metadata(*, namespaced: bool) -> st.SearchStrategy[Document]:
    placed = {"namespace": st.just("default")} if namespaced else {}
    optional = {"labels": LABELS, "annotations": LABELS, "finalizers": st.just(["example.com/held"])}
    return st.fixed_dictionaries({"name": st.sampled_from((*NAMES, "n" * 70)), **placed}, optional=optional)


def _values(of: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Return values of a schema."""
    if "enum" in of:
        return st.sampled_from(of["enum"])
    if of.get("x-kubernetes-int-or-string"):
        return st.sampled_from(NUMBERS) | st.sampled_from(TEXTS)
    match of.get("type"):
        case "object":
            return _objects(of)
        case "array":
            return _lists(of)
        case "string":
            return _texts(of)
        case "integer":
            return _integers(of)
        case "boolean":
            return st.booleans()
    return ANYTHING


def _objects(of: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    least = of.get("minProperties", 0)
    if fields := {name: _values(inner) for name, inner in (of.get("properties") or {}).items()}:
        required = set(of.get("required") or ())
        needed = {name: values for name, values in fields.items() if name in required}
        optional = {name: values for name, values in fields.items() if name not in required}
        drawn = st.fixed_dictionaries(needed, optional=optional)
        return _at_least_one(drawn, optional) if least > len(needed) else drawn
    inner = of.get("additionalProperties")
    values = _values(inner) if isinstance(inner, Mapping) else ANYTHING
    return st.dictionaries(st.sampled_from(TEXTS), values, min_size=least, max_size=max(least, min(of.get("maxProperties", 2), 2)))


@st.composite
def _at_least_one(draw: st.DrawFn, drawn: st.SearchStrategy[Document], optional: Mapping[str, st.SearchStrategy[Any]]) -> Document:
    # Not by a filter: what it rejects it would print, and these strategies are long.
    found = draw(drawn)
    if found:
        return found
    name = draw(st.sampled_from(sorted(optional)))
    return {name: draw(optional[name])}


def _lists(of: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    least = of.get("minItems", 0)
    keys = of.get("x-kubernetes-list-map-keys") or ()
    drawn = st.lists(_values(of["items"]), min_size=least, max_size=max(least, min(of.get("maxItems", 2), 2)))
    if keys or of.get("x-kubernetes-list-type") == "set":
        return drawn.map(lambda items: _unlike(items, keys))  # not by unique_by, which filters; see above
    return drawn


def _unlike(items: list[Any], keys: Sequence[str]) -> list[Any]:
    """Return the items without those whose keys, or who themselves, have been there before."""
    return list({codec.canonical([item.get(key) for key in keys] if keys else item): item for item in items}.values())


def _texts(of: Mapping[str, Any]) -> st.SearchStrategy[str]:
    least, most = of.get("minLength", 0), of.get("maxLength", 1_000)
    if of.get("format") == "date-time":
        return st.sampled_from(TIMES)
    if of.get("format") == "byte":
        return st.sampled_from(("cGVt", "AA=="))
    pattern = of.get("pattern")
    fit = [text for text in TEXTS if least <= len(text) <= most and (pattern is None or re.search(pattern, text))]
    made = st.text(min_size=least, max_size=min(most, least + 6)) if pattern is None else st.from_regex(pattern, fullmatch=True)
    return _mostly(fit, made) if fit else made


@st.composite
def _mostly(draw: st.DrawFn, fit: list[str], made: st.SearchStrategy[str]) -> str:
    # What is made from a pattern costs a hundred times what is chosen.
    text = draw(st.sampled_from((*fit, None)))
    return draw(made) if text is None else text


def _integers(of: Mapping[str, Any]) -> st.SearchStrategy[int]:
    low, high = INT32 if of.get("format") == "int32" else (-(2**63), 2**63 - 1)
    low, high = max(low, of.get("minimum", low)), min(high, of.get("maximum", high))
    fit = [number for number in NUMBERS if low <= number <= high]
    return st.sampled_from(fit) if fit else st.integers(low, high)


def _repaired(of: Schema, document: Document) -> Document | None:
    """Return the document without what breaks rules of the schema, and with its defaults; None when that takes too long."""
    for _ in range(_REPAIRS):
        document = of.default(document)
        broken = of.validate(document)
        if not broken:
            return document
        for cause in broken:
            document = _without(document, [part for found in _STEPS.findall(cause.field) for part in found if part]) or document
    return None


def _without(value: Any, steps: list[str]) -> Any:
    """Return the value without what stands at a place; None when nothing of it is left. What is not there takes what is around with it."""
    if not steps:
        return None
    step, rest = steps[0], steps[1:]
    if isinstance(value, list) and step.isdigit() and int(step) < len(value):
        inner = _without(value[int(step)], rest)
        return [*value[: int(step)], *([] if inner is None else [inner]), *value[int(step) + 1 :]] or None
    if isinstance(value, dict) and step in value:
        inner = _without(value[step], rest)
        return {**{name: found for name, found in value.items() if name != step}, **({} if inner is None else {step: inner})} or None
    return None
