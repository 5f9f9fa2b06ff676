from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capelin.runtime.gotemplate import TemplateError, parse
from tests.runtime.gotemplate.corpus import DATA
from tests.runtime.gotemplate.pipelines import ACTIONS


def render(text: str, data: Any = DATA) -> str:
    return parse(text).render(data)


def test_the_data_stay_as_they_are_whatever_a_template_sets() -> None:
    data = copy.deepcopy(DATA)

    render('{{ $_ := set .dict.c "x" 1 }}{{ $_ := unset . "text" }}{{ $_ := mergeOverwrite .builtin .dict }}{{ $_ := set . "s" . }}', data)

    assert data == DATA


def test_a_template_can_be_rendered_again() -> None:
    template = parse('{{ $_ := set . "n" (add1 .n) }}{{ .n }}')

    got = [template.render({"n": 1}), template.render({"n": 5})]

    assert got == ["2", "6"]


@pytest.mark.parametrize(
    ("text", "line", "column", "says"),
    [
        ("a\n  {{ upper .three }}", 2, 12, "a value of type float64 found, and a string is expected: toString makes one"),
        ("{{ until .three }}", 1, 10, "int makes one"),
        ("{{ .text.field }}", 1, 4, "field 'field' is asked of a string"),
        ("{{ .nothing.field }}", 1, 4, "field 'field' is asked of null"),
        ("{{ eq .one 1 }}", 1, 4, "numbers of variables are floats"),
        ('{{ fail "no zone" }}', 1, 4, "fail: no zone"),
        ("{{ range .text }}{{ end }}", 1, 10, "range over a string"),
        ('{{ template "t" }}', 1, 4, "template 't' is not defined"),
        ("{{ index .list 9 }}", 1, 4, "index 9 found, and there are 4 items"),
        ('{{ regexFind "(?=a)" "a" }}', 1, 4, "not supported"),
        ('{{ printf "%[1]d" 1 }}', 1, 4, "not supported"),
        ("{{ upper .text .text }}", 1, 4, "upper is called with 2 arguments, and it takes 1"),
        ('{{ b64dec "?" }}', 1, 4, "not Base64"),
    ],
)
def test_an_error_names_the_place_what_was_found_and_what_is_allowed(text: str, line: int, column: int, says: str) -> None:
    with pytest.raises(TemplateError) as caught:
        render(text)

    assert (caught.value.line, caught.value.column) == (line, column)
    assert says in caught.value.problem


@pytest.mark.parametrize("data", [{"a": object()}, {"a": (1,)}, {"a": {1: {2}}}, {"a": 10**400}])
def test_data_that_are_no_json_are_refused(data: Any) -> None:
    with pytest.raises(TemplateError, match="the data hold"):
        render("{{ .a }}", data)


def test_a_broken_address_is_refused_without_showing_its_password() -> None:
    with pytest.raises(TemplateError) as caught:
        render("{{ urlParse .address }}", {"address": "https://user:hunter2@host:port/"})

    assert "hunter2" not in str(caught.value)


def test_keys_and_values_come_in_the_order_of_the_keys() -> None:
    got = render('{{ keys . | join "," }} {{ values . | join "," }}', {"b": 2, "a": 1, "c": 3})

    assert got == "a,b,c 1,2,3"


def test_names_of_objects_are_made_of_the_cluster_and_a_random_part() -> None:
    data = {"cluster": {"name": "blue"}, "machineDeployment": {"topologyName": "md-0"}, "random": "x7k2p"}

    got = render("{{ .cluster.name }}-{{ .machineDeployment.topologyName | trimPrefix `md-` }}-{{ .random }}", data)

    assert got == "blue-0-x7k2p"


@pytest.mark.parametrize("text", ['{{ "é" | trunc 1 }}', '{{ "\\xff" }}', '{{ index (splitList "" "\\xff") 0 }}'])
def test_bytes_that_are_no_character_come_out_as_a_replacement(text: str) -> None:
    assert render(text) == "\ufffd"


def test_characters_that_were_cut_in_two_can_be_joined_again() -> None:
    assert render('{{ trunc 1 "é" }}{{ trunc -1 "é" }}') == "é"


@pytest.mark.slow
@pytest.mark.gate
@given(st.lists(ACTIONS, max_size=3))
def test_whatever_a_template_calls_it_renders_or_fails_as_a_template(actions: list[str]) -> None:
    template = parse("".join(actions))

    try:
        got: object = template.render(DATA)
    except TemplateError as exc:
        got = exc.line

    assert isinstance(got, str) or got == 1


@pytest.mark.parametrize(
    "text",
    [
        "{{ if .yes }}" * 49 + "{{ range until 1 }}x{{ end }}" + "{{ end }}" * 49,
        "{{ " + "(print " * 49 + ".text" + ")" * 49 + " }}",
        '{{ define "t" }}{{ with rest . }}{{ template "t" . }}{{ end }}{{ end }}{{ template "t" (until 24) }}',
    ],
)
def test_the_depths_that_are_allowed_fit_onto_the_stack(text: str) -> None:
    def below(frames: int) -> str:
        return below(frames - 1) if frames else render(text)

    assert isinstance(below(300), str)
