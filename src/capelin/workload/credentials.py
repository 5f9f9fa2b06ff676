"""Kubeconfigs that tenants can write: what is accepted from a Secret, and where it may lead.

Whoever may write a `<cluster>-kubeconfig` Secret decides what this process connects to. A kubeconfig can ask its reader to run a program,
to open files, to go through a proxy or to trust anybody; none of that is honoured. The loader accepts inline data only and names the field
it refuses. `AddressPolicy` keeps connections away from this host and from link-local services, before and after names are resolved.
"""

from __future__ import annotations

import base64
import binascii
import errno
import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import yaml
from cryptography import x509

from capelin.runtime.documents.yamlrules import Loader, NotPlain, check_plain
from capelin.runtime.transport import Credentials

MAX_KUBECONFIG: Final = 128 * 1024
"""Bytes. A kubeconfig with RSA-4096 certificates and a chain of three authorities is 20 KiB."""

MAX_AUTHORITY: Final = 64 * 1024
"""Bytes of decoded certificate authority: room for some thirty certificates."""

MAX_DEPTH: Final = 12
"""Nesting of the document; a kubeconfig has five levels, extensions a few more."""

_TOP = {"apiVersion", "kind", "clusters", "contexts", "users", "current-context", "preferences", "extensions"}
_CLUSTER = {"server", "certificate-authority-data", "disable-compression", "extensions"}
_USER = {"client-certificate-data", "client-key-data", "token", "extensions"}
_CONTEXT = {"cluster", "user", "namespace", "extensions"}

_SERVER = "clusters[].cluster.server"
_LABEL = re.compile(r"^(?!-)[A-Za-z0-9_-]{1,63}(?<!-)$")
_METADATA_ADDRESSES = frozenset(ipaddress.ip_address(a) for a in ("fd00:ec2::254", "100.100.100.200", "168.63.129.16"))
"""Metadata services of clouds that are not link-local: they hand out the credentials of the machine we run on."""


class KubeconfigRefused(ValueError):
    """A kubeconfig from a Secret asks for what is not granted. The message names the field, what was found and what is allowed.

    It never repeats a value that could be secret.
    """


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """Decides which addresses a cluster may be reached at.

    `serves(host, port)` tells whether this program itself serves a simulated cluster there: the only exception for loopback.
    """

    serves: Callable[[str, int], bool]

    def check(self, server: str) -> None:
        """Accept the URL of an API server as far as it can be judged before its name is resolved.

        Raises:
            KubeconfigRefused: the scheme, the host or the address is not allowed.
        """
        host, port = _host_and_port(server)
        address = _literal(host)
        if address is not None:
            self.check_address(str(address), port)
        elif host.lower().rstrip(".") == "localhost" or host.lower().rstrip(".").endswith(".localhost"):
            self.check_address("127.0.0.1", port)

    def check_address(self, address: str, port: int) -> None:
        """Accept an IP address that a name led to; called for every address a connection is about to use.

        Raises:
            KubeconfigRefused: the address is link-local, loopback, unspecified, multicast or a metadata service.
        """
        found = ipaddress.ip_address(address)
        if isinstance(found, ipaddress.IPv6Address):
            found = found.ipv4_mapped or found.sixtofour or found
        if found.is_loopback and self.serves(address, port):
            return
        for name in ("is_loopback", "is_link_local", "is_unspecified", "is_multicast", "is_reserved"):
            if getattr(found, name):
                kind = name.removeprefix("is_").replace("_", "-")
                raise KubeconfigRefused(f"{_SERVER}: found the {kind} address {address}, allowed are addresses of other hosts")
        if found in _METADATA_ADDRESSES:
            raise KubeconfigRefused(f"{_SERVER}: found {address}, a metadata service, allowed are API servers")

    def screen(self, address: str, port: int) -> None:
        """Refuse, as an opener of sockets understands it, what `check_address` refuses.

        Raises:
            PermissionError: the address is not allowed.
        """
        try:
            self.check_address(address, port)
        except ValueError as error:  # refused, or no address at all
            raise PermissionError(errno.EACCES, str(error)) from error


def load_kubeconfig(data: bytes, policy: AddressPolicy) -> Credentials:
    """Return the credentials of the kubeconfig's current context.

    Raises:
        KubeconfigRefused: it is malformed, or has a field that would make us run, open, trust or reach something we should not.
    """
    document = read_kubeconfig(data)
    _allow("", document, _TOP)
    clusters = _entries(document, "clusters", "cluster", _CLUSTER)
    users = _entries(document, "users", "user", _USER)
    contexts = _entries(document, "contexts", "context", _CONTEXT)
    context = _named(contexts, "current-context", document.get("current-context"))
    cluster = _named(clusters, "contexts[].context.cluster", context.get("cluster"))
    user = _named(users, "contexts[].context.user", context.get("user")) if context.get("user") else {}
    server = _text(cluster, "clusters[].cluster", "server")
    policy.check(server)
    certificate = _inline(user, "users[].user", "client-certificate-data", MAX_AUTHORITY)
    key = _inline(user, "users[].user", "client-key-data", MAX_AUTHORITY)
    if bool(certificate) != bool(key):
        raise KubeconfigRefused("users[].user: found one of client-certificate-data and client-key-data, allowed are both or neither")
    return Credentials(
        server=server,
        certificate_authority=_authority(cluster),
        client_certificate=certificate,
        client_key=key,
        token=_text(user, "users[].user", "token", required=False),
    )


