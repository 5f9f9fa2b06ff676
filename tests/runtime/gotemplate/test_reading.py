from __future__ import annotations

import pytest

from capelin.runtime.gotemplate import parse


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("{{ .builtin.cluster.name }}", {"builtin.cluster.name"}),
        ("{{ $.a.b }}{{ . }}{{ 1 }}", {"a.b"}),
        ("{{ if .a }}{{ .b }}{{ else }}{{ .c }}{{ end }}", {"a", "b", "c"}),
        ("{{ with .a }}{{ .b }}{{ $.c }}{{ else }}{{ .d }}{{ end }}", {"a", "a.b", "c", "d"}),
        ("{{ range $i, $e := .list }}{{ .x }}{{ $e.y }}{{ $.z }}{{ else }}{{ .w }}{{ end }}", {"list", "z", "w"}),
        ("{{ $x := .a.b }}{{ $x.c }}", {"a.b", "a.b.c"}),
        ("{{ $x := .a }}{{ if .q }}{{ $x = .b }}{{ end }}{{ $x.c }}", {"a", "b", "q"}),
        ("{{ (.a).b }}{{ (index .c 0).d }}{{ (.e | upper).f }}", {"a", "a.b", "c", "e"}),
        ("{{ printf `%s` .a | trunc .b }}", {"a", "b"}),
        ('{{ define "t" }}{{ .b }}{{ $.c }}{{ end }}{{ template "t" .a }}', {"a", "a.b", "a.c"}),
        ('{{ define "t" }}{{ .b }}{{ end }}{{ define "u" }}{{ .never }}{{ end }}{{ template "t" }}', set()),
        ('{{ block "t" .a }}{{ .b }}{{ end }}', {"a", "a.b"}),
    ],
)
def test_the_literal_chains_of_fields_are_told(text: str, want: set[str]) -> None:
    got = {".".join(path) for path in parse(text).fields()}

    assert got == want


@pytest.mark.parametrize("body", ['{{ template "t" .a }}', '{{ template "t" .a }}{{ template "t" .b }}', '{{ template "t" . }}'])
def test_a_template_that_invokes_itself_has_finitely_many(body: str) -> None:
    template = parse(f'{{{{ define "t" }}}}{body}{{{{ end }}}}{{{{ template "t" . }}}}')

    assert all(len(path) <= 17 for path in template.fields())
