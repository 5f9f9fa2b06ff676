"""The data of the built-in kinds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

import pytest
import yaml

from capelin.apiserver import builtin
from capelin.apiserver.builtin.cells import cell


def field(name: str, path: str) -> Mapping[str, Any]:
    """Return the schema of a field such as `spec.containers[].ports`."""
    found: Any = builtin.schema(name)
    for step in path.split("."):
        found = found["properties"][step.removesuffix("[]")]
        found = found["items"] if step.endswith("[]") else found
    assert isinstance(found, Mapping)
    return found


def nodes(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield a schema and every schema inside it."""
    yield schema
    for child in (schema.get("properties") or {}).values():
        yield from nodes(child)
    for keyword in ("items", "additionalProperties"):
        if isinstance(schema.get(keyword), Mapping):
            yield from nodes(schema[keyword])


@pytest.mark.parametrize(
    ("kind", "path", "keys"),
    [
        ("core.v1.Pod", "spec.containers", ["name"]),
        ("core.v1.Pod", "spec.containers[].ports", ["containerPort", "protocol"]),
        ("core.v1.Pod", "spec.containers[].env", ["name"]),
        ("core.v1.Pod", "spec.containers[].volumeMounts", ["mountPath"]),
        ("core.v1.Pod", "spec.volumes", ["name"]),
        ("core.v1.Pod", "spec.topologySpreadConstraints", ["topologyKey", "whenUnsatisfiable"]),
        ("core.v1.Pod", "status.conditions", ["type"]),
        ("core.v1.Node", "status.conditions", ["type"]),
        ("core.v1.Service", "spec.ports", ["port", "protocol"]),
        ("apps.v1.Deployment", "spec.template.spec.containers", ["name"]),
        ("admissionregistration.v1.MutatingWebhookConfiguration", "webhooks", ["name"]),
    ],
)
def test_list_is_a_map_by_its_keys(kind: str, path: str, keys: list[str]) -> None:
    got = field(kind, path)

    assert (got["x-kubernetes-list-type"], got["x-kubernetes-list-map-keys"]) == ("map", keys)


@pytest.mark.parametrize(
    ("kind", "path", "merge_key"),
    [
        ("core.v1.Pod", "spec.containers", "name"),
        ("core.v1.Pod", "spec.containers[].ports", "containerPort"),
        ("core.v1.Service", "spec.ports", "port"),
        ("core.v1.Node", "status.addresses", "type"),
        ("core.v1.ServiceAccount", "secrets", "name"),
    ],
)
def test_strategic_merge_knows_its_key(kind: str, path: str, merge_key: str) -> None:
    got = field(kind, path)

    assert (got["x-kubernetes-patch-strategy"], got["x-kubernetes-patch-merge-key"]) == ("merge", merge_key)


@pytest.mark.parametrize(
    ("kind", "path"), [("core.v1.Pod", "spec.tolerations"), ("core.v1.Node", "spec.taints"), ("rbac.v1.Role", "rules")]
)
def test_list_without_keys_is_replaced_as_a_whole(kind: str, path: str) -> None:
    assert field(kind, path)["x-kubernetes-list-type"] == "atomic"


def test_status_demands_nothing_because_the_real_server_fills_it_with_zeros() -> None:
    assert "required" not in field("core.v1.Pod", "status.containerStatuses[]")
    assert field("core.v1.Pod", "spec")["required"] == ["containers"]


def test_schemas_are_without_references() -> None:
    for definition in builtin.catalog().definitions.values():
        schema = definition.storage_version.schema
        assert schema is not None
        assert all("$ref" not in node for node in nodes(schema))


def test_every_kind_and_its_spec_say_what_they_are_for() -> None:
    for definition in builtin.catalog().definitions.values():
        schema = definition.storage_version.schema
        assert schema is not None
        assert schema["description"].endswith(".")


def test_refinements_name_what_exists() -> None:
    refinements = yaml.safe_load((files(builtin) / "refinements.yaml").read_text())

    for name, refined in refinements.items():
        assert set(refined) - {"."} <= set(builtin.schema(name)["properties"]), name


def test_columns_without_a_function_name_a_field_of_the_schema() -> None:
    for definition in builtin.catalog().definitions.values():
        for column in definition.storage_version.columns:
            path = column.json_path.split(".")
            if len(path) > 1 and "metadata" not in path:
                assert has_field(definition.storage_version.schema, path), column


def has_field(schema: Mapping[str, Any] | None, path: list[str]) -> bool:
    """Tell whether the path leads to a field, or into a map of which any key may be there."""
    for step in path:
        schema = ((schema or {}).get("properties") or {}).get(step) or (schema or {}).get("additionalProperties")
    return schema is not None


def test_unknown_cell_is_read_as_a_field() -> None:
    assert cell("spec.size")({"spec": {"size": 3}}, datetime(2026, 1, 1, tzinfo=UTC)) == 3


def test_catalog_is_one_for_the_whole_process() -> None:
    assert builtin.catalog() is builtin.catalog()


def test_service_account_token_is_asked_for_by_its_own_kind() -> None:
    (token,) = builtin.catalog().definitions["", "serviceaccounts"].storage_version.subresources

    assert (token.name, token.group, token.kind, token.verbs) == ("token", "authentication.k8s.io", "TokenRequest", ("create",))
