"""Paths, URLs and durations."""

from __future__ import annotations

import posixpath
import re
from typing import Any, Final
from urllib.parse import quote, unquote_to_bytes

from capelin.runtime.gotemplate.bounds import Budget
from capelin.runtime.gotemplate.errors import Refusal, shown
from capelin.runtime.gotemplate.functions.signature import ANY, DICT, STRING, Function
from capelin.runtime.gotemplate.literals import octets_of, text_of
from capelin.runtime.gotemplate.values import Int64, type_of, wrapped

_LONGEST_URL: Final = 8192
_URL_PARTS: Final = ("scheme", "host", "path", "query", "opaque", "fragment", "userinfo")


def _cleaned(budget: Budget, path: str) -> str:
    budget.walk(len(path))
    return posixpath.normpath("/" + path.lstrip("/") if path.startswith("/") else path)


def _base(budget: Budget, path: str) -> str:
    budget.read(len(path))
    return path.rstrip("/").rpartition("/")[2] or ("/" if path else ".")


def _folder(budget: Budget, path: str) -> str:
    folder, slash, _ = path.rpartition("/")
    return _cleaned(budget, folder + slash)


def _extension(budget: Budget, path: str) -> str:
    budget.read(len(path))
    name = path.rpartition("/")[2]
    return name[name.rindex(".") :] if "." in name else ""


_URL: Final = re.compile(r"(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?", re.DOTALL)
_AUTHORITY: Final = re.compile(r"(?:(.*)@)?((\[[^\]]*\]|[^:\[\]]*)(?::([0-9]*))?)", re.DOTALL)
_BAD_HOST: Final = re.compile(r"[^\x80-\U0010ffffA-Za-z0-9._~!$&'()*+,;=:\[\]<>\"%-]")
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")


def _url_parts(_: Budget, url: str) -> dict[str, Any]:
    found = _URL.fullmatch(url)
    scheme, authority, path, query, fragment = found.groups() if found else (None, None, "", None, None)
    user_and_host = _AUTHORITY.fullmatch(authority or "")
    is_broken = any(character < " " or character == "\x7f" for character in url) or _BAD_ESCAPE.search(path + (fragment or ""))
    if (
        len(url) > _LONGEST_URL
        or user_and_host is None
        or is_broken
        or (scheme is None and authority is None and ":" in path.split("/")[0])
    ):
        raise Refusal("the text is not a URL")  # which may hold a password, so it is not shown
    user, host, name = user_and_host.groups()[:3]
    if _BAD_HOST.search(host):
        raise Refusal(f"the text is not a URL: its host is {shown(host)}")
    is_opaque = scheme is not None and authority is None and not path.startswith("/")
    return {
        "scheme": (scheme or "").lower(),
        "host": _unescaped(host),
        "hostname": _unescaped(name).strip("[]"),
        "path": "" if is_opaque else _unescaped(path),
        "query": query or "",
        "opaque": path if is_opaque else "",
        "fragment": _unescaped(fragment or ""),
        "userinfo": user or "",
    }


def _unescaped(text: str) -> str:
    return text_of(unquote_to_bytes(octets_of(text)))


def _url_of(_: Budget, parts: dict[str, Any]) -> str:
    parts = {name: parts[name] for name in _URL_PARTS if name in parts}
    for name, part in parts.items():
        if not isinstance(part, str):
            raise Refusal(f"the {name} of a URL is a {type_of(part)}, and a string is expected")
    if sum(map(len, parts.values())) > _LONGEST_URL:
        raise Refusal(f"a URL of more than {_LONGEST_URL} characters would be made")
    scheme, host, path, user = (parts.get(name, "") for name in ("scheme", "host", "path", "userinfo"))
    text = f"{scheme}:" if scheme else ""
    if opaque := parts.get("opaque", ""):
        text += opaque
    else:
        if scheme or host or user:
            text += f"//{user}@{host}" if user else f"//{host}" if host or path.startswith("//") else ""
            text += "/" if path and not path.startswith("/") and (host or user) else ""
        text += quote(octets_of(path), safe="$&+,/:;=@~!*'()[]")
    text += f"?{parts['query']}" if parts.get("query") else ""
    fragment = quote(octets_of(parts.get("fragment", "")), safe="$&+,/:;=?@~!()*")
    return text + (f"#{fragment}" if fragment else "")


_UNITS: Final = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_DURATION: Final = re.compile(r"[+-]?(?:0|(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+)")
_PART: Final = re.compile(r"([0-9]*)\.?([0-9]*)(ns|us|µs|μs|ms|s|m|h)")
_ROUND: Final = {"y": 365 * 86400, "mo": 30 * 86400, "d": 86400, "h": 3600, "m": 60, "s": 1}


def _duration(_: Budget, seconds: Any) -> str:
    """Return seconds, an int64 or the digits of one, as hours, minutes and seconds; anything else counts for none, as in Sprig."""
    count = int(seconds) if isinstance(seconds, Int64) else 0
    if isinstance(seconds, str) and re.fullmatch(r"[+-]?[0-9]{1,19}", seconds, re.ASCII):
        count = max(min(int(seconds), 2**63 - 1), -(2**63))
    nanoseconds = wrapped(count * 10**9)
    sign, rest = ("-" if nanoseconds < 0 else ""), abs(nanoseconds)
    minutes, rest = divmod(rest, _UNITS["m"])
    fraction = f"{rest % 10**9:09d}".rstrip("0")
    text = f"{rest // 10**9}{'.' + fraction if fraction else ''}s"
    if minutes:
        text = (f"{minutes // 60}h{minutes % 60}m" if minutes >= 60 else f"{minutes}m") + text
    return sign + text


def _rounded_duration(_: Budget, duration: Any) -> str:
    nanoseconds = int(duration) if isinstance(duration, Int64) else 0
    if isinstance(duration, str) and len(duration) < 100 and _DURATION.fullmatch(duration):
        nanoseconds = sum(_nanoseconds(*part.groups()) for part in _PART.finditer(duration))
    for unit, seconds in _ROUND.items():
        if abs(nanoseconds) > seconds * 10**9:
            return f"{abs(nanoseconds) // (seconds * 10**9)}{unit}"
    return "0s"


def _nanoseconds(whole: str, fraction: str, unit: str) -> int:
    size = _UNITS[unit]
    return int(whole or 0) * size + int(fraction or 0) * size // int("1" + "0" * len(fraction))


_PATHS: Final = {
    "base": Function(_base, (STRING,)),
    "dir": Function(_folder, (STRING,)),
    "clean": Function(_cleaned, (STRING,)),
    "ext": Function(_extension, (STRING,)),
    "isAbs": Function(lambda _, path: path.startswith("/"), (STRING,)),
}

FUNCTIONS = {
    **_PATHS,
    **{f"os{name[0].upper()}{name[1:]}": function for name, function in _PATHS.items()},
    "urlParse": Function(_url_parts, (STRING,)),
    "urlJoin": Function(_url_of, (DICT,)),
    "duration": Function(_duration, (ANY,)),
    "durationRound": Function(_rounded_duration, (ANY,)),
}
"""Paths of files are those of Linux whatever this machine is: a template means the machines of a cluster."""
