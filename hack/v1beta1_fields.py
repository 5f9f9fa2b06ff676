"""Writes `tests/api/v1beta1_fields.jsonl`: which fields the spec of each kind had in v1beta1, and their types.

Usage: python -m hack.v1beta1_fields

Read from the CRDs in the Go modules of Cluster API, which Go downloads and verifies. Run it by hand: v1beta1 does not change any more.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from capelin.api.crds import KINDS

VERSION = "v1.13.0"
MODULES = {
    "sigs.k8s.io/cluster-api": ("config/crd/bases", "bootstrap/kubeadm/config/crd/bases", "controlplane/kubeadm/config/crd/bases"),
    "sigs.k8s.io/cluster-api/test": ("infrastructure/docker/config/crd/bases",),
}
TARGET = Path(__file__).resolve().parent.parent / "tests" / "api" / "v1beta1_fields.jsonl"
OLD_VERSIONS = ("v1beta1", "v1alpha1")
"""The version that came before v1beta2; extensions went there from v1alpha1."""


def module(path: str) -> Path:
    """Return where Go keeps the module."""
    done = subprocess.run(["go", "mod", "download", "-json", f"{path}@{VERSION}"], cwd="/", capture_output=True, text=True, check=True)
    return Path(json.loads(done.stdout)["Dir"])


def fields(schema: dict[str, Any], place: str) -> Iterator[tuple[str, str]]:
    """Yield the place and the type of a field and of everything below it."""
    yield place, type_of(schema)
    for name, inner in (schema.get("properties") or {}).items():
        yield from fields(inner, f"{place}.{name}")
    for keyword, mark in (("items", "[]"), ("additionalProperties", "{}")):
        if isinstance(schema.get(keyword), dict):
            yield from fields(schema[keyword], f"{place}{mark}")


def type_of(schema: dict[str, Any]) -> str:
    """Return the type of a field in one word."""
    return "int-or-string" if schema.get("x-kubernetes-int-or-string") else str(schema.get("type") or "any")


def lines() -> Iterator[str]:
    """Yield a line for each kind that had an older version."""
    ours = {(kind.resource.group, kind.resource.kind) for kind in KINDS}
    files = [file for path, folders in MODULES.items() for folder in folders for file in sorted((module(path) / folder).glob("*.yaml"))]
    for spec in (yaml.safe_load(file.read_text())["spec"] for file in files):
        versions = {version["name"]: version for version in spec["versions"]}
        old = next((versions[name] for name in OLD_VERSIONS if name in versions), None)
        if old is None or (spec["group"], spec["names"]["kind"]) not in ours:
            continue
        found = dict(fields(old["schema"]["openAPIV3Schema"]["properties"]["spec"], "spec"))
        api_version = f"{spec['group']}/{old['name']}"
        yield json.dumps({"apiVersion": api_version, "kind": spec["names"]["kind"], "fields": found}, separators=(",", ":"))


if __name__ == "__main__":
    TARGET.write_text("".join(f"{line}\n" for line in lines()))
