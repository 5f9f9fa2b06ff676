"""The same templates in Go and here: what one renders the other renders, what one refuses the other refuses."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from capelin.runtime.gotemplate import TemplateError, parse
from capelin.runtime.gotemplate.functions.catalogue import FUNCTIONS
from capelin.runtime.gotemplate.names import REFUSED
from hack.gotemplate import record
from tests.integration.realserver import missing
from tests.runtime.gotemplate.corpus import DATA, recorded
from tests.runtime.gotemplate.pipelines import ACTIONS, COMPARED

pytestmark = [pytest.mark.real, pytest.mark.slow]

_GO = "and call eq ge gt html index js le len lt ne not or print printf println slice urlquery"


@pytest.fixture(scope="session")
def program() -> Path:
    """The program that renders with Go; it is built when there is a Go to build it with."""
    if shutil.which("go") is None:
        missing("go is not installed, and renders the templates to compare with")
    built = subprocess.run([Path(record.__file__).with_name("build.sh")], capture_output=True, text=True)
    if built.returncode:
        missing(f"the program that renders with Go is not built: {built.stderr[-500:]}")
    return Path(built.stdout.strip())


def rendered(template: str, data: Any) -> str | None:
    """Return what comes out here; None for an error."""
    try:
        return parse(template).render(data)
    except TemplateError:
        return None


def test_the_record_is_what_go_renders_today(program: Path) -> None:
    examples = recorded()

    answers = record.rendered(program, [example["template"] for example in examples], DATA)

    assert [answer.get("output") for answer in answers] == [example.get("output") for example in examples]


def test_the_functions_are_those_of_go_and_sprig(program: Path) -> None:
    named = subprocess.run([program, "-functions"], check=True, capture_output=True, text=True).stdout.split()

    assert frozenset(FUNCTIONS) == (frozenset(named) | frozenset(_GO.split())) - frozenset(REFUSED)


@given(st.lists(ACTIONS, min_size=200, max_size=200))
@settings(
    max_examples=8,
    phases=(Phase.generate,),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
def test_pipelines_of_any_functions_are_rendered_alike(program: Path, templates: list[str]) -> None:
    answers = record.rendered(program, templates, DATA)

    differences = [
        (answer["template"], answer.get("output", answer.get("error")), got)
        for answer in answers
        if (got := rendered(answer["template"], DATA)) != answer.get("output")
    ]

    assert differences == []


@pytest.mark.parametrize("name", COMPARED)
def test_every_function_alone_is_rendered_alike(program: Path, name: str) -> None:
    values = [".text", ".list", ".dict", ".three", "2", '"a"', "nil", "true"]
    templates = [f"{{{{ {name} {one} {other} }}}}" for one in values for other in ["", *values]]

    answers = record.rendered(program, templates, DATA)

    assert [rendered(template, DATA) for template in templates] == [answer.get("output") for answer in answers]