def read_kubeconfig(data: bytes) -> dict[str, Any]:
    """Return the document that a kubeconfig is, whatever its fields.

    Raises:
        KubeconfigRefused: it is none, or dangerous to read.
    """
    if len(data) > MAX_KUBECONFIG:
        raise KubeconfigRefused(f"kubeconfig: found {len(data)} bytes, allowed are {MAX_KUBECONFIG}")
    try:
        check_plain(data, MAX_DEPTH)
        loader = Loader(data)
        loader.duplicates = []
        document = loader.get_single_data()
    except NotPlain as error:
        raise KubeconfigRefused(f"kubeconfig: {error}") from None
    except (yaml.YAMLError, ValueError):
        # The parser's own message quotes the input, which holds keys.
        raise KubeconfigRefused("kubeconfig: found text that is not YAML, allowed is one YAML or JSON object") from None
    if not isinstance(document, dict):
        raise KubeconfigRefused(f"kubeconfig: found {type(document).__name__}, allowed is an object")
    return document


def _allow(where: str, found: Mapping[str, Any], allowed: set[str]) -> None:
    """Refuse every field that is not allowed and not empty."""
    for name, value in found.items():
        if name not in allowed and value not in (None, "", False, [], {}):
            path = f"{where}.{name}" if where else str(name)
            raise KubeconfigRefused(f"{path}: found a value, allowed are only {', '.join(sorted(allowed))}")


def _entries(document: Mapping[str, Any], plural: str, singular: str, allowed: set[str]) -> dict[str, dict[str, Any]]:
    found = document.get(plural) or []
    if not isinstance(found, list):
        raise KubeconfigRefused(f"{plural}: found {type(found).__name__}, allowed is a list")
    entries: dict[str, dict[str, Any]] = {}
    for entry in found:
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str) or not isinstance(entry.get(singular) or {}, dict):
            raise KubeconfigRefused(f"{plural}[]: found a malformed entry, allowed are objects with name and {singular}")
        _allow(f"{plural}[]", entry, {"name", singular})
        content = entry.get(singular) or {}
        _allow(f"{plural}[].{singular}", content, allowed)
        entries[entry["name"]] = content
    return entries


def _named(entries: Mapping[str, dict[str, Any]], where: str, name: object) -> dict[str, Any]:
    if not isinstance(name, str) or name not in entries:
        raise KubeconfigRefused(f"{where}: found no entry of that name, allowed are {', '.join(sorted(entries)) or 'none'}")
    return entries[name]


def _text(found: Mapping[str, Any], where: str, name: str, *, required: bool = True) -> str:
    value = found.get(name)
    if value in (None, "") and not required:
        return ""
    if not isinstance(value, str) or not value or any(ord(c) < 0x21 or ord(c) == 0x7F for c in value):
        raise KubeconfigRefused(f"{where}.{name}: allowed is a non-empty string without spaces or control characters")
    return value


def _inline(found: Mapping[str, Any], where: str, name: str, limit: int) -> bytes:
    value = found.get(name)
    if value in (None, ""):
        return b""
    try:
        if not isinstance(value, str):
            raise TypeError
        data = base64.b64decode("".join(value.split()), validate=True)
    except (TypeError, binascii.Error):
        raise KubeconfigRefused(f"{where}.{name}: allowed is base64") from None
    if len(data) > limit:
        raise KubeconfigRefused(f"{where}.{name}: found {len(data)} bytes, allowed are {limit}")
    return data


def _authority(cluster: Mapping[str, Any]) -> bytes:
    where = "clusters[].cluster"
    data = _inline(cluster, where, "certificate-authority-data", MAX_AUTHORITY)
    if not data:
        raise KubeconfigRefused(f"{where}.certificate-authority-data: found nothing, allowed is the cluster's certificate authority")
    try:
        x509.load_pem_x509_certificates(data)
    except ValueError:
        raise KubeconfigRefused(f"{where}.certificate-authority-data: allowed are certificates in PEM") from None
    return data


def _host_and_port(server: str) -> tuple[str, int]:
    try:
        parts = urlsplit(server)
        host, port = parts.hostname or "", parts.port or 443
    except ValueError:
        raise KubeconfigRefused(f"{_SERVER}: allowed is a URL such as https://host:6443") from None
    if parts.scheme != "https":
        raise KubeconfigRefused(f"{_SERVER}: found the scheme {parts.scheme!r}, allowed is https")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise KubeconfigRefused(f"{_SERVER}: found credentials, a query or a fragment in the URL, allowed are host, port and path")
    if _literal(host) is None and not _is_name(host):
        raise KubeconfigRefused(f"{_SERVER}: found the host {host!r}, allowed is a DNS name or an IP address")
    return host, port


def _literal(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_name(host: str) -> bool:
    """Tell a DNS name from the short, octal and hexadecimal spellings of IPv4 addresses that resolvers also take."""
    labels = host.rstrip(".").split(".")
    numeric = labels[-1].isdigit() or labels[-1].lower().startswith("0x")
    return len(host) <= 253 and not numeric and all(_LABEL.match(label) for label in labels)
