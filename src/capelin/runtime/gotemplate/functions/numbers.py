"""Arithmetic: integers of 64 bits that wrap around, and floats that are added and multiplied as the decimals they are written as."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from typing import Any, Final

from capelin.runtime.gotemplate.bounds import Budget
from capelin.runtime.gotemplate.errors import Refusal
from capelin.runtime.gotemplate.functions.casting import to_float, to_int
from capelin.runtime.gotemplate.functions.signature import ANY, FLOAT, INT, Function
from capelin.runtime.gotemplate.values import Int64, Ints, wrapped

_EXACT: Final = Context(prec=700)
"""Digits enough to add the largest float to the smallest."""

_QUOTIENT: Final = Decimal(1).scaleb(-16)
"""Divisions are carried to 16 places."""


def _sum(_: Budget, *values: Any) -> Int64:
    return wrapped(sum(map(to_int, values)))


def _product(_: Budget, *values: Any) -> Int64:
    product = 1
    for value in values:
        product = wrapped(product * to_int(value))
    return wrapped(product)


def _divided(_: Budget, one: Any, other: Any) -> tuple[int, int]:
    """Return quotient and remainder, rounded towards zero."""
    dividend, divisor = to_int(one), to_int(other)
    if divisor == 0:
        raise Refusal("a division by zero")
    quotient = abs(dividend) // abs(divisor) * (1 if (dividend < 0) == (divisor < 0) else -1)
    return quotient, dividend - quotient * divisor


def _decimal(value: Any) -> Decimal:
    number = to_float(value)
    if not math.isfinite(number):
        raise Refusal("a number found that is not finite")
    return Decimal(repr(number))


def _folded(operation: Callable[[Decimal, Decimal], Decimal]) -> Callable[..., float]:
    def fold(budget: Budget, first: Any, *others: Any) -> float:
        with localcontext(_EXACT):
            result = _decimal(first)
            for other in others:
                budget.spend()
                result = operation(result, _decimal(other))
            return float(result)

    return fold


def _quotient(one: Decimal, other: Decimal) -> Decimal:
    if other == 0:
        raise Refusal("a division by zero")
    return (one / other).quantize(_QUOTIENT, ROUND_HALF_UP)


def _whole(number: float, towards: Callable[[float], int]) -> float:
    return math.copysign(float(towards(number)), number) if math.isfinite(number) else number


def _rounded(_: Budget, value: Any, places: int, *least: float) -> float:
    scale = 10.0**places if abs(places) <= 308 else (math.inf if places > 0 else 0.0)
    scaled = scale * to_float(value)
    fraction = math.modf(scaled)[0]
    whole = _whole(scaled, math.ceil if fraction >= (least[0] if least else 0.5) else math.floor)
    if scale == 0 or not math.isfinite(whole / scale if scale else math.nan):
        raise Refusal(f"a number cannot be rounded to {places} places")
    return whole / scale


_add_decimals = _folded(lambda one, other: one + other)


def _from_to(budget: Budget, start: int, stop: int, step: int) -> Ints:
    """Return the numbers from `start` on and before `stop`; none when the step leads away from it."""
    if step == 0 or (stop < start) != (step < 0):
        return Ints()
    numbers = range(start, stop, step)
    budget.items(_count(numbers))
    return Ints(numbers)


def _count(numbers: range) -> int:
    return max(0, (numbers.stop - numbers.start + numbers.step - (1 if numbers.step > 0 else -1)) // numbers.step)


def _sequence(budget: Budget, *numbers: int) -> str:
    if not 1 <= len(numbers) <= 3:
        return ""
    start, stop = (1, numbers[0]) if len(numbers) == 1 else (numbers[0], numbers[-1])
    onward = -1 if stop < start else 1
    step = numbers[1] if len(numbers) == 3 else onward
    if onward < 0 < step:
        return ""
    return " ".join(map(str, _from_to(budget, start, stop + onward, step)))


FUNCTIONS = {
    "add": Function(_sum, (), ANY),
    "add1": Function(lambda budget, value: _sum(budget, value, 1), (ANY,)),
    "sub": Function(lambda _, one, other: wrapped(to_int(one) - to_int(other)), (ANY, ANY)),
    "mul": Function(_product, (ANY,), ANY),
    "div": Function(lambda budget, one, other: wrapped(_divided(budget, one, other)[0]), (ANY, ANY)),
    "mod": Function(lambda budget, one, other: wrapped(_divided(budget, one, other)[1]), (ANY, ANY)),
    "addf": Function(lambda budget, *values: _add_decimals(budget, 0.0, *values), (), ANY),
    "add1f": Function(lambda budget, value: _add_decimals(budget, value, 1), (ANY,)),
    "subf": Function(_folded(lambda one, other: one - other), (ANY,), ANY),
    "mulf": Function(_folded(lambda one, other: one * other), (ANY,), ANY),
    "divf": Function(_folded(_quotient), (ANY,), ANY),
    "max": Function(lambda _, *values: Int64(max(map(to_int, values))), (ANY,), ANY),
    "biggest": Function(lambda _, *values: Int64(max(map(to_int, values))), (ANY,), ANY),
    "min": Function(lambda _, *values: Int64(min(map(to_int, values))), (ANY,), ANY),
    "maxf": Function(lambda _, *values: max(map(to_float, values)), (ANY,), ANY),
    "minf": Function(lambda _, *values: min(map(to_float, values)), (ANY,), ANY),
    "floor": Function(lambda _, value: _whole(to_float(value), math.floor), (ANY,)),
    "ceil": Function(lambda _, value: _whole(to_float(value), math.ceil), (ANY,)),
    "round": Function(_rounded, (ANY, INT), FLOAT),
    "until": Function(lambda budget, count: _from_to(budget, 0, count, -1 if count < 0 else 1), (INT,)),
    "untilStep": Function(_from_to, (INT, INT, INT)),
    "seq": Function(_sequence, (), INT),
}
