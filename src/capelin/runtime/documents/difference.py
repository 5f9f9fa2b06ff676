"""The JSON patch that leads from one document to another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from capelin.runtime.codec import Document
from capelin.runtime.documents.documents import identical


def json_patch_between(old: Any, new: Any) -> list[Document]:
    """Return the operations of RFC 6902 that make `new` of `old`. A list whose length differs is replaced as a whole."""
    return list(_between(old, new, ""))


def _between(old: Any, new: Any, path: str) -> Iterator[Document]:
    if identical(old, new):
        return
    if type(old) is dict and type(new) is dict:
        yield from ({"op": "remove", "path": _below(path, name)} for name in old if name not in new)
        for name, value in new.items():
            if name in old:
                yield from _between(old[name], value, _below(path, name))
            else:
                yield {"op": "add", "path": _below(path, name), "value": value}
    elif type(old) is list and type(new) is list and len(old) == len(new):
        for index, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from _between(one, other, f"{path}/{index}")
    else:
        yield {"op": "replace", "path": path, "value": new}


def _below(path: str, name: str) -> str:
    return f"{path}/{name.replace('~', '~0').replace('/', '~1')}"
