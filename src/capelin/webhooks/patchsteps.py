"""One step of a JSON patch in a ClusterClass: what it changes, and where the value comes from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from capelin.api.builtins import BUILTIN_VARIABLES
from capelin.api.classpatches import ADD, REMOVE, JSONPatch, PatchValue
from capelin.api.classvariables import BUILTIN
from capelin.api.refusals import FORBIDDEN, NOT_SUPPORTED, REQUIRED, Refusal, Rule
from capelin.webhooks.admission import Finding, Notice
from capelin.webhooks.patchtemplates import Readable, template_findings
from capelin.webhooks.rules.quoting import quoted

PATHS_ARE_PATCHABLE = Rule(
    "paths_are_patchable", "Patches change the spec of a template, its labels and its annotations: nothing else of it is used."
)
LISTS_ARE_ONLY_EXTENDED = Rule(
    "lists_are_only_extended",
    "Patches put entries at the beginning (`0`) or the end (`-`) of a list; they neither replace nor remove any, since other patches may "
    "have moved it.",
)
VALUES_HAVE_ONE_SOURCE = Rule(
    "values_have_one_source", "What is added or put in place of something is a value, a variable or a template; null is no value."
)
PATCH_VARIABLES_EXIST = Rule("patch_variables_exist", "A patch takes values from variables that the class defines, or from builtin ones.")

STEP_RULES: Final = (PATHS_ARE_PATCHABLE, LISTS_ARE_ONLY_EXTENDED, VALUES_HAVE_ONE_SOURCE, PATCH_VARIABLES_EXIST)

_SPEC: Final = "/spec/"
_METADATA: Final = ("/metadata/labels", "/metadata/annotations")
_NUMBER: Final = re.compile(r"[+-]?[0-9]+", re.ASCII)
_ESCAPE: Final = re.compile(r"~(?![01])")
_STEPS: Final = re.compile(r"[.\[]")


def step_findings(place: str, step: JSONPatch, readable: Readable) -> Iterator[Finding]:
    """Yield what is wrong with the step at `place`."""
    yield from _path_findings(f"{place}.path", step)
    if step.op == REMOVE:
        if step.value is not None or step.value_from is not None:
            yield Notice(f"{place}: remove takes no value, and the one that is given has no effect: leave it out")
        return
    if step.value is None and step.value_from is None:
        found = "neither value nor valueFrom, where null is no value"
        yield VALUES_HAVE_ONE_SOURCE.broken(place, found, "one of them", reason=REQUIRED)
    if step.value is not None and step.value_from is not None:
        yield VALUES_HAVE_ONE_SOURCE.broken(place, "both value and valueFrom", "one of them", reason=FORBIDDEN)
    if step.value_from is not None:
        yield from _source_findings(f"{place}.valueFrom", step.value_from, readable)


def _path_findings(field: str, step: JSONPatch) -> Iterator[Finding]:
    path = step.path
    if not path.startswith(_SPEC) and not any(f"{path}/".startswith(f"{known}/") for known in _METADATA):
        allowed = f"a path below {_SPEC}, or {' or '.join(_METADATA)}"
        yield PATHS_ARE_PATCHABLE.broken(field, quoted(path), allowed)
    numbers = [part for part in path.split("/") if _NUMBER.fullmatch(part)]
    if step.op == ADD and any(part.strip("+-0") for part in numbers):
        yield LISTS_ARE_ONLY_EXTENDED.broken(field, quoted(path), "0, the beginning of a list, or -, its end")
    elif step.op != ADD and numbers:
        yield LISTS_ARE_ONLY_EXTENDED.broken(field, quoted(path), f"no entry of a list: {step.op} takes the whole list")
    if _ESCAPE.search(path):
        yield Notice(f"{field}: in {quoted(path)} a ~ stands for itself: write ~0 for it, and ~1 for a slash in a name")


def _source_findings(field: str, source: PatchValue, readable: Readable) -> Iterator[Finding]:
    if source.template is None and source.variable is None:
        yield VALUES_HAVE_ONE_SOURCE.broken(field, "neither template nor variable", "one of them", reason=REQUIRED)
    if source.template is not None and source.variable is not None:
        yield VALUES_HAVE_ONE_SOURCE.broken(field, "both template and variable", "one of them", reason=FORBIDDEN)
    yield from template_findings(f"{field}.template", source.template, readable)
    if source.variable is not None:
        yield from _variable_findings(f"{field}.variable", source.variable, readable)


def _variable_findings(field: str, path: str, readable: Readable) -> Iterator[Finding]:
    if path.startswith(f"{BUILTIN}."):
        if path not in BUILTIN_VARIABLES:
            yield _unknown_builtin(field, path)
        return
    chain = [step.rstrip("]") for step in _STEPS.split(path) if step]
    if not chain or chain[0] not in readable.schemas:
        allowed = f"a variable of the class, which has {readable.named}, or a builtin one, such as {BUILTIN}.cluster.name"
        yield PATCH_VARIABLES_EXIST.broken(field, quoted(path), allowed, reason=NOT_SUPPORTED)
    elif "[" not in path and not readable.has(chain):
        yield Notice(f"{field}: the schema of {quoted(chain[0])} has no field for {quoted(path)}: the patch would fail in every cluster")


def _unknown_builtin(field: str, path: str) -> Refusal:
    part = ".".join(path.split(".")[:2])
    known = sorted(name for name in BUILTIN_VARIABLES if name.startswith(f"{part}.")) or sorted({_part(name) for name in BUILTIN_VARIABLES})
    return PATCH_VARIABLES_EXIST.broken(field, quoted(path), f"a builtin variable: {', '.join(known)}", reason=NOT_SUPPORTED)


def _part(name: str) -> str:
    return ".".join(name.split(".")[:2])
