"""YAML as text, always from a serializer, so that no value can end its own string.

Every string that is not plainly a word is quoted: the text is read by several parsers (cloud-init's, kubeadm's, ours) that disagree about
which bare words are numbers, booleans or dates. Text of several lines is written as a block where that loses nothing, to be read by people.
"""

from __future__ import annotations

import re
from typing import Any, Final

import yaml

_WORD: Final = re.compile(r"^[A-Za-z/][A-Za-z0-9/._-]*$")
_RESERVED: Final = frozenset({"y", "yes", "n", "no", "on", "off", "true", "false", "null"})
_BLOCK: Final = re.compile(r"^[^\s][\x20-\x7e\n]*\n[\x20-\x7e\n]*$")
_WIDTH: Final = 1 << 20  # never fold: a certificate or a command stays on its line

_BASE: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # ten times as fast where PyYAML was built with libyaml


class _Dumper(_BASE):  # type: ignore[misc]  # chosen at import
    """Writes plain words bare, lines as blocks, and everything else in double quotes."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - every value is written out where it stands
        return True


def _represent_text(dumper: Any, text: str) -> yaml.ScalarNode:
    style = None if _WORD.match(text) and text.lower() not in _RESERVED else "|" if _BLOCK.match(text) else '"'
    node: yaml.ScalarNode = dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)
    return node


_Dumper.add_representer(str, _represent_text)


def to_yaml(document: object) -> str:
    """Return one YAML document that every parser reads back as equal to `document`; keys keep their order."""
    text: str = yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=_WIDTH, default_flow_style=False)
    return text
