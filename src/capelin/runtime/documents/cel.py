"""Validation rules in CEL: `x-kubernetes-validations`.

Every rule is compiled once for its place in the schema and evaluated on the part of the object that stands there. Transition rules (over
`oldSelf`) run where an old value can be found. What may go wrong is bounded: an evaluation by the library's iteration budget, a request
by the number of evaluations. Rules of the wording "unique by a field" are recognised and checked without CEL.

Not supported, and refused when a CRD is created: macros that make maps, and `format.<name>()` validators.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from cel_expr_python import cel
from cel_expr_python.ext import ext_bindings, ext_encoders, ext_math, ext_optional

from capelin.runtime.documents import causes
from capelin.runtime.documents.causes import Key, Path
from capelin.runtime.documents.celevaluation import RuleError, evaluation, longest_given
from capelin.runtime.documents.cellibrary import functions
from capelin.runtime.documents.celtypes import Conversion, code_of, compile_conversion, escaped, type_of, with_times
from capelin.runtime.documents.correlation import old_item
from capelin.runtime.documents.documents import identical
from capelin.runtime.documents.pruning import RESOURCE_FIELDS
from capelin.runtime.errors import Cause

__all__ = ["EVALUATIONS_LIMIT", "Rule", "RuleError", "Rules", "compile_rule", "compile_rules", "field_path", "known_fields"]

EVALUATIONS_LIMIT: Final = 50_000
"""Evaluations one request may cost: about a third of a second."""

MESSAGE_LIMIT: Final = 5 * 1024
"""Characters of the result of a `messageExpression`."""

_COPIES: Final = 1_000
"""Copies of items that count as an evaluation: they take about 20 microseconds."""

_OLD_SELF = re.compile(r"\boldSelf\b")
_FIELD = re.compile(r"(?<![\w.])(?:self|oldSelf)\.\??(\w+)(?!\w*\s*\()")
_TWO_VARIABLES = re.compile(r"\.(?:all|exists|exists_one|existsOne|transformList)\(\s*\w+\s*,\s*\w+\s*,")
_MAKES_MAPS = re.compile(r"\.(transformMap|transformMapEntry)\(")
_UNIQUE = re.compile(r"self\.all\((\w+),\s*self\.exists_one\((\w+),\s*\1(\.\w+)?\s*==\s*\2(\.\w+)?\)\)")


@dataclass(frozen=True, slots=True)
class Rule:
    """A compiled rule. `holds` evaluates it on (self, oldSelf, whether there is one).

    `longest` tells how long the lists in (self, oldSelf) are that the rule makes new lists of; None when it makes none.
    """

    source: Mapping[str, Any]
    holds: Callable[[Any, Any, bool], Any]
    message: Callable[[Any, Any, bool], Any] | None
    uses_old: bool
    optional_old: bool
    field_path: Path
    expression: cel.Expression
    message_expression: cel.Expression | None
    longest: Callable[[Any, Any], int] | None


@dataclass(slots=True)
class _Node:
    """The rules at one place of the schema, and the places below that have some."""

    schema: Mapping[str, Any]
    convert: Conversion | None = None
    rules: list[Rule] = field(default_factory=list)
    fields: dict[str, _Node] = field(default_factory=dict)
    others: _Node | None = None
    item: _Node | None = None


class Rules:
    """All rules of a schema."""

    def __init__(self, root: _Node) -> None:
        self._root = root

    def check(self, document: Any, old: Any = None) -> list[Cause]:
        """Return the rules that the document breaks; `old` is what it was before an update.

        A rule without `oldSelf` over a value that did not change is not told again.
        """
        walk = _Walk()
        walk.visit(self._root, document, old, (), (document, old))
        return walk.found


def compile_rules(schema: Mapping[str, Any]) -> Rules | None:
    """Return the rules of a structural schema; None when it has none.

    Raises:
        RuleError: a rule does not compile.
    """
    root = _compile(schema, resource=True)
    return Rules(root) if root else None


def _compile(schema: Mapping[str, Any], *, resource: bool = False) -> _Node | None:
    node = _Node(schema)
    if rules := schema.get("x-kubernetes-validations"):
        node.convert = compile_conversion(schema, resource=resource)
        node.rules = [compile_rule(rule, schema, resource=resource) for rule in rules]
    for name, child in (schema.get("properties") or {}).items():
        if below := _compile(child):
            node.fields[name] = below
    additional, items = schema.get("additionalProperties"), schema.get("items")
    node.others = _compile(additional) if isinstance(additional, Mapping) else None
    node.item = _compile(items) if isinstance(items, Mapping) else None
    return node if node.rules or node.fields or node.others or node.item else None


def compile_rule(rule: Mapping[str, Any], schema: Mapping[str, Any], *, resource: bool = False) -> Rule:
    """Return one rule compiled for the place that `schema` describes.

    Raises:
        RuleError: it does not compile, or is not boolean, or there is no rule where one should be.
    """
    text = rule.get("rule")
    if not isinstance(text, str):
        raise RuleError("rule is not specified")
    signature = type_of(schema, resource=resource)
    code = code_of(text)
    uses_old = bool(_OLD_SELF.search(code))
    optional_old = bool(rule.get("optionalOldSelf"))
    _refuse_unsupported(code)
    _refuse_unknown_fields(text, schema, resource=resource)
    expression = _compiled(with_times(text, schema), signature, optional_old)
    if expression.return_type() not in (cel.Type.BOOL, cel.Type.DYN):
        raise RuleError("cel expression must evaluate to a bool")
    message = rule.get("messageExpression")
    holds = _unique(text, schema) or evaluation(expression, text)
    spoken = _compiled_message(with_times(message, schema), signature, optional_old) if message else None
    said = evaluation(spoken, message or "") if spoken else None
    return Rule(rule, holds, said, uses_old, optional_old, field_path(rule.get("fieldPath") or ""), expression, spoken, longest_given(text))


def _refuse_unsupported(code: str) -> None:
    if found := _MAKES_MAPS.search(code):
        raise RuleError(f"the macro {found.group(1)} is not supported by this server")


def _refuse_unknown_fields(text: str, schema: Mapping[str, Any], *, resource: bool) -> None:
    """Refuse fields of `self` that the schema does not have: the library sees objects as maps and would only find out when it evaluates."""
    properties = schema.get("properties")
    if not properties or schema.get("x-kubernetes-preserve-unknown-fields"):
        return
    known = {escaped(name) for name in properties}
    if resource or schema.get("x-kubernetes-embedded-resource"):
        known |= RESOURCE_FIELDS
    for found in _FIELD.finditer(code_of(text)):
        if found.group(1) not in known:
            complaint = f"undefined field '{found.group(1)}'"
            raise RuleError(f"compilation failed: {_at(text, found.start(1) - 1, complaint)}")


def _at(text: str, position: int, complaint: str) -> str:
    """Return a complaint with its place in the rule, drawn as the CEL compiler draws it."""
    line = text.count("\n", 0, position)
    column = position - (text.rfind("\n", 0, position) + 1)
    return f"ERROR: <input>:{line + 1}:{column + 1}: {complaint}\n | {text.splitlines()[line]}\n | {'.' * column}^"


def _compiled_message(text: str, signature: str, optional_old: bool) -> cel.Expression:
    expression = _compiled(text, signature, optional_old)
    if expression.return_type() not in (cel.Type.STRING, cel.Type.DYN):
        raise RuleError("messageExpression must evaluate to a string")
    return expression


def _compiled(text: str, signature: str, optional_old: bool) -> cel.Expression:
    if optional_old:  # the library takes no optional values from outside, so the rule makes its own
        text = f"cel.bind(oldSelf, hasOldSelf ? optional.of(oldValue) : optional.none(), ({text}\n))"
    two_variables = list(_TWO_VARIABLES.finditer(code_of(text)))
    for found in two_variables:  # with two variables the library knows the macro by its newer name alone
        start, end = found.span()
        text = text[:start] + text[start:end].replace(".exists_one(", ".existsOne( ", 1) + text[end:]
    try:
        return _environment(signature, optional_old, bool(two_variables)).compile(text)
    except RuntimeError as error:
        sentence = str(error).removeprefix("INVALID_ARGUMENT: ").removesuffix(" [INVALID_ARGUMENT]")
        raise RuleError(f"compilation failed: {sentence}") from error


_TWO_VARIABLES_CONFIG = "name: rules\nextensions: [{name: two-var-comprehensions}]"


@cache
def _environment(signature: str, optional_old: bool, two_variables: bool) -> cel.Env:
    kind = _type(signature)
    old = {"oldValue": kind, "hasOldSelf": cel.Type.BOOL} if optional_old else {"oldSelf": kind}
    extensions = [ext_optional.ExtOptional(), ext_math.ExtMath(), ext_bindings.ExtBindings(), ext_encoders.ExtEncoders()]
    config = cel.NewEnvConfigFromYaml(_TWO_VARIABLES_CONFIG) if two_variables else None  # takes time, and few rules need it
    return cel.NewEnv(config=config, variables={"self": kind, **old}, extensions=extensions, functions=functions())


@cache
def _type(signature: str) -> cel.Type:
    """Return the CEL type for a signature of `celtypes.type_of`."""
    head, _, inner = signature.partition(":")
    match head:
        case "list":
            return cel.Type.List(_type(inner))
        case "map":
            return cel.Type.Map(cel.Type.STRING, _type(inner))
    found: cel.Type = getattr(cel.Type, head)
    return found


def _unique(text: str, schema: Mapping[str, Any]) -> Callable[[Any, Any, bool], Any] | None:
    """Return a check for the rule that no two items have the same field (or are the same), which as CEL is quadratic."""
    found = _UNIQUE.fullmatch(text.strip())
    items = schema.get("items")
    if found is None or found.group(3) != found.group(4) or not isinstance(items, Mapping):
        return None
    name = (found.group(3) or "")[1:]
    kind = ((items.get("properties") or {}).get(name) or {}).get("type") if name else items.get("type")
    if kind not in ("string", "integer", "boolean") or (name and name not in (items.get("required") or ())):
        return None

    def holds(value: Any, _old: Any, _has_old: bool) -> bool:
        return len({item[name] if name else item for item in value}) == len(value)

    return holds


class _Walk:
    """Evaluates the rules over one object."""

    def __init__(self) -> None:
        self.found: list[Cause] = []
        self._evaluations = 0

    def visit(self, node: _Node, value: Any, old: Any, path: Path, around: tuple[Any, Any]) -> None:
        """Check a value. `around` is the nearest part of the object that can be found in the old one, and that."""
        if value is None or self._evaluations > EVALUATIONS_LIMIT:
            return
        if old is not None:
            around = (value, old)
        if node.rules:
            self._evaluate(node, value, old, path, around)
        if type(value) is dict:
            before = old if type(old) is dict else {}
            for name, child in value.items():
                below = node.fields.get(name)
                if below is not None:
                    self.visit(below, child, before.get(name), (*path, name), around)
                elif node.others is not None:
                    self.visit(node.others, child, before.get(name), (*path, Key(name)), around)
        elif type(value) is list and node.item is not None:
            for index, child in enumerate(value):
                self.visit(node.item, child, old_item(node.schema, child, old), (*path, index), around)

    def _evaluate(self, node: _Node, value: Any, old: Any, path: Path, around: tuple[Any, Any]) -> None:
        has_old = old is not None
        subject = node.convert(value) if node.convert else value
        before = (node.convert(old) if node.convert else old) if has_old else None
        kind = node.schema.get("type") or ""
        unchanged: bool | None = None
        for rule in node.rules:
            if rule.uses_old and not has_old and not rule.optional_old:
                continue
            self._evaluations += 1 + (rule.longest(subject, before) ** 2 // _COPIES if rule.longest else 0)
            if self._evaluations > EVALUATIONS_LIMIT:
                detail = "validation failed due to running out of cost budget, no further validation rules will be run"
                self.found.append(causes.invalid(path, kind, detail))
                return
            outcome = rule.holds(subject, before, has_old)
            if outcome is True:
                continue
            if not rule.uses_old:
                unchanged = around[1] is not None and identical(*around) if unchanged is None else unchanged
                if unchanged:
                    continue
            self.found.append(_broken(rule, outcome, value, kind, path, (subject, before, has_old)))


def _broken(rule: Rule, outcome: Any, value: Any, kind: str, path: Path, subject: tuple[Any, Any, bool]) -> Cause:
    """Return the cause for a rule that is not true of `value`, in the words of apiextensions."""
    shown = (rule.source.get("message") or rule.source["rule"]).strip()
    if isinstance(outcome, RuleError):
        return causes.invalid(path, kind, _failure(outcome, shown))
    at = (*path, *rule.field_path)
    detail = _message(rule, subject) or (rule.source.get("message") or "").strip() or f"failed rule: {shown}"
    subject_shown = causes.OMITTED if kind in ("object", "array") else value
    match rule.source.get("reason"):
        case "FieldValueForbidden":
            return causes.forbidden(at, detail)
        case "FieldValueRequired":
            return causes.required(at, detail)
        case "FieldValueDuplicate":
            return causes.duplicate(at, subject_shown)
    return causes.invalid(at, subject_shown, detail)


def _failure(error: RuleError, shown: str) -> str:
    text = str(error)
    if text == "no such overload":
        return f"'{text}': call arguments did not match a supported operator, function or macro signature for rule: {shown}"
    if "budget exceeded" in text:
        exceeded = "operation cancelled: actual cost limit exceeded"
        return f"'{exceeded}': no further validation rules will be run due to call cost exceeds limit for rule: {shown}"
    return f"{text} evaluating rule: {shown}"


def _message(rule: Rule, subject: tuple[Any, Any, bool]) -> str | None:
    """Return what the rule's message expression says; None when it has none, or it says nothing usable."""
    if rule.message is None:
        return None
    said = rule.message(*subject)
    if not isinstance(said, str):
        return None
    said = said.strip()
    return said if said and "\n" not in said and len(said) <= MESSAGE_LIMIT else None


_STEP = re.compile(r"\.([^.\[\]']+)|\['((?:\\.|[^'\\])*)'\]")


def field_path(text: str) -> Path:
    """Return the steps of a rule's `fieldPath`, such as `.spec.foo` or `.labels['a.b']`.

    Raises:
        RuleError: it is not such a path.
    """
    steps: list[str | int] = []
    at = 0
    while at < len(text):
        found = _STEP.match(text, at)
        if found is None:
            raise RuleError(f"fieldPath must be a valid path: expected [ or . but got: {text[at:]}")
        name, quoted = found.groups()
        steps.append(name if quoted is None else re.sub(r"\\(.)", r"\1", quoted))
        at = found.end()
    return tuple(steps)


def known_fields(steps: Sequence[str | int], schema: Mapping[str, Any]) -> bool:
    """Tell whether the schema has a field at the path."""
    for step in steps:
        properties = schema.get("properties")
        below = properties.get(step) if properties else schema.get("additionalProperties")
        if not isinstance(below, Mapping):
            return False
        schema = below
    return True
