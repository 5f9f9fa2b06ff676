"""The files of a machine: those of the spec with their contents, the certificates, what kubeadm is told. Pure, but for `fetch`."""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Iterator, Mapping
from typing import Final

from capelin.api.core import Secret
from capelin.api.kubeadmconfig import File, KubeadmConfigSpec, SecretSource
from capelin.api.kubeadmconfigrules import unknown_expression
from capelin.api.meta import ObjectKey
from capelin.controllers.kubeadmconfig.cloudconfig import HostFile
from capelin.runtime.client import Client
from capelin.runtime.pki import KeyPair
from capelin.workload.certificates import Certificates, Purpose

CERTIFICATES_DIRECTORY: Final = "/etc/kubernetes/pki"

BASE64: Final = "base64"
GZIP: Final = "gzip"
GZIP_BASE64: Final = "gzip+base64"

TEMPLATE: Final = "Template"

MAX_UNPACKED: Final = 16 * 1024 * 1024
"""How much of a compressed file is unpacked to see whether it can be; more than any Secret can mean."""

_STEMS: Final = {
    Purpose.CA: "ca",
    Purpose.ETCD: "etcd/ca",
    Purpose.FRONT_PROXY: "front-proxy-ca",
    Purpose.SERVICE_ACCOUNT: "sa",
    Purpose.ETCD_CLIENT: "apiserver-etcd-client",
}

_VERSION: Final = re.compile(r"{{-?\s*\.controlPlane\.version\s*-?}}")


class SourceMissing(Exception):
    """A Secret that content comes from, or its key, is not there (yet)."""


class ContentRefused(ValueError):
    """Content cannot be what the spec says it is; the message names the field."""


async def fetch(client: Client, namespace: str, spec: KubeadmConfigSpec) -> dict[str, bytes]:
    """Return the content of everything the spec takes from Secrets, by the field that takes it.

    Raises:
        SourceMissing: a Secret or its key is not there.
    """
    secrets: dict[str, Secret | None] = {}
    found: dict[str, bytes] = {}
    for field, source in _sources(spec):
        name = source.secret.name
        if name not in secrets:
            secrets[name] = await client.get(Secret, ObjectKey(namespace, name))
        found[field] = _value(secrets[name], field, namespace, source)
    return found


def _sources(spec: KubeadmConfigSpec) -> Iterator[tuple[str, SecretSource]]:
    for index, file in enumerate(spec.files or ()):
        if file.content_from is not None:
            yield f"spec.files[{index}].contentFrom", file.content_from
    for index, user in enumerate(spec.users or ()):
        if user.passwd_from is not None:
            yield f"spec.users[{index}].passwdFrom", user.passwd_from


def _value(secret: Secret | None, field: str, namespace: str, source: SecretSource) -> bytes:
    where = f"{field}: Secret {namespace}/{source.secret.name}"
    if secret is None:
        raise SourceMissing(f"{where} does not exist")
    try:
        found = secret.value(source.secret.key)
    except ValueError:
        raise ContentRefused(f"{where}: data[{source.secret.key}]: allowed is base64") from None
    if found is None:
        raise SourceMissing(f"{where} has no key {source.secret.key}")
    return found


def passwords(spec: KubeadmConfigSpec, fetched: Mapping[str, bytes]) -> dict[str, str]:
    """Return the hashes of passwords that come from Secrets, by user name.

    Raises:
        ContentRefused: one is not text.
    """
    found = {}
    for index, user in enumerate(spec.users or ()):
        field = f"spec.users[{index}].passwdFrom"
        if field in fetched:
            try:
                found[user.name] = fetched[field].decode().strip("\n")
            except UnicodeDecodeError:
                raise ContentRefused(f"{field}: found bytes that are no text, allowed is the hash of a password") from None
    return found


def spec_files(spec: KubeadmConfigSpec, fetched: Mapping[str, bytes], control_plane_version: str) -> list[HostFile]:
    """Return the files of the spec.

    Raises:
        ContentRefused: a file is not encoded as it says, or is a template that needs more than the control plane's version.
    """
    return [_spec_file(index, file, fetched, control_plane_version) for index, file in enumerate(spec.files or ())]


def needs_control_plane_version(spec: KubeadmConfigSpec) -> bool:
    """Tell whether a file is a template."""
    return any(file.content_format == TEMPLATE for file in spec.files or ())


def _spec_file(index: int, file: File, fetched: Mapping[str, bytes], version: str) -> HostFile:
    field = f"spec.files[{index}]"
    content = fetched.get(f"{field}.contentFrom")
    if content is None:
        content = (file.content or "").encode()
    if file.content_format == TEMPLATE:
        content = _filled_in(field, content, version)
    _check_encoding(field, content, file.encoding)
    return HostFile(file.path, content, file.owner or "", file.permissions or "", file.encoding or "", bool(file.append))


def _filled_in(field: str, content: bytes, version: str) -> bytes:
    """Fill in the control plane's version, the one thing templates of files are given."""
    try:
        text = _VERSION.sub(lambda _: version, content.decode())
    except UnicodeDecodeError:
        raise ContentRefused(f"{field}.content: found bytes that are no text, allowed is a template") from None
    if left := unknown_expression(text):
        raise ContentRefused(f"{field}.content: found {left[:80]!r}, allowed is {{{{ .controlPlane.version }}}}")
    return text.encode()


def _check_encoding(field: str, content: bytes, encoding: str | None) -> None:
    if encoding is None:
        return
    try:
        packed = base64.b64decode(b"".join(content.split()), validate=True) if encoding in (BASE64, GZIP_BASE64) else content
        if encoding in (GZIP, GZIP_BASE64):
            zlib.decompressobj(wbits=zlib.MAX_WBITS | 16).decompress(packed, MAX_UNPACKED)
    except (binascii.Error, zlib.error):
        raise ContentRefused(f"{field}.content: found content that is not {encoding}, allowed is what spec.files[].encoding says") from None


def certificate_files(certificates: Certificates, directory: str | None) -> list[HostFile]:
    """Return the certificates and keys of a control-plane machine where kubeadm looks for them."""
    return [file for purpose, pair in certificates.items() for file in _pair_files(purpose, pair, directory or CERTIFICATES_DIRECTORY)]


def _pair_files(purpose: Purpose, pair: KeyPair, directory: str) -> Iterator[HostFile]:
    stem = f"{directory.rstrip('/')}/{_STEMS[purpose]}"
    suffix = "pub" if purpose is Purpose.SERVICE_ACCOUNT else "crt"
    yield HostFile(f"{stem}.{suffix}", pair.certificate, "root:root", "0640")
    if pair.key:
        yield HostFile(f"{stem}.key", pair.key, "root:root", "0600")


def kubeadm_file(path: str, text: str) -> HostFile:
    """Return the file with kubeadm's configuration; it holds a token."""
    return HostFile(path, text.encode(), "root:root", "0640")
