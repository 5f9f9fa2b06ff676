"""The JSONPath of printer columns."""

from __future__ import annotations

from typing import Any

import pytest

from capelin.apiserver.surface.jsonpath import compile_path

DOCUMENT = {"a": {"b.c": 1, "list": [{"n": 1, "on": True}, {"n": 2}, {"n": 3, "on": False}]}, "x": "y"}


@pytest.mark.parametrize(
    ("path", "want"),
    [
        (".x", ["y"]),
        ("$.x", ["y"]),
        (r".a.b\.c", [1]),
        (".a['b.c']", [1]),
        ('.a["b.c"]', [1]),
        (".a.list[0].n", [1]),
        (".a.list[-1].n", [3]),
        (".a.list[9].n", []),
        (".a.list[*].n", [1, 2, 3]),
        (".a.list[?(@.n>1)].n", [2, 3]),
        (".a.list[?(@.n != 2)].n", [1, 3]),
        (".a.list[?(@.on)].n", [1, 3]),
        (".a.list[?(@.on==true)].n", [1]),
        (".a.list[?(@.n=='1')].n", []),
        (".x.y.z", []),
        (".nothing", []),
    ],
)
def test_path_finds_values_in_document_order(path: str, want: list[Any]) -> None:
    assert list(compile_path(path)(DOCUMENT)) == want


@pytest.mark.parametrize("path", ["x", ".", "..x", ".a[", ".a[1:2]", ".a[?(n==1)]", ".a[?(@.n==one)]", ".a['b"])
def test_path_outside_of_the_supported_part_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="JSONPath"):
        compile_path(path)
