"""Corefiles: read and written without loss, and carried over to later releases as the standard's library does it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capelin.api.corefile import Option, Plugin, Server, read, written
from capelin.api.corefilemigration import migrated

RECORDINGS: list[dict[str, Any]] = [json.loads(line) for line in Path(__file__).with_name("corefiles.jsonl").read_text().splitlines()]
"""What the library makes of Corefiles; written by `hack/corefiles`."""

CARRIED = [pytest.param(found, id=found["name"]) for found in RECORDINGS if "migrated" in found]
REFUSED = [pytest.param(found, id=found["name"]) for found in RECORDINGS if "error" in found]


@pytest.mark.parametrize("recording", CARRIED)
def test_a_corefile_is_carried_over_as_the_library_does_it(recording: dict[str, Any]) -> None:
    assert migrated(recording["corefile"], recording["from"], recording["to"]) == recording["migrated"]


@pytest.mark.parametrize("recording", REFUSED)
def test_what_the_library_refuses_to_carry_over_is_refused(recording: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"only the block of all zones|is older than"):
        migrated(recording["corefile"], recording["from"], recording["to"])


def test_there_are_recordings_of_both() -> None:
    assert (len(CARRIED), len(REFUSED)) == (70, 2)


def test_between_builds_of_one_release_a_corefile_stays_as_it_is_to_the_letter() -> None:
    assert migrated(".   {\n errors # all\n}", "v9.9.9", "9.9.9-eksbuild.1") == ".   {\n errors # all\n}"


def test_every_stub_domain_gets_a_block_of_its_own_even_side_by_side() -> None:
    """The library passes over the second of two neighbours, and fails on two that stand alone."""
    corefile = ".:53 {\n    forward a.example 10.0.0.1\n    forward b.example 10.0.0.2\n}\n"

    got = read(migrated(corefile, "1.3.1", "1.4.0"))

    assert [server.keys for server in got] == [(".:53",), ("a.example",), ("b.example",)]
    assert got[0].plugins == ()
    assert [server.plugins[0].args for server in got[1:] if server.plugins] == [(".", "10.0.0.1"), (".", "10.0.0.2")]


@pytest.mark.parametrize(
    ("text", "want"),
    [
        pytest.param('p "a b" ""', ("a b", ""), id="quotes"),
        pytest.param('p "a \\"b\\" \\c"', ('a "b" \\c',), id="escaped quotes, and nothing else escaped"),
        pytest.param('p "a\nb" c', ("a\nb", "c"), id="a quote over two lines"),
        pytest.param("p a # b", ("a",), id="a remark"),
        pytest.param("p a#b c", ("a", "c"), id="a remark inside a word ends with it"),
        pytest.param("p {$HOST} {{x}}", ("{$HOST}", "{{x}}"), id="braces inside words"),
        pytest.param("p\ta\r", ("a",), id="tabs and returns"),
    ],
)
def test_the_words_of_a_line_are_read_as_coredns_reads_them(text: str, want: tuple[str, ...]) -> None:
    assert read(f". {{\n{text}\n}}\n") == (Server((".",), (Plugin("p", want),)),)


def test_a_block_may_open_on_the_next_line() -> None:
    assert read("a b\n{\n  p\n  {\n    o 1\n  }\n}\n") == (Server(("a", "b"), (Plugin("p", (), (Option("o", ("1",)),)),)),)


@pytest.mark.parametrize(
    ("corefile", "want"),
    [
        pytest.param(". {\n errors\n", "ends inside a block", id="an open block"),
        pytest.param(". {\n errors {\n}\n", "ends inside a block", id="an open block of a plugin"),
        pytest.param('. {\n log "a\n}\n', "ends inside a quote", id="an open quote"),
        pytest.param("}\n", "did not open", id="a block closed twice"),
        pytest.param("{\n}\n", "line 1 .*belongs to nothing", id="a block of nothing"),
        pytest.param(". {\n health { lameduck }\n}\n", "line 2 .*a line of its own", id="a block in one line"),
        pytest.param(". {\n a {\n b {\n}\n}\n}\n", "'b' opens a block", id="a block in the block of a plugin"),
    ],
)
def test_what_cannot_be_read_whole_is_an_error(corefile: str, want: str) -> None:
    with pytest.raises(ValueError, match=want):
        read(corefile)


WORDS = st.text(alphabet='ab{}" \t\n#.', max_size=6).filter(lambda word: word not in ("{", "}"))
LINES = st.lists(WORDS, min_size=1, max_size=3)
OPTIONS = st.builds(lambda words: Option(words[0], tuple(words[1:])), LINES)
PLUGINS = st.builds(lambda words, options: Plugin(words[0], tuple(words[1:]), tuple(options)), LINES, st.lists(OPTIONS, max_size=2))
SERVERS = st.builds(
    lambda keys, plugins: Server(tuple(keys), None if plugins is None else tuple(plugins)), LINES, st.none() | st.lists(PLUGINS, max_size=3)
)


@given(server=SERVERS)
def test_what_is_written_reads_back_as_itself(server: Server) -> None:
    assert read(written([server])) == (server,)


def test_backslashes_in_quotes_read_back_as_they_were_read() -> None:
    servers = read('. {\n p "a \\\\" "\\d \\" \\\\\\""\n}\n')

    assert read(written(servers)) == servers
