from __future__ import annotations

import pytest

from capelin.runtime.gotemplate import TemplateError, parse
from capelin.runtime.gotemplate.functions.catalogue import FUNCTIONS
from capelin.runtime.gotemplate.names import REFUSED


def problem(text: str) -> TemplateError:
    with pytest.raises(TemplateError) as caught:
        parse(text)
    return caught.value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain } text { with braces",
        "{{/* a comment */}}{{- /* trimmed\nboth sides */ -}}",
        "{{ if eq .a `b` }}x{{ else if and .c (not .d) }}y{{ else }}z{{ end }}",
        "{{ range $i, $e := .list }}{{ if $i }}{{ break }}{{ end }}{{ continue }}{{ else }}none{{ end }}",
        "{{ with .a }}{{ . }}{{ else with .b }}{{ . }}{{ else }}-{{ end }}",
        '{{ define "t" }}{{ . }}{{ end }}{{ template "t" .x }}{{ block "b" . }}{{ .y }}{{ end }}',
        "{{ $x := 1 }}{{ $x = 0x1F }}{{ $x | printf \"%d\" }}{{ '\\n' }}{{ 1_000 }}{{ -0.5e3 }}{{ 0b11 }}{{ 0o17 }}",
        '{{ (index .a 0).b.c }}{{ ("x") }}{{ .a.b.c }}{{ $.a }}{{ list }}',
        "{{ if\n.a }}x{{ end }}",
        "{{ .a|upper|lower }}",
    ],
)
def test_templates_of_the_whole_language_are_read(text: str) -> None:
    assert parse(text).text == text


@pytest.mark.parametrize(
    ("text", "line", "column", "says"),
    [
        ("{{ .a", 1, 1, "missing"),
        ("a\nbc{{ .a.b! }}", 2, 10, "'!'"),
        ("{{ if .a }}", 1, 12, "{{end}}"),
        ("{{ end }}", 1, 4, "outside a block"),
        ("{{ else }}", 1, 4, "outside a block"),
        ("{{ if .a }}{{ else }}{{ else }}{{ end }}", 1, 25, "'else' found"),
        ("{{ if }}x{{ end }}", 1, 7, "no value"),
        ("{{ }}", 1, 4, "no value"),
        ("{{ break }}", 1, 4, "outside 'range'"),
        ("{{ range . }}{{ define `a` }}{{ break }}{{ end }}{{ end }}", 1, 17, "at the top only"),
        ("{{ $x }}", 1, 4, "variable '$x' is not defined"),
        ("{{ if 1 }}{{ $x := 1 }}{{ end }}{{ $x }}", 1, 36, "variable '$x' is not defined"),
        ("{{ $x, $y := .a }}", 1, 6, "one variable"),
        ("{{ range $x, $y, $z := .a }}{{ end }}", 1, 16, "two variables"),
        ("{{ .a | 1 }}", 1, 9, "only a function"),
        ("{{ (.a }}", 1, 8, "parenthesis"),
        ("{{ .a) }}", 1, 6, "')'"),
        ('{{ "a }}', 1, 4, "quoted string"),
        ("{{ `a }}", 1, 4, "raw string"),
        ('{{ "\\q" }}', 1, 4, "not an escape"),
        ("{{ 1a }}", 1, 4, "not a number"),
        ("{{ 089 }}", 1, 4, "not a number"),
        ("{{ 1+2i }}", 1, 4, "complex"),
        ("{{ 9223372036854775808 }}", 1, 4, "64 bits"),
        ("{{ 'ab' }}", 1, 4, "one character"),
        ("{{ nil.a }}", 1, 4, "no fields"),
        ("{{ : }}", 1, 4, "':='"),
        ("{{ é }}", 1, 4, "not defined"),
        ("{{ /* late */ }}", 1, 4, "'/'"),
        ("{{/* open }}", 1, 1, "comment"),
        ("{{/* open */ }}", 1, 11, "comment"),
        ("{{ define x }}{{ end }}", 1, 11, "name in quotes"),
        ("{{ template `a` .x .y", 1, 1, "missing"),
        ("{{ define `a` }}x{{ end }}{{ define `a` }}y{{ end }}", 1, 37, "more than once"),
    ],
)
def test_other_texts_are_refused_with_the_place_and_the_reason(text: str, line: int, column: int, says: str) -> None:
    error = problem(text)

    assert (error.line, error.column) == (line, column)
    assert says in error.problem
    assert str(error) == f"template: {line}:{column}: {error.problem}"


def test_an_unknown_function_is_named_with_the_ones_that_may_be_meant() -> None:
    error = problem("{{ uper .a }}")

    assert "'uper'" in error.problem
    assert "upper" in error.problem


@pytest.mark.parametrize(("name", "reason"), sorted(REFUSED.items()))
def test_a_function_that_is_not_repeatable_is_refused_with_its_reason(name: str, reason: str) -> None:
    error = problem(f"{{{{ {name} }}}}")

    assert f"'{name}' is refused: {reason}" in error.problem
    assert name not in FUNCTIONS


def test_the_functions_can_be_restricted() -> None:
    with pytest.raises(TemplateError, match="'upper'"):
        parse("{{ upper .a }}", functions={"lower": FUNCTIONS["lower"]})


@pytest.mark.parametrize(
    "text",
    [
        "{{if .a}}" * 1_000,
        "{{if .a}}x{{else if .b}}" * 500 + "{{end}}",
        "{{ " + "(" * 5_000 + ".a" + ")" * 5_000 + " }}",
        "{{range .}}" * 100 + "{{end}}" * 100,
        '{{block "a" .}}' * 100 + "{{end}}" * 100,
        "{{ .a }}" * 10_000,
        "x" * (1 << 20) + "x",
    ],
)
def test_a_template_beyond_a_bound_is_refused(text: str) -> None:
    error = problem(text)

    assert "more than" in error.problem or "are the most" in error.problem
