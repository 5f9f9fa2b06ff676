"""Choosing between values, asking what they are, and giving up."""

from __future__ import annotations

from typing import Any, NoReturn

from capelin.runtime.gotemplate.bounds import Budget
from capelin.runtime.gotemplate.errors import Refusal
from capelin.runtime.gotemplate.functions.signature import ANY, BOOL, STRING, Function
from capelin.runtime.gotemplate.values import deep_equal, kind_of, truth, type_of


def _default(_: Budget, default: Any, *given: Any) -> Any:
    return given[0] if given and truth(given[0]) else default


def _coalesce(_: Budget, *values: Any) -> Any:
    return next((value for value in values if truth(value)), None)


def _fail(_: Budget, message: str) -> NoReturn:
    raise Refusal(message)


FUNCTIONS = {
    "default": Function(_default, (ANY,), ANY),
    "empty": Function(lambda _, value: not truth(value), (ANY,)),
    "coalesce": Function(_coalesce, (), ANY),
    "all": Function(lambda _, *values: all(map(truth, values)), (), ANY),
    "any": Function(lambda _, *values: any(map(truth, values)), (), ANY),
    "ternary": Function(lambda _, yes, no, condition: yes if condition else no, (ANY, ANY, BOOL)),
    "fail": Function(_fail, (STRING,)),
    "hello": Function(lambda _: "Hello!"),
    "typeOf": Function(lambda _, value: type_of(value), (ANY,)),
    "typeIs": Function(lambda _, name, value: name == type_of(value), (STRING, ANY)),
    "typeIsLike": Function(lambda _, name, value: type_of(value) in (name, f"*{name}"), (STRING, ANY)),
    "kindOf": Function(lambda _, value: kind_of(value), (ANY,)),
    "kindIs": Function(lambda _, name, value: name == kind_of(value), (STRING, ANY)),
    "deepEqual": Function(lambda budget, one, other: deep_equal(one, other, budget), (ANY, ANY)),
}
