"""`capelin validate`."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from capelin import assembly
from capelin.runtime.documents.manifests import SIZE_LIMIT, Manifest, ManifestError, read_manifests
from capelin.runtime.errors import Cause
from capelin.webhooks import offline
from capelin.webhooks.offline import Verdict

_SUFFIXES: Final = (".json", ".yaml", ".yml")
"""Files of a folder that are read, as by kubectl."""
_STDIN: Final = Path("-")
_WHOLE: Final = "<nil>"
"""How Kubernetes names the whole object where it names a field."""
_UNREADABLE: Final = 2
"""Exit code when there is nothing to judge, so that an empty pipe never passes for a valid one."""


@dataclass(frozen=True, slots=True)
class _Source:
    """Where a document stands; `at` is its path in a list."""

    file: str
    manifest: Manifest
    at: str
    document: Any

    @property
    def duplicates(self) -> list[str]:
        return [path.removeprefix(self.at) for path in self.manifest.duplicates if path.startswith(self.at)]

    def line_of(self, field: str) -> int:
        return self.manifest.line_of(f"{self.at}{field}".removesuffix("."))


@click.command("validate")
@click.option(
    "-f",
    "--filename",
    "paths",
    multiple=True,
    required=True,
    type=click.Path(path_type=Path, exists=True, allow_dash=True),
    help="File, folder (its *.yaml, *.yml and *.json), or - for standard input. May be repeated; all are judged together.",
)
@click.option("-n", "--namespace", default=offline.DEFAULT_NAMESPACE, show_default=True, help="Namespace of objects that name none.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Output format.")
def command(paths: Sequence[Path], namespace: str, output: str) -> None:
    """Judge manifests as an API server would that runs Capelin, without one.

    Exit code 0: all are valid. 1: at least one is not. 2: something could not be read.
    """
    try:
        sources = [source for path in paths for file in _files(path) for source in _sources(file)]
    except (ManifestError, OSError) as error:
        click.echo(f"Error: {error}", err=True)
        raise SystemExit(_UNREADABLE) from error
    if not sources:
        click.echo(f"Error: found no document in {', '.join(map(str, paths))}", err=True)
        raise SystemExit(_UNREADABLE)
    judged = offline.judge(
        [(source.document, source.duplicates) for source in sources], namespace=namespace, unattended=assembly.unattended()
    )
    told = list(zip(sources, asyncio.run(judged), strict=True))
    click.echo(json.dumps(_document(told), indent=2) if output == "json" else "\n".join(_lines(told)))
    if any(verdict.errors for _, verdict in told):
        raise SystemExit(1)


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(found for found in path.iterdir() if found.suffix in _SUFFIXES and found.is_file())
    return [path]


def _sources(path: Path) -> Iterator[_Source]:
    name = "<stdin>" if path == _STDIN else str(path)
    if path == _STDIN:
        data = sys.stdin.buffer.read(SIZE_LIMIT + 1)
    else:
        with path.open("rb") as file:
            data = file.read(SIZE_LIMIT + 1)
    try:
        manifests = read_manifests(data)
    except ManifestError as error:
        raise ManifestError(f"{name}: {error}") from error
    for manifest in manifests:
        for at, document in offline.opened(manifest.value):
            yield _Source(name, manifest, at, document)


def _lines(told: Sequence[tuple[_Source, Verdict]]) -> Iterator[str]:
    for source, verdict in told:
        title = f"{verdict.kind or 'document'} {verdict.key}".rstrip()
        if verdict.skipped:
            yield f"{source.file}:{source.line_of('')} {title}: skipped: {verdict.skipped}"
        for cause in verdict.errors:
            yield f"{source.file}:{source.line_of(cause.field)} {title}: {_sentence(cause)}"
        for warning in verdict.warnings:
            yield f"{source.file}:{source.line_of(_field(warning))} {title}: warning: {warning}"
    yield _summary([verdict for _, verdict in told])


def _sentence(cause: Cause) -> str:
    return cause.message if cause.field in ("", _WHOLE) else f"{cause.field}: {cause.message}"


def _field(warning: str) -> str:
    """Return the field that a warning begins with; empty when it is about the whole object."""
    field, colon, _ = warning.partition(": ")
    return field if colon and " " not in field else ""


def _summary(verdicts: Sequence[Verdict]) -> str:
    counts = _counts(verdicts)
    parts = [f"{counts['valid']} valid", f"{counts['invalid']} invalid", f"{counts['skipped']} skipped"]
    return f"{_of(len(verdicts), 'document')}: {', '.join(parts)}; {_of(counts['errors'], 'error')}, {_of(counts['warnings'], 'warning')}"


def _of(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _counts(verdicts: Sequence[Verdict]) -> dict[str, int]:
    results = [_result(verdict) for verdict in verdicts]
    return {
        **{result: results.count(result) for result in ("valid", "invalid", "skipped")},
        "errors": sum(len(verdict.errors) for verdict in verdicts),
        "warnings": sum(len(verdict.warnings) for verdict in verdicts),
    }


def _result(verdict: Verdict) -> str:
    return "skipped" if verdict.skipped else "invalid" if verdict.errors else "valid"


def _document(told: Sequence[tuple[_Source, Verdict]]) -> dict[str, Any]:
    return {"documents": [_entry(source, verdict) for source, verdict in told], "summary": _counts([verdict for _, verdict in told])}


def _entry(source: _Source, verdict: Verdict) -> dict[str, Any]:
    entry: dict[str, Any] = {"file": source.file, "line": source.line_of(""), "kind": verdict.kind, "result": _result(verdict)}
    entry |= {name: value for name, value in (("namespace", verdict.key.namespace), ("name", verdict.key.name)) if value}
    if verdict.skipped:
        entry["skipped"] = verdict.skipped
    entry["errors"] = [
        {"line": source.line_of(cause.field), "field": cause.field, "reason": cause.reason, "message": cause.message}
        for cause in verdict.errors
    ]
    entry["warnings"] = [{"line": source.line_of(_field(warning)), "message": warning} for warning in verdict.warnings]
    return entry
