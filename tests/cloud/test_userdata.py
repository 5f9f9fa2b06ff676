"""What a machine finds on its disk after cloud-init has run."""

import base64
import gzip

import pytest

from capelin.cloud.inmemory.userdata import MAX_DISK, UserDataError, written_files

TEMPLATE = "## template: jinja\n#cloud-config\n\n"


def files(*lines: str, header: str = TEMPLATE) -> dict[str, bytes]:
    return written_files((header + "write_files:\n" + "\n".join(lines)).encode(), hostname="worker-1")


def test_files_are_written_as_they_are() -> None:
    got = files("- path: /a", "  content: |", "    one", "    two", "- path: /b", "  owner: root:root")

    assert got == {"/a": b"one\ntwo\n", "/b": b""}


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ("base64", base64.b64encode(b"secret")),
        ("b64", base64.b64encode(b"secret")),
        ("gzip+base64", base64.b64encode(gzip.compress(b"secret", mtime=0))),
        ("gz+b64", base64.b64encode(gzip.compress(b"secret", mtime=0))),
    ],
)
def test_encoded_files_are_decoded(encoding: str, content: bytes) -> None:
    assert files("- path: /a", f"  encoding: {encoding}", f"  content: {content.decode()}") == {"/a": b"secret"}


def test_binary_files_survive() -> None:
    packed = base64.b64encode(gzip.compress(b"\x00\xff")).decode()

    assert files("- path: /a", "  encoding: gzip", f"  content: !!binary {packed}") == {"/a": b"\x00\xff"}


def test_a_file_can_be_added_to() -> None:
    assert files("- {path: /a, content: one}", "- {path: /a, content: two, append: true}", "- {path: /b, content: x}")["/a"] == b"onetwo"


def test_a_later_file_replaces_an_earlier_one() -> None:
    assert files("- {path: /a, content: one}", "- {path: /a, content: two}") == {"/a": b"two"}


def test_a_template_knows_the_name_of_its_machine() -> None:
    line = '- {path: /a, content: "{{ ds.meta_data.local_hostname }} {{ds.meta_data.instance_id}} {{ ds.meta_data.region }}"}'

    assert files(line) == {"/a": b"worker-1 worker-1 {{ ds.meta_data.region }}"}
    assert files(line, header="#cloud-config\n")["/a"].startswith(b"{{ ds.meta_data.local_hostname }}")


def test_without_files_nothing_is_written() -> None:
    assert written_files(b"#cloud-config\nruncmd: [reboot]\n", hostname="a") == {}


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "does not begin with #cloud-config"),
        (b"#!/bin/sh\nreboot\n", "does not begin with #cloud-config"),
        (b'{"ignition": {"version": "3.4.0"}}', "does not begin with #cloud-config"),
        (b"\xff\xfe", "not text"),
        (b"#cloud-config\na: [\n", "not YAML in line"),
        (b"#cloud-config\n- a\n", "allowed is one object"),
        (b"#cloud-config\na: 2026-99-99\n", "not YAML"),
        (b"#cloud-config\nwrite_files: {}x\n", "not YAML"),
        (b"#cloud-config\nwrite_files: text\n", "write_files: found text"),
        (b"#cloud-config\nwrite_files: [7]\n", r"write_files\[0\]: found a number"),
        (b"#cloud-config\nwrite_files: [{content: a}]\n", r"write_files\[0\]: found an object, allowed is an object with a path"),
        (b"#cloud-config\nwrite_files: [{path: /a, content: [1]}]\n", r"write_files\[0\].content: found a list"),
        (b"#cloud-config\nwrite_files: [{path: /a, encoding: rot13}]\n", "encoding: found 'rot13'"),
        (b"#cloud-config\nwrite_files: [{path: /a, encoding: b64, content: '*'}]\n", "not base64"),
        (b"#cloud-config\nwrite_files: [{path: /a, encoding: gz, content: plain text}]\n", "not gzip"),
    ],
)
def test_what_cannot_be_carried_out_is_named(data: bytes, complaint: str) -> None:
    with pytest.raises(UserDataError, match=complaint):
        written_files(data, hostname="a")


def test_a_file_that_unpacks_to_a_bomb_is_refused() -> None:
    bomb = base64.b64encode(gzip.compress(bytes(MAX_DISK + 1))).decode()

    with pytest.raises(UserDataError, match="found more than"):
        files("- path: /a", "  encoding: gzip+base64", f"  content: {bomb}")


def test_many_files_share_one_limit() -> None:
    half = base64.b64encode(gzip.compress(bytes(MAX_DISK // 2))).decode()
    lines = [line for number in range(3) for line in (f"- path: /{number}", "  encoding: gzip+base64", f"  content: {half}")]

    with pytest.raises(UserDataError, match=r"write_files\[2\]: found more than"):
        files(*lines)


def test_a_text_that_spells_a_huge_one_is_refused() -> None:
    laughs = "a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a]\nwrite_files: [{path: /a, content: *b}]\n"

    with pytest.raises(UserDataError, match="found an alias"):
        written_files(f"#cloud-config\n{laughs}".encode(), hostname="a")


def test_stars_and_ampersands_in_text_are_no_aliases() -> None:
    assert files("- {path: /a, content: 'rm -f *.log && true'}") == {"/a": b"rm -f *.log && true"}


def test_a_deep_text_is_refused() -> None:
    """The parser spends stack on every level, and with a hundred thousand of them the process was gone."""
    with pytest.raises(UserDataError, match="more than 64 levels"):
        written_files(b"#cloud-config\nwrite_files: " + b"[" * 100_000, hostname="a")


def test_refusals_never_repeat_the_data() -> None:
    with pytest.raises(UserDataError) as error:
        written_files(b"#cloud-config\na: 'abcdef.0123456789abcdef\n", hostname="a")

    assert "abcdef" not in str(error.value)
