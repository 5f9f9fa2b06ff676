from __future__ import annotations

import resource
import tracemalloc
from typing import Any

import pytest

from capelin.runtime.gotemplate import TemplateError, parse

LONG = "x" * 60_000
GROWING = "{{ $x := .s }}{{ range until 40 }}{{ $x = %s }}{{ end }}{{ len $x }}"
ATTACKS = {
    "repeat": '{{ repeat 1000000000 "x" }}',
    "repeat of a repeat": '{{ "x" | repeat 1000000 | repeat 1000000 }}',
    "indent": '{{ indent 1000000000 "x" }}',
    "indent of many lines": '{{ "\\n" | repeat 1000000 | indent 1000000 }}',
    "until": "{{ until 1000000000 }}",
    "until beyond an index": "{{ until 9223372036854775807 }}",
    "untilStep": "{{ untilStep 0 1000000000 1 }}",
    "seq": "{{ seq 1000000000 }}",
    "range over an integer": "{{ range 1000000000 }}{{ end }}",
    "width of printf": '{{ printf "%1000000000d" 1 }}',
    "width as an argument": '{{ printf "%*d%*d%*d" 1000000 1 1000000 1 1000000 1 }}',
    "precision of printf": '{{ printf "%.1000000f%.1000000f" 1.5 1.5 }}',
    "nested range": "{{ range until 1000 }}{{ range until 1000 }}{{ range until 1000 }}x{{ end }}{{ end }}{{ end }}",
    "template that invokes itself": '{{ define "t" }}{{ template "t" . }}{{ end }}{{ template "t" . }}',
    "template that invokes itself twice": '{{ define "t" }}{{ template "t" }}{{ template "t" }}{{ end }}{{ template "t" }}',
    "templates that double": "".join(
        f'{{{{ define "t{n}" }}}}{{{{ template "t{n + 1}" }}}}{{{{ template "t{n + 1}" }}}}{{{{ end }}}}' for n in range(60)
    )
    + '{{ define "t60" }}x{{ end }}{{ template "t0" }}',
    "text that doubles": GROWING % "print $x $x",
    "list that doubles": "{{ $x := list 1 }}{{ range until 40 }}{{ $x = list $x $x }}{{ end }}{{ $x }}",
    "JSON that doubles": "{{ $x := list 1 }}{{ range until 40 }}{{ $x = list $x $x }}{{ end }}{{ toJson $x }}",
    "lists that are compared": "{{ $x := list 1 }}{{ $y := list 1 }}{{ range until 40 }}{{ $x = list $x $x }}{{ $y = list $y $y }}{{ end }}"
    "{{ deepEqual $x $y }}",
    "dict within itself": '{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ $d }}',
    "dict within itself as JSON": '{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ toJson $d }}',
    "dict within itself copied": '{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ deepCopy $d }}',
    "dict merged with itself": '{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ $e := dict }}{{ $_ := set $e "d" $e }}{{ merge $d $e }}',
    "list that grows": "{{ $x := list }}{{ range until 16000 }}{{ $x = append $x . }}{{ end }}",
    "replace by something long": '{{ replace "x" .s .s }}',
    "replace of nothing": '{{ replace "" .s .s }}',
    "escapes that grow": "{{ $x := repeat 50000 `<` }}{{ range until 40 }}{{ $x = html $x }}{{ end }}",
    "Base64 that grows": GROWING % "b64enc $x",
    "quotes that grow": GROWING % "quote $x",
    "expression that backtracks": '{{ regexMatch "(a+)+$" (repeat 50000 "a" | printf "%sb") }}',
    "expression that repeats repetitions": '{{ regexMatch "((a{0,99}){0,99}){0,99}" "a" }}',
    "empty repetitions": '{{ regexMatch "((((){0,999}){0,999}){0,999}){0,999}" "a" }}',
    "expression with many alternatives": '{{ regexFindAll (printf "(%s)*" (repeat 500 "a?|")) .s -1 }}',
    "expression that splits everywhere": '{{ regexSplit "" .s -1 | len }}',
    "expression of many groups": '{{ regexReplaceAll (repeat 400 "(x)") .s (repeat 400 "$1") }}',
    "deep expression": '{{ regexMatch (repeat 900 "(") "a" }}',
    "deep JSON": '{{ fromJson (repeat 100000 "[") }}{{ mustFromJson (print (repeat 5000 "[") (repeat 5000 "]")) }}',
    "trim of many characters": "{{ range until 1000 }}{{ $_ := trimAll $.s $.s }}{{ end }}",
    "case of a long text": "{{ range until 1000 }}{{ $_ := upper $.s }}{{ $_ := snakecase $.s }}{{ end }}",
    "unique items": "{{ uniq (until 16000) }}",
    "decimals": "{{ range until 10000 }}{{ $_ := mulf 1.1 1.1 1.1 1.1 1.1 1.1 1.1 1.1 1.1 1.1 1.1 }}{{ end }}",
    "output": "{{ range until 10000 }}{{ $.s }}{{ end }}",
    "wrap at every character": "{{ wrapWith 1 .s .s }}",
    "checksums": "{{ range until 10000 }}{{ $_ := sha512sum $.s }}{{ end }}",
    "digits": "{{ range until 10000 }}{{ $_ := atoi $.digits }}{{ $_ := int $.digits }}{{ $_ := float64 $.digits }}{{ end }}",
    "splitting": '{{ range until 1000 }}{{ $_ := splitList "x" $.s }}{{ end }}',
    "path of many steps": "{{ range until 1000 }}{{ $_ := clean (repeat 10000 `a/`) }}{{ end }}",
    "addresses": "{{ range until 1000 }}{{ $_ := urlParse (print `http://` $.s) }}{{ end }}",
    "constraints": "{{ range until 1000 }}{{ $_ := semverCompare (repeat 500 `1 `) `1.0.0` }}{{ end }}",
    "variables": "{{ $a := 1 }}" * 3000 + "{{ range until 1000 }}{{ $ }}{{ end }}",
}


def _processor_seconds() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime


DATA: dict[str, Any] = {"s": LONG, "digits": "9" * 3000}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_a_template_that_asks_for_too_much_is_stopped_soon(attack: str) -> None:
    start = _processor_seconds()

    with pytest.raises(TemplateError):
        parse(attack).render(DATA)

    assert _processor_seconds() - start < 1  # on a quiet machine it is at most a tenth of a second


@pytest.mark.slow
@pytest.mark.gate
@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_a_template_that_asks_for_too_much_is_stopped_before_it_gets_the_memory(attack: str) -> None:
    tracemalloc.start()

    with pytest.raises(TemplateError):
        parse(attack).render(DATA)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 48 << 20


def test_a_template_of_the_largest_size_renders() -> None:
    text = "x" * ((1 << 20) - 100)

    assert parse(text).render({}) == text


def test_a_file_of_a_machine_stays_far_within_the_bounds() -> None:
    line = "{{ range .nodes }}server {{ .name }} {{ .address | quote }} {{ default 443 .port }}\n{{ end }}"
    nodes = [{"name": f"node-{number}", "address": "10.0.0.1"} for number in range(500)]

    got = parse(line).render({"nodes": nodes})

    assert got.count("\n") == 500
