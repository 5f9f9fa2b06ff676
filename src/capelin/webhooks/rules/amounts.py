"""Amounts that are numbers or percentages."""

from __future__ import annotations

import re
from typing import Final

AMOUNT: Final = "a whole number, or a percentage such as '25%'"

_PERCENTAGE: Final = re.compile(r"[+-]?[0-9]{1,18}%")


def is_amount(value: int | str | None) -> bool:
    """Tell whether the value is a number or a percentage; one that is absent is no mistake. Signs are read, as the standard does."""
    return bool(_PERCENTAGE.fullmatch(value)) if isinstance(value, str) else True
