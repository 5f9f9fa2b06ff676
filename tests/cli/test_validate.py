"""`capelin validate` as a shell sees it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from capelin.cli.main import main

VALID = """\
apiVersion: cluster.x-k8s.io/v1beta2
kind: MachineDrainRule
metadata:
  name: keep
spec:
  drain:
    behavior: Skip
"""
INVALID = VALID.replace("behavior: Skip", "behavior: Skip\n    order: 3\n    ordr: 4")
FOREIGN = "apiVersion: v1\nkind: Namespace\nmetadata: {name: team}\n"
WARNED = """\
apiVersion: cluster.x-k8s.io/v1beta2
kind: Cluster
metadata: {name: demo}
spec:
  topology: {classRef: {name: missing}, version: v1.34.0}
"""


def run(*arguments: str, stdin: str | bytes = "") -> Result:
    return CliRunner().invoke(main, ["validate", *arguments], input=stdin)


def written(folder: Path, **files: str) -> list[str]:
    """Write files and return their paths."""
    paths = [folder / f"{name}.yaml" for name in files]
    for path, text in zip(paths, files.values(), strict=True):
        path.write_text(text)
    return [str(path) for path in paths]


def test_valid_manifests_are_counted() -> None:
    done = run("-f", "-", stdin=VALID)

    assert (done.exit_code, done.output) == (0, "1 document: 1 valid, 0 invalid, 0 skipped; 0 errors, 0 warnings\n")


def test_every_error_names_file_line_object_and_field(tmp_path: Path) -> None:
    (path,) = written(tmp_path, rule="# A comment.\n" + INVALID)

    done = run("-f", path)

    first, second, summary = done.output.splitlines()
    assert first == f"{path}:10 MachineDrainRule default/keep: spec.drain.ordr: the field is unknown; did you mean order?"
    assert second.startswith(f"{path}:9 MachineDrainRule default/keep: spec.drain.order: Invalid value: ")
    assert summary == "1 document: 0 valid, 1 invalid, 0 skipped; 2 errors, 0 warnings"
    assert done.exit_code == 1


def test_warnings_are_no_errors(tmp_path: Path) -> None:
    (path,) = written(tmp_path, cluster=WARNED)

    done = run("-f", path)

    assert f"{path}:5 Cluster default/demo: warning: spec.topology.classRef.name: " in done.output
    assert done.exit_code == 0


def test_kinds_without_rules_are_skipped_and_named() -> None:
    done = run("-f", "-", stdin=f"{FOREIGN}---\n{VALID}")

    assert done.output.splitlines() == [
        "<stdin>:1 Namespace team: skipped: no rules are known for Namespace",
        "2 documents: 1 valid, 0 invalid, 1 skipped; 0 errors, 0 warnings",
    ]


def test_the_manifests_of_a_folder_are_judged(tmp_path: Path) -> None:
    written(tmp_path, a=VALID, b=INVALID)
    (tmp_path / "c.json").write_text(json.dumps({"kind": "List", "apiVersion": "v1", "items": []}))
    (tmp_path / "README.md").write_text("no manifest")

    assert "2 documents: 1 valid, 1 invalid" in run("-f", str(tmp_path)).output


def test_errors_in_a_list_have_their_lines() -> None:
    indented = "".join(f"    {line}\n" for line in INVALID.splitlines())

    done = run("-f", "-", stdin=f"apiVersion: v1\nkind: List\nitems:\n  -\n{indented}")

    assert [line.split(" ")[0] for line in done.output.splitlines()[:-1]] == ["<stdin>:13", "<stdin>:12"]


def test_fields_written_twice_are_errors() -> None:
    done = run("-f", "-", stdin=VALID + "    behavior: Drain\n")

    assert "<stdin>:8 MachineDrainRule default/keep: spec.drain.behavior: the field is written twice" in done.output


def test_what_is_about_the_whole_object_names_no_field() -> None:
    done = run("-f", "-", stdin="apiVersion: cluster.x-k8s.io/v1beta2\nkind: Cluster\nmetadata: {name: x}\nspec: {paused: 1}\n")

    assert "<stdin>:1 Cluster default/x: Invalid value: null: some validation rules were not checked" in done.output


def test_json_says_the_same() -> None:
    done = run("-f", "-", "-o", "json", "-n", "team", stdin=INVALID)

    told = json.loads(done.output)
    (document,) = told["documents"]
    assert {name: document[name] for name in ("file", "line", "kind", "namespace", "name", "result")} == {
        "file": "<stdin>",
        "line": 1,
        "kind": "MachineDrainRule",
        "namespace": "team",
        "name": "keep",
        "result": "invalid",
    }
    assert [(error["line"], error["field"]) for error in document["errors"]] == [(9, "spec.drain.ordr"), (8, "spec.drain.order")]
    assert told["summary"] == {"valid": 0, "invalid": 1, "skipped": 0, "errors": 2, "warnings": 0}
    assert done.exit_code == 1


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param(b"", "found no document in -", id="nothing"),
        pytest.param(b"---\n# nothing\n", "found no document in -", id="an empty document"),
        pytest.param(b"a: b: c", "<stdin>: line 1: found no YAML", id="no YAML"),
        pytest.param(b" " * 50_000_000, "split the file", id="50 MB"),
    ],
)
def test_what_cannot_be_read_is_no_result(data: bytes, said: str) -> None:
    done = run("-f", "-", stdin=data)

    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr


def test_a_file_that_is_not_there_is_a_mistake_in_the_call() -> None:
    done = run("-f", "/nowhere.yaml")

    assert done.exit_code == 2
    assert "does not exist" in done.stderr


@pytest.mark.parametrize(
    "value", ["9223372036854775808", "1e30", "18446744073709551616", "-1.5", "'5'"], ids=["2^63", "a float", "2^64", "a fraction", "text"]
)
@pytest.mark.parametrize("form", ["yaml", "json"])
def test_numbers_that_do_not_fit_are_errors(value: str, form: str) -> None:
    number = value.replace("'", '"')
    spelled = f'{{"behavior":"Drain","order":{number}}}' if form == "json" else f"{{behavior: Drain, order: {value}}}"
    text = f'{{"apiVersion":"cluster.x-k8s.io/v1beta2","kind":"MachineDrainRule","metadata":{{"name":"x"}},"spec":{{"drain":{spelled}}}}}'

    done = run("-f", "-", stdin=text)

    assert done.exit_code == 1
    assert "spec.drain.order: Invalid value" in done.output
