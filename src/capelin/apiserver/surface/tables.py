"""Tables: lists as `kubectl get` shows them, computed by the server so that every client shows the same columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from capelin.apiserver.builtin.cells import Cell, cell
from capelin.apiserver.registry import PrinterColumn, ResourceDefinition, Version
from capelin.apiserver.surface import ages
from capelin.apiserver.surface.jsonpath import compile_path
from capelin.runtime import codec
from capelin.runtime.codec import Document
from capelin.runtime.errors import BadRequest

INCLUDE_OBJECT = ("", "Metadata", "Object", "None")
"""What a row carries besides its cells: the `includeObject` parameter; empty means Metadata."""

_NAME = PrinterColumn("Name", "string", ".metadata.name", format="name", description="The object's name.")
_AGE = PrinterColumn("Age", "date", ".metadata.creationTimestamp")


def check_include_object(policy: str) -> None:
    """Return when the `includeObject` parameter has a value that exists.

    Raises:
        BadRequest: it has not.
    """
    if policy not in INCLUDE_OBJECT:
        raise BadRequest(f'unrecognized includeObject value: "{policy}"')


def columns(definition: ResourceDefinition, version: Version) -> tuple[PrinterColumn, ...]:
    """Return the columns of the resource; a custom resource gets its name in front, and its age when it declares none."""
    return version.columns if definition.builtin else (_NAME, *(version.columns or (_AGE,)))


def to_table(
    shown: Sequence[PrinterColumn],
    objects: Iterable[Document],
    *,
    now: datetime,
    metadata: Mapping[str, Any],
    form: str = "v1",
    include_object: str = "",
    headers: bool = True,
) -> Document:
    """Return a Table of meta.k8s.io/`form`, one row an object.

    Args:
        shown: what `columns` returned.
        objects: whole objects in the version that was asked for.
        now: what ages are counted from.
        metadata: the list's own metadata (of a single object: its resourceVersion).
        form: v1 or v1beta1.
        include_object: one of INCLUDE_OBJECT.
        headers: whether the columns are described; later events of a watch leave them out.
    """
    cells = [_cell(column) for column in shown]
    return {
        "kind": "Table",
        "apiVersion": f"meta.k8s.io/{form}",
        "metadata": dict(metadata),
        "columnDefinitions": [_header(column) for column in shown] if headers else [],
        "rows": [_row(cells, document, now, form, include_object) for document in objects],
    }


def _row(cells: Sequence[Cell], document: Document, now: datetime, form: str, include_object: str) -> Document:
    row: Document = {"cells": [cell(document, now) for cell in cells]}
    if include_object == "Object":
        row["object"] = document
    elif include_object != "None":
        metadata = document.get("metadata", {})
        row["object"] = {"kind": "PartialObjectMetadata", "apiVersion": f"meta.k8s.io/{form}", "metadata": metadata}
    return row


def _header(column: PrinterColumn) -> Document:
    return {
        "name": column.name,
        "type": column.type,
        "format": column.format,
        "description": column.description or _description(column),
        "priority": column.priority,
    }


def _description(column: PrinterColumn) -> str:
    return f"Custom resource definition column (in JSONPath format): {column.json_path}" if _is_path(column) else ""


def _is_path(column: PrinterColumn) -> bool:
    return column.json_path.startswith(".")


@lru_cache(maxsize=4096)
def _cell(column: PrinterColumn) -> Cell:
    """Return what computes the column's cells; a path that cannot be understood leaves them empty."""
    if not _is_path(column):
        return cell(column.json_path)
    try:
        path = compile_path(column.json_path)
    except ValueError:
        return lambda _document, _now: None
    convert: Callable[[Any, datetime], Any] = _CONVERSIONS.get(column.type, _as_text)

    def converted(document: Document, now: datetime) -> Any:
        found = next(iter(path(document)), None)
        return None if found is None else convert(found, now)

    return converted


def _as_text(value: Any, _now: datetime) -> str:
    if isinstance(value, str):
        return value
    return codec.canonical(value).decode()


def _as_integer(value: Any, _now: datetime) -> int | None:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _as_number(value: Any, _now: datetime) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _as_boolean(value: Any, _now: datetime) -> bool | None:
    return value if isinstance(value, bool) else None


def _as_age(value: Any, now: datetime) -> str | None:
    return ages.since(value, now) if isinstance(value, str) else None


_CONVERSIONS: Mapping[str, Callable[[Any, datetime], Any]] = {
    "string": _as_text,
    "integer": _as_integer,
    "number": _as_number,
    "boolean": _as_boolean,
    "date": _as_age,
}
