"""Files of manifests: their documents and lines, and what reading one may cost at most."""

from __future__ import annotations

import pytest

from capelin.runtime.documents.manifests import SIZE_LIMIT, ManifestError, read_manifests

YAML = b"""\
# A comment.
apiVersion: v1
kind: Demo
metadata:
  labels:
    example.com/team: blue
---
---
items:
  - name: one
    value: {a: 1,
            b: 2}
  - name: two
"""
JSON = b"""\
{"kind": "Demo",
 "spec": {"replicas": 1}}
{"kind": "Other"}
"""


def test_the_documents_of_a_file_are_found_without_the_empty_ones() -> None:
    assert [next(iter(found.value)) for found in read_manifests(YAML)] == ["apiVersion", "items"]


def test_json_objects_follow_each_other() -> None:
    assert [(found.value["kind"], found.line) for found in read_manifests(JSON)] == [("Demo", 1), ("Other", 3)]


def test_yaml_in_braces_is_yaml() -> None:
    assert [found.value for found in read_manifests(b"{kind: Demo}\n---\n{kind: Other}\n")] == [{"kind": "Demo"}, {"kind": "Other"}]


@pytest.mark.parametrize(
    ("data", "number", "field", "want"),
    [
        pytest.param(YAML, 0, "kind", 3, id="a field"),
        pytest.param(YAML, 0, "metadata.labels[example.com/team]", 6, id="a key of a map"),
        pytest.param(YAML, 1, "items[0].value.b", 12, id="an item of a list"),
        pytest.param(YAML, 1, "items[1]", 13, id="the item itself"),
        pytest.param(YAML, 1, "items[1].value.b", 13, id="a field that is not there"),
        pytest.param(YAML, 1, "metadata.name", 9, id="nothing of it is there"),
        pytest.param(JSON, 0, "spec.replicas", 2, id="JSON"),
        pytest.param(b'{"kind": "Demo",\n "emoji": "\\ud83d\\ude00"}', 0, "emoji", 1, id="JSON that is no YAML"),
    ],
)
def test_a_field_has_a_line(data: bytes, number: int, field: str, want: int) -> None:
    assert read_manifests(data)[number].line_of(field) == want


@pytest.mark.parametrize(
    ("data", "want"),
    [
        pytest.param(b"a: 1\nb: {c: 1, c: 2}\na: 3\n", ("b.c", "a"), id="YAML"),
        pytest.param(b'{"a": 1, "b": {"c": 1, "c": 2}, "a": 3}', ("a", "b.c"), id="JSON"),
        pytest.param(b"a: &all {c: 1}\nb: {<<: *all, c: 2}\n", (), id="a merge that is overridden"),
        pytest.param(b"a: 1\n---\na: 2\n", (), id="in two documents"),
    ],
)
def test_keys_that_are_written_twice_are_found(data: bytes, want: tuple[str, ...]) -> None:
    assert read_manifests(data)[0].duplicates == want


def test_aliases_are_what_they_stand_for() -> None:
    (found,) = read_manifests(b"a: &one {x: 1}\nb: *one\nc: {<<: *one, z: 2}\n")

    assert found.value == {"a": {"x": 1}, "b": {"x": 1}, "c": {"x": 1, "z": 2}}


def laughs() -> bytes:
    """Return a billion laughs: nine lists of nine aliases each."""
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]" for before, name in zip("abcdefgh", "bcdefghi", strict=True)]
    return "\n".join(lines).encode()


def ladder() -> bytes:
    """Return aliases in aliases that are few and deep."""
    lines = ["a0: &a0 [x]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 300))]
    return "\n".join(lines).encode()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param(b"a: b: c\n", "line 1: found no YAML", id="no YAML"),
        pytest.param(b"a: 1\n---\nb:\n - x\n  y\n- z\n", "line 6: found no YAML", id="no YAML in the second document"),
        pytest.param(b'{"a": 1,}x', "found no JSON", id="no JSON"),
        pytest.param(b"a: \xff\n", "no UTF-8", id="no text"),
        pytest.param(b"a: &a [*a]\n", "line 1: found *a inside", id="an alias of itself"),
        pytest.param(laughs(), "more than 200000 values", id="a billion laughs"),
        pytest.param(ladder(), "more than 200 levels", id="depth by aliases"),
        pytest.param(b"- " * 100_000, "more than 200 levels", id="deep YAML"),
        pytest.param(b'{"a":' * 300 + b"1" + b"}" * 300, "more than 200 levels", id="deep JSON"),
        pytest.param(b"[" * 1_000_000, "more than 200 levels", id="JSON that is deeper than the stack"),
        pytest.param(b'{"a": NaN}', "found NaN", id="not a number"),
        pytest.param(b"a: !!float .inf\n", "JSON does not have", id="no end"),
        pytest.param(b'{"a": ' + b"9" * 10_000 + b"}", "found no JSON", id="a number of ten thousand digits"),
        pytest.param(b"a: !!python/object/apply:os.system ['true']\n", "could not determine a constructor", id="a Python object"),
        pytest.param(b"a: " + b"x" * SIZE_LIMIT, "split the file", id="too large"),
    ],
)
def test_what_cannot_be_read_is_told(data: bytes, said: str) -> None:
    with pytest.raises(ManifestError) as refused:
        read_manifests(data)

    assert said in str(refused.value)
