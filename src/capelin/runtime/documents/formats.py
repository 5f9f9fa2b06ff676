"""The string formats that structural schemas may name, as predicates; names are compared without dashes.

The validator's own checks serve where they mean the same (`date-time`, `date`, `ipv4`, `ipv6`, `uri`, `hostname`, `email`); other names
of https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation are checked here; the rest
accept anything, as the API server ignores formats it does not know.
"""

from __future__ import annotations

import binascii
import ipaddress
import re
from base64 import b64decode
from collections.abc import Callable, Mapping

from capelin.runtime.documents.names import dns_label, dns_subdomain

NATIVE: Mapping[str, str] = {
    "datetime": "date-time",
    "date": "date",
    "ipv4": "ipv4",
    "ipv6": "ipv6",
    "uri": "uri",
    "hostname": "hostname",
    "email": "email",
}

_MAC = re.compile(r"([0-9A-Fa-f]{2}[:-]){5,19}[0-9A-Fa-f]{2}|([0-9A-Fa-f]{4}\.){2,9}[0-9A-Fa-f]{4}")
_DURATION = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)\s*(ns|us|µs|ms|s|m|h|d|w|[a-z]+)(\s*(\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))*|0")
_HEX_COLOR = re.compile(r"#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
_UUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", re.IGNORECASE)


def is_base64(text: str) -> bool:
    """Tell whether `text` is standard base64 with padding; line breaks are allowed."""
    try:
        b64decode(text.replace("\n", "").replace("\r", ""), validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def is_cidr(text: str) -> bool:
    """Tell whether `text` is an address with a prefix length; bits of the host may be set."""
    try:
        ipaddress.ip_interface(text)
    except ValueError:
        return False
    return "/" in text


OURS: Mapping[str, Callable[[str], bool]] = {
    "byte": is_base64,
    "cidr": is_cidr,
    "mac": lambda text: _MAC.fullmatch(text) is not None,
    "duration": lambda text: _DURATION.fullmatch(text) is not None,
    "hexcolor": lambda text: _HEX_COLOR.fullmatch(text) is not None,
    "uuid": lambda text: _UUID.fullmatch(text) is not None,
    "k8sshortname": lambda text: not dns_label(text),
    "k8slongname": lambda text: not dns_subdomain(text),
}


def format_name(name: str) -> str | None:
    """Return the name under which the validator checks a format; None when it is not checked."""
    plain = name.replace("-", "")
    return NATIVE.get(plain) or (plain if plain in OURS else None)
