"""Schemas for tests of the document functions: the project's own CRDs, and small ones."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from capelin.runtime.documents.schema import Schema, compile_schema

CRDS = Path(__file__).parents[2] / "config/crd/bases"

TEXT = {"type": "string"}
NUMBER = {"type": "integer"}


@cache
def crd_schema(name: str, version: str = "v1beta2") -> Schema:
    """Return the compiled schema of one of the project's kinds, such as `cluster.x-k8s.io_machines`."""
    crd = yaml.load((CRDS / f"{name}.yaml").read_text(), yaml.CSafeLoader)
    found = next(entry for entry in crd["spec"]["versions"] if entry["name"] == version)
    return compile_schema(found["schema"]["openAPIV3Schema"])


def fields(**properties: Any) -> dict[str, Any]:
    """Return the schema of an object with these fields."""
    return {"type": "object", "properties": properties}


def spec(**properties: Any) -> dict[str, Any]:
    """Return the schema of a resource whose spec has these fields."""
    return fields(spec=fields(**properties))


def list_of(item: Any, kind: str = "atomic", *keys: str) -> dict[str, Any]:
    """Return the schema of a list of that list type."""
    return {"type": "array", "items": item, "x-kubernetes-list-type": kind, **({"x-kubernetes-list-map-keys": list(keys)} if keys else {})}


def map_of(item: Any) -> dict[str, Any]:
    """Return the schema of a map with values of that schema."""
    return {"type": "object", "additionalProperties": item}


def widget(spec: Any = None, **metadata: Any) -> dict[str, Any]:
    """Return an object of a kind that exists for tests alone."""
    return {
        "apiVersion": "example.com/v1",
        "kind": "Widget",
        "metadata": {"name": "w", **metadata},
        **({} if spec is None else {"spec": spec}),
    }
