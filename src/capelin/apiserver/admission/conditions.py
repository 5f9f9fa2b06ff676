"""Match conditions: CEL over the request and its objects, which decides whether a webhook is asked at all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Final

from cel_expr_python import cel
from cel_expr_python.ext import ext_bindings, ext_encoders, ext_math, ext_optional

from capelin.runtime.documents.celevaluation import LIST_LIMIT, RuleError, longest_given
from capelin.runtime.documents.cellibrary import functions
from capelin.runtime.documents.celtypes import code_of

VARIABLES: Final = ("object", "oldObject", "request", "namespaceObject")
"""What a condition may look at. `namespaceObject` is always null, as it is in Kubernetes' match conditions of webhooks."""

REQUEST_FIELDS: Final = (
    "kind",
    "resource",
    "subResource",
    "requestKind",
    "requestResource",
    "requestSubResource",
    "name",
    "namespace",
    "operation",
    "userInfo",
    "dryRun",
    "options",
)
"""What a condition may ask of `request`. The CEL library sees it as a map, and would only find out about others when it evaluates."""

_REQUEST_FIELD = re.compile(r"(?<![\w.])request\.\??(\w+)")
_DRY_RUN = re.compile(r"(?<![\w.])request\.dryRun\b")
_AUTHORIZER = re.compile(r"(?<![\w.])authorizer\b")
_OBJECT = re.compile(r"(?<![\w.])(object|oldObject)\b(?:\.\??(\w+)\b(?!\s*\())?(?:\.\??(\w+)\b(?!\s*\())?")
_LEADING_CODE = re.compile(r"^[A-Z_]+: ")
_TRAILING_CODE = re.compile(r" \[[A-Z_]+\]$")
_MISSING_KEY = re.compile(r'Key not found in map : "?([^"]*)"?')
_NO_SUCH_KEY = r"no such key: \1"


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition. It is compiled when it is first looked at, so that a stored one that no longer compiles stops no server."""

    name: str
    text: str

    def holds(self, variables: Mapping[str, Any]) -> bool:
        """Tell whether the condition is true.

        Raises:
            RuleError: it cannot be evaluated on these values.
        """
        expression = compile_condition(self.text)
        longest = longest_given(self.text)
        if longest is not None and longest(variables.get("object"), variables.get("oldObject")) > LIST_LIMIT:
            raise self._failure("budget exceeded")
        try:
            result = expression.eval(data=_read_by(self.text, variables))
            value = result.plain_value()
            failed = result.type() == cel.Type.ERROR
        except (RuntimeError, TypeError) as error:
            raise self._failure(str(error)) from error
        if failed:
            raise self._failure(str(value))
        if not isinstance(value, bool):
            raise self._failure("must evaluate to bool")
        return value

    def _failure(self, reason: str) -> RuleError:
        return RuleError(f"expression '{self.text.strip()}' resulted in error: {_MISSING_KEY.sub(_NO_SUCH_KEY, _sentence(reason))}")


@lru_cache(maxsize=1024)
def compile_condition(text: str) -> cel.Expression:
    """Return a compiled condition; equal ones are compiled once.

    Raises:
        RuleError: it does not compile to a boolean, or asks for what this server does not offer.
    """
    text = text.strip()
    code = code_of(text)
    if _AUTHORIZER.search(code):
        raise RuleError("compilation failed: the variable authorizer is not offered by this server")
    for field in _REQUEST_FIELD.findall(code):
        if field not in REQUEST_FIELDS:
            raise RuleError(f"compilation failed: undefined field '{field}'; a request has {', '.join(REQUEST_FIELDS)}")
    try:
        expression = _environment().compile(text)
        if expression.return_type() == cel.Type.DYN and _DRY_RUN.search(code):
            expression = _environment().compile(_with_typed_dry_run(text, code))
    except RuntimeError as error:
        raise RuleError(f"compilation failed: {_sentence(str(error))}") from error
    if expression.return_type() != cel.Type.BOOL:
        raise RuleError(f"must evaluate to bool but got {str(expression.return_type()).lower()}")
    return expression


def _read_by(text: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the variables with as much of the objects as the condition can reach: handing an object over costs far more than looking
    at a field of it, and nearly all of it is status and managed fields."""
    reached = _reached(text)
    return {name: _part(value, reached[name]) if name in reached else value for name, value in variables.items()}


_WHOLE: Final = None
"""In the place of the fields that a condition reads: any of them."""


@lru_cache(maxsize=1024)
def _reached(text: str) -> Mapping[str, Mapping[str, frozenset[str] | None] | None]:
    """Return which fields of the objects a condition reads, and of `metadata` which of its fields."""
    reached: dict[str, dict[str, frozenset[str] | None] | None] = {"object": {}, "oldObject": {}}
    for variable, name, below in _OBJECT.findall(code_of(text)):
        fields = reached[variable]
        if not name or fields is None:
            reached[variable] = _WHOLE
        elif name == "metadata" and below and fields.get(name, frozenset()) is not _WHOLE:
            fields[name] = (fields.get(name) or frozenset()) | {below}
        else:
            fields[name] = _WHOLE
    return reached


def _part(value: Any, fields: Mapping[str, frozenset[str] | None] | None) -> Any:
    if fields is _WHOLE or not isinstance(value, dict):
        return value
    return {name: _fields(value[name], below) for name, below in fields.items() if name in value}


def _fields(value: Any, names: frozenset[str] | None) -> Any:
    return value if names is _WHOLE or not isinstance(value, dict) else {name: value[name] for name in names if name in value}


def _with_typed_dry_run(text: str, code: str) -> str:
    """Return a condition in which the library knows that `request.dryRun`, the one boolean of a request, is one."""
    for found in reversed(list(_DRY_RUN.finditer(code))):
        text = f"{text[: found.start()]}(request.dryRun == true){text[found.end() :]}"
    return text


def _sentence(reason: str) -> str:
    """Return an error of the library without its status codes."""
    return _TRAILING_CODE.sub("", _LEADING_CODE.sub("", reason))


@cache
def _environment() -> cel.Env:
    extensions = [ext_optional.ExtOptional(), ext_math.ExtMath(), ext_bindings.ExtBindings(), ext_encoders.ExtEncoders()]
    return cel.NewEnv(variables=dict.fromkeys(VARIABLES, cel.Type.DYN), extensions=extensions, functions=functions())
