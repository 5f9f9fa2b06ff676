"""How long ago: the short form in which tables show times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

UNKNOWN = "<unknown>"

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_YEAR = 365 * _DAY


def since(timestamp: object, now: datetime) -> str:
    """Return the age of an RFC 3339 `timestamp`: `<unknown>` when there is none, `<invalid>` when it is no time or lies in the future."""
    if not timestamp:
        return UNKNOWN
    try:
        moment = datetime.fromisoformat(str(timestamp))
    except ValueError:
        return "<invalid>"
    return short(now - (moment if moment.tzinfo else moment.replace(tzinfo=UTC)))


def short(age: timedelta) -> str:
    """Return `age` in at most two units, as kubectl prints it: 90s, 5m30s, 3h, 2d4h, 1y20d. Two seconds of the future pass for now."""
    seconds = int(age.total_seconds())
    if seconds < -1:
        return "<invalid>"
    seconds = max(seconds, 0)
    if seconds < 2 * _MINUTE:
        return f"{seconds}s"
    for limit, unit, name, rest, rest_name in _FORMS:
        if seconds < limit:
            whole, remainder = divmod(seconds, unit)
            parts = remainder // rest if rest else 0
            return f"{whole}{name}{parts}{rest_name}" if parts else f"{whole}{name}"
    return f"{seconds // _YEAR}y"


_FORMS = (
    (10 * _MINUTE, _MINUTE, "m", 1, "s"),
    (3 * _HOUR, _MINUTE, "m", 0, ""),
    (8 * _HOUR, _HOUR, "h", _MINUTE, "m"),
    (2 * _DAY, _HOUR, "h", 0, ""),
    (8 * _DAY, _DAY, "d", _HOUR, "h"),
    (2 * _YEAR, _DAY, "d", 0, ""),
    (8 * _YEAR, _YEAR, "y", _DAY, "d"),
)
"""Up to which age (seconds), in which unit, and in which second unit if any."""
