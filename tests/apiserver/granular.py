"""A type with every way of merging, for tests of what server-side apply is made of."""

from __future__ import annotations

from capelin.runtime.documents.fieldtypes import compile_type
from tests.apiserver.schemas import NUMBER, TEXT, fields, list_of, map_of

CONDITION = fields(type=TEXT, status=TEXT)
TYPE = compile_type(
    fields(
        a=TEXT,
        n=NUMBER,
        labels=map_of(TEXT),
        whole={**fields(x=TEXT, y=TEXT), "x-kubernetes-map-type": "atomic"},
        conditions=list_of(CONDITION, "map", "type"),
        ports=list_of(fields(port=NUMBER, protocol={**TEXT, "default": "TCP"}), "map", "port", "protocol"),
        names=list_of(TEXT, "set"),
        list=list_of(TEXT),
        free={"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        size={"x-kubernetes-int-or-string": True},
        inner=fields(b=TEXT, deeper=fields(c=TEXT)),
    )
)


def condition(type_: str, status: str = "True") -> dict[str, str]:
    return {"type": type_, "status": status}
