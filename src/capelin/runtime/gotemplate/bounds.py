"""How large a template and its rendering may become, and the budget that a rendering spends.

The figures leave room for every template of a cluster's configuration and keep the worst one near a tenth of a second on one core: a step
stands for about two microseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from capelin.runtime.gotemplate.errors import Refusal

MAX_TEXT: Final = 1 << 20
"""Characters of a template: what a stored object can hold at most."""

MAX_TOKENS: Final = 20_000
"""Words and signs in the actions of one template."""

MAX_PARSE_DEPTH: Final = 50
"""Blocks and parentheses within each other; each takes up to five frames of the interpreter's stack."""

MAX_RENDER_DEPTH: Final = 80
"""Blocks, parentheses and invoked templates within each other while rendering."""

MAX_VALUE_DEPTH: Final = 50
"""Lists and dicts within each other."""

MAX_OUTPUT: Final = 1 << 20
"""Characters of the output, and of any text on the way there."""

MAX_STEPS: Final = 40_000
MAX_ALLOCATED: Final = 8 << 20
"""Characters that all functions of one rendering may make together."""

ITEM_SIZE: Final = 64
"""What an item of a list counts for, in characters."""

_CHARACTERS_A_STEP: Final = 256
_CHARACTERS_WALKED_A_STEP: Final = 4


@dataclass(slots=True)
class Budget:
    """What one rendering may still spend. Every method raises Refusal before anything is allocated that would exceed a bound."""

    steps: int = MAX_STEPS
    allocated: int = 0
    depth: int = 0

    def spend(self, steps: int = 1) -> None:
        """Take steps from the budget."""
        self.steps -= steps
        if self.steps < 0:
            raise Refusal(f"the rendering takes more than the {MAX_STEPS} steps it may take")

    def read(self, characters: int) -> None:
        """Take the steps that looking through a text of this length costs."""
        self.spend(1 + characters // _CHARACTERS_A_STEP)

    def walk(self, characters: int) -> None:
        """Take the steps that it costs to look at every character of a text by itself."""
        self.spend(1 + characters // _CHARACTERS_WALKED_A_STEP)

    def allocate(self, characters: int) -> None:
        """Allow for a text of that length to be made."""
        if characters > MAX_OUTPUT:
            raise Refusal(f"a text of {characters} characters would be made, and {MAX_OUTPUT} are the most")
        self.read(characters)
        self.allocated += characters
        if self.allocated > MAX_ALLOCATED:
            raise Refusal(f"the functions make more than {MAX_ALLOCATED} characters together")

    def items(self, count: int) -> None:
        """Allow for a list or dict of so many items to be made."""
        if count * ITEM_SIZE > MAX_OUTPUT:
            raise Refusal(f"a list of {count} items would be made, and {MAX_OUTPUT // ITEM_SIZE} are the most")
        self.allocate(count * ITEM_SIZE)

    def enter(self) -> None:
        """Go one level deeper; `leave` takes it back."""
        self.depth += 1
        if self.depth > MAX_RENDER_DEPTH:
            raise Refusal(f"blocks, parentheses and templates stand more than {MAX_RENDER_DEPTH} deep within each other")

    def leave(self) -> None:
        """Return from a level."""
        self.depth -= 1
