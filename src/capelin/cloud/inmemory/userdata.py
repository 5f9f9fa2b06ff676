"""What a machine finds on its disk after its first boot: the files that cloud-config writes. Pure.

A small part of cloud-init: the two header lines, the meta data that templates may name, and `write_files`. Commands are not run; what
kubeadm would do is decided by the files it would read.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Mapping
from typing import Any, Final

import yaml

from capelin.runtime.documents.yamlrules import NotPlain, check_plain

TEMPLATE_HEADER: Final = "## template: jinja"
CLOUD_CONFIG_HEADER: Final = "#cloud-config"

MAX_DISK: Final = 16 * 1024 * 1024
"""Bytes of all files, unpacked: far more than what a Secret is meant to hold, far less than a bomb unpacks to."""

MAX_DEPTH: Final = 64
"""Levels of nesting; kubeadm's configuration has seven."""

_META_DATA: Final = re.compile(r"\{\{\s*ds\.meta_data\.(\w+)\s*\}\}")


class UserDataError(ValueError):
    """The bootstrap data cannot be carried out; the message says where, what was found and what is allowed, never the data itself."""


def written_files(data: bytes, *, hostname: str) -> dict[str, bytes]:
    """Return the content of the files that the user data writes, by path.

    Raises:
        UserDataError: it is no cloud-config, or a file in it cannot be decoded.
    """
    entries = _document(data, hostname).get("write_files") or []
    if not isinstance(entries, list):
        raise UserDataError(f"write_files: found {_kind(entries)}, allowed is a list")
    files: dict[str, bytes] = {}
    size = 0
    for index, entry in enumerate(entries):
        place = f"write_files[{index}]"
        if not isinstance(entry, dict) or not isinstance(entry.get("path"), str):
            raise UserDataError(f"{place}: found {_kind(entry)}, allowed is an object with a path")
        content = _content(entry, place)
        size += len(content)
        if size > MAX_DISK:
            raise UserDataError(f"{place}: found more than {MAX_DISK} bytes in all files, allowed is less")
        files[entry["path"]] = files.get(entry["path"], b"") + content if entry.get("append") is True else content
    return files


def load_yaml_documents(text: str | bytes, place: str) -> list[Any]:
    """Return the YAML documents in `text`.

    Raises:
        UserDataError: it is not YAML, or YAML that is dangerous to read; the message names `place` and the line.
    """
    try:
        check_plain(text, MAX_DEPTH)
        return list(yaml.load_all(text, Loader=yaml.CSafeLoader))
    except NotPlain as error:
        raise UserDataError(f"{place}: {error}") from None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date that does not exist, a number with too many digits
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark is not None else ""
        raise UserDataError(f"{place}: found text that is not YAML{where}, allowed is YAML") from None


def _document(data: bytes, hostname: str) -> Mapping[str, Any]:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise UserDataError("found data that is not text, allowed is a cloud-config") from None
    first, _, rest = text.partition("\n")
    if first.strip() == TEMPLATE_HEADER:
        names = {"local_hostname": hostname, "hostname": hostname, "instance_id": hostname}
        text = _META_DATA.sub(lambda match: names.get(match[1], match[0]), rest)
        first = text.partition("\n")[0]
    if first.strip() != CLOUD_CONFIG_HEADER:
        raise UserDataError(f"found data that does not begin with {CLOUD_CONFIG_HEADER}, allowed is a cloud-config")
    documents = load_yaml_documents(text, "cloud-config")
    if len(documents) != 1 or not isinstance(documents[0], dict):
        raise UserDataError("cloud-config: found something else, allowed is one object")
    return documents[0]


def _content(entry: Mapping[str, Any], place: str) -> bytes:
    content = entry.get("content")
    if content is not None and not isinstance(content, str | bytes):
        raise UserDataError(f"{place}.content: found {_kind(content)}, allowed is text")
    data = content.encode() if isinstance(content, str) else content or b""
    match str(entry.get("encoding") or ""):
        case "":
            return data
        case "b64" | "base64":
            return _from_base64(data, place)
        case "gz" | "gzip":
            return _unzipped(data, place)
        case "gz+b64" | "gz+base64" | "gzip+b64" | "gzip+base64":
            return _unzipped(_from_base64(data, place), place)
        case unknown:
            raise UserDataError(f"{place}.encoding: found {unknown!r}, allowed are base64, gzip and gzip+base64")


def _from_base64(data: bytes, place: str) -> bytes:
    try:
        return base64.b64decode(b"".join(data.split()), validate=True)
    except binascii.Error:
        raise UserDataError(f"{place}.content: found text that is not base64, allowed is what the encoding says") from None


def _unzipped(data: bytes, place: str) -> bytes:
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        result = unpacker.decompress(data, MAX_DISK)
    except zlib.error:
        raise UserDataError(f"{place}.content: found data that is not gzip, allowed is what the encoding says") from None
    if not unpacker.eof:
        raise UserDataError(f"{place}.content: found more than {MAX_DISK} bytes unpacked, or only a part; allowed is less, and whole")
    return result


def _kind(value: object) -> str:
    names = {type(None): "nothing", dict: "an object", list: "a list", str: "text", int: "a number", bool: "a truth value"}
    return names.get(type(value), type(value).__name__)
