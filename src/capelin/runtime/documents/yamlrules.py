"""YAML as Kubernetes reads manifests: its booleans, numbers and keys, and nothing that JSON does not have."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Hashable
from typing import Any

import yaml


class NotPlain(ValueError):
    """YAML is dangerous to read. The message says what was found and what is allowed, and quotes nothing."""


def check_plain(data: str | bytes, levels: int) -> None:
    """Return when YAML has no aliases and at most so many levels of nesting.

    To be asked before YAML of others is loaded: loaders call themselves for every level, the one in C until the process is gone, and
    aliases spell a huge document in a few words.

    Raises:
        NotPlain: it has.
        YAMLError: it is no YAML.
    """
    depth = 0
    for event in yaml.parse(data, yaml.CSafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise NotPlain("found an alias, allowed is YAML without aliases")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > levels:
            raise NotPlain(f"found more than {levels} levels of nesting, allowed are fewer")


class Loader(yaml.CSafeLoader):
    """YAML as Go's Kubernetes YAML reads it: YAML 1.1 words for booleans; dates and base-60 numbers stay strings.

    `duplicates` collects the keys that one mapping has more than once; set it before a document is constructed.
    """

    duplicates: list[str]

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        self.duplicates.extend(sorted(key for key, count in seen.items() if count > 1))
        found = super().construct_mapping(node, deep=deep)
        return {str(key).lower() if isinstance(key, bool) else str(key): value for key, value in found.items()}


def _resolvers() -> dict[str, list[tuple[str, re.Pattern[str]]]]:
    words = r"^(?:y|Y|yes|Yes|YES|n|N|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$"
    rules = [
        ("bool", re.compile(words), "yYnNtTfFoO"),
        ("int", re.compile(r"^(?:[-+]?0b[0-1_]+|[-+]?0o?[0-7_]+|[-+]?0x[0-9a-fA-F_]+|[-+]?(?:0|[1-9][0-9_]*))$"), "-+0123456789"),
        ("float", re.compile(r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$"), "-+0123456789."),
        ("null", re.compile(r"^(?:~|null|Null|NULL|)$"), "~nN"),
        ("merge", re.compile(r"^<<$"), "<"),
    ]
    table: dict[str, list[tuple[str, re.Pattern[str]]]] = {}
    for tag, pattern, firsts in rules:
        for first in (*firsts, "") if tag == "null" else firsts:
            table.setdefault(first, []).append((f"tag:yaml.org,2002:{tag}", pattern))
    return table


def _construct_float(loader: Loader, node: yaml.ScalarNode) -> float:
    found = float(loader.construct_yaml_float(node))
    if not math.isfinite(found):
        raise ValueError(f"{node.value} is a number that JSON does not have")
    return found


def _construct_bool(loader: Loader, node: yaml.ScalarNode) -> bool:
    return str(loader.construct_scalar(node)).lower() in ("y", "yes", "true", "on")


def _construct_int(loader: Loader, node: yaml.ScalarNode) -> int:
    text = str(loader.construct_scalar(node)).replace("_", "")
    sign, digits = (-1, text[1:]) if text.startswith("-") else (1, text.lstrip("+"))
    if len(digits) > 1 and digits[0] == "0" and digits[1].isdigit():
        return sign * int(digits, 8)
    return sign * int(digits, 0)


_JSON_TAGS = tuple(f"tag:yaml.org,2002:{name}" for name in ("null", "str", "seq", "map"))

Loader.yaml_implicit_resolvers = _resolvers()
# What JSON does not have (sets, times, bytes) is refused as any unknown tag is; None stands for those.
Loader.yaml_constructors = {tag: build for tag, build in Loader.yaml_constructors.items() if tag is None or tag in _JSON_TAGS}
Loader.add_constructor("tag:yaml.org,2002:float", _construct_float)
Loader.add_constructor("tag:yaml.org,2002:bool", _construct_bool)
Loader.add_constructor("tag:yaml.org,2002:int", _construct_int)
