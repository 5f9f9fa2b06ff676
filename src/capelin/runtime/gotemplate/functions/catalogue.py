"""Every function by its name.

They are Go's own (https://pkg.go.dev/text/template#hdr-Functions) and those of Sprig 3 that give the same answer everywhere and always.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from capelin.runtime.gotemplate.functions import (
    builtins,
    casting,
    choices,
    comparing,
    dicts,
    encodings,
    expressions,
    lists,
    numbers,
    places,
    texts,
    versions,
    wording,
)
from capelin.runtime.gotemplate.functions.signature import Function

FUNCTIONS: Final[Mapping[str, Function]] = MappingProxyType(
    {
        **builtins.FUNCTIONS,
        **casting.FUNCTIONS,
        **choices.FUNCTIONS,
        **comparing.FUNCTIONS,
        **dicts.FUNCTIONS,
        **encodings.FUNCTIONS,
        **expressions.FUNCTIONS,
        **lists.FUNCTIONS,
        **numbers.FUNCTIONS,
        **places.FUNCTIONS,
        **texts.FUNCTIONS,
        **versions.FUNCTIONS,
        **wording.FUNCTIONS,
    }
)
"""What a template may call unless it is told otherwise; Sprig's `slice` stands for Go's."""
