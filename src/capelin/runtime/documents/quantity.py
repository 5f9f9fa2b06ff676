"""Resource quantities: `500m`, `1.5Gi`, `1e3`.

Grammar of https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/, exact arithmetic.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final

_QUANTITY: Final = re.compile(r"([+-]?)(\d+(?:\.\d*)?|\.\d+)(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?\d+))?")
_DECIMAL: Final = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY: Final = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_EXPONENT_LIMIT: Final = 100


def parse_quantity(text: str) -> Fraction:
    """Return the number a quantity stands for.

    Raises:
        ValueError: it is not a quantity.
    """
    found = _QUANTITY.fullmatch(text)
    if found is None:
        raise ValueError("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")
    sign, digits, suffix, exponent = found.groups()
    if exponent is not None and abs(int(exponent)) > _EXPONENT_LIMIT:
        raise ValueError(f"the exponent of a quantity is at most {_EXPONENT_LIMIT}")
    number = Fraction(digits) * (-1 if sign == "-" else 1)
    if suffix in _BINARY:
        return number * (1 << _BINARY[suffix])
    power = _DECIMAL.get(suffix or "", 0) + int(exponent or 0)
    scale = Fraction(int("1" + "0" * abs(power)))
    return number * scale if power >= 0 else number / scale
