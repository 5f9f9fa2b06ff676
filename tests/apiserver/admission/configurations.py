"""Webhooks as people may declare them, rightly and wrongly: by name, what differs from one that is fine (`...`: the field is missing)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.apiserver.admission.webhooks import Document, hook, rule

SERVICE = {"namespace": "a", "name": "b"}
LONG = "a." + "b" * 260 + ".c"


def client(**fields: Any) -> Document:
    return {"clientConfig": fields}


def rules(**fields: Any) -> Document:
    return {"rules": [{**rule("widgets"), **fields}]}


def conditions(*found: Document) -> Document:
    return {"matchConditions": list(found)}


def expression(text: str) -> Document:
    return conditions({"name": "a", "expression": text})


def objects(**requirement: Any) -> Document:
    return {"objectSelector": {"matchExpressions": [{"key": "a", **requirement}]}}


def declared(changes: Document) -> Document:
    """Return a webhook with these changes."""
    return {name: value for name, value in {**hook("/a"), **changes}.items() if value is not ...}


def _named() -> Iterator[tuple[str, Document]]:
    yield "fine", {}
    for name in ("", "a", "a.b", "A.b.c", ..., LONG):
        yield f"name {str(name)[:9]}", {"name": name}
    for effects in (..., "Some", "Unknown", "NoneOnDryRun"):
        yield f"side effects {effects}", {"sideEffects": effects}
    for field in ("failurePolicy", "matchPolicy", "reinvocationPolicy"):
        yield f"{field} unknown", {field: "Perhaps"}
    for seconds in (0, 1, 30, 31):
        yield f"{seconds} seconds", {"timeoutSeconds": seconds}
    for versions in (..., [], ["v2"], ["v1", "v1"], ["V1", "v1"], ["v2", "v1beta1"]):
        yield f"review versions {versions}", {"admissionReviewVersions": versions}


def _clients() -> Iterator[tuple[str, Document]]:
    yield "no client", {"clientConfig": ...}
    yield "neither url nor service", client()
    yield "url and service", client(url="https://a.b", service=SERVICE)
    hosts = (
        "http://a.b",
        "https://",
        "https://u@a.b/c",
        "https://a.b/c?d=e",
        "https://a.b/c#d",
        "https://a.b/c?d=e#f",
        "a",
        "",
        "https://a.b:8443/c",
    )
    for url in hosts:
        yield f"url {url}", client(url=url)
    yield "service", client(service=SERVICE)
    yield "service of no name", client(service={})
    for port in (0, 1, 65535, 65536):
        yield f"port {port}", client(service={**SERVICE, "port": port})
    for path in ("/", "//", "x", "/a//b", "/a/B", "/a/b/", ""):
        yield f"path {path}", client(service={**SERVICE, "path": path})
    yield "placeholder for the authority", client(url="https://a.b", caBundle="Cg==")


def _rules() -> Iterator[tuple[str, Document]]:
    for operations in ([], ["*", "CREATE"], ["create"], ["CONNECT"]):
        yield f"operations {operations}", rules(operations=operations)
    for values in ([], ["*", "a"], [""]):
        yield f"groups {values}", rules(apiGroups=values)
        yield f"versions {values}", rules(apiVersions=values)
    lists: list[list[str]] = [
        [],
        ["*", "a"],
        ["a", "*"],
        [""],
        ["*/*", "a"],
        ["a/*", "a/b"],
        ["*/b", "a/b"],
        ["*", "a/b"],
        ["a/b/c"],
        ["*", "*/status"],
    ]
    for values in lists:
        yield f"resources {values}", rules(resources=values)
    yield "scope unknown", rules(scope="Some")
    yield "an empty rule", {"rules": [{}]}
    yield "no rules", {"rules": ...}


def _selectors() -> Iterator[tuple[str, Document]]:
    yield "selector with a bad key", {"namespaceSelector": {"matchLabels": {"a b": "c"}}}
    yield "selector with a bad value", {"namespaceSelector": {"matchLabels": {"a": "c d"}}}
    yield "selector without values", objects(operator="In")
    yield "selector with values too many", objects(operator="Exists", values=["x"])
    yield "selector with a bad key and value", objects(key="a b", operator="NotIn", values=["x y"])


def _conditions() -> Iterator[tuple[str, Document]]:
    for text in ("true", "", " ", "'x'", "object.x", "nope", "object.x ==", "namespaceObject == null", "request.dryRun"):
        yield f"condition {text!r}", expression(text)
    yield "condition without a name", conditions({"expression": "true"})
    yield "condition with an empty name", conditions({"name": "", "expression": "true"})
    yield "condition with a bad name", conditions({"name": "a b", "expression": "true"})
    yield "too many conditions", conditions(*({"name": f"a{number}", "expression": "true"} for number in range(65)))


SAME: dict[str, Document] = {
    name: changes for part in (_named(), _clients(), _rules(), _selectors(), _conditions()) for name, changes in part
}
"""Those about which both servers say the same."""

OTHERWISE: dict[str, Document] = {
    "seconds in words": {"timeoutSeconds": "x"},
    "url with a password": client(url="https://u:p@a.b/c"),
    "url with a bad port": client(url="https://a.b:x/"),
    "authority no base64": client(url="https://a.b", caBundle="???"),
    "selector with an unknown operator": objects(operator="Like", values=["x"]),
    "conditions of one name": conditions({"name": "a", "expression": "true"}, {"name": "a", "expression": "true"}),
    "condition on what a request does not have": expression("request.nope == 'a'"),
    "condition on parameters": expression("params.x"),
}
"""Those that both refuse, in other words."""
