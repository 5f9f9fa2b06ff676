"""Templates for the names of Machines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from capelin.api.grouprules import NAMES_ARE_RANDOM
from capelin.api.refusals import Refusal, Rule
from capelin.runtime.documents.names import dns_subdomain
from capelin.webhooks.rules.quoting import quoted

NAMES_ARE_NAMES = Rule(
    "names_are_names", "A template for the names of Machines uses the fields there are, and makes names that Kubernetes accepts."
)

GROUP_SAMPLE: Final[Mapping[str, str]] = {"cluster.name": "cluster", "machineSet.name": "machineset", "random": "x5x5x"}
"""The fields that a name of a worker Machine is made of, with values to try."""

CONTROL_PLANE_SAMPLE: Final[Mapping[str, str]] = {
    "cluster.name": "cluster",
    "kubeadmControlPlane.name": "kubeadmcontrolplane",
    "random": "x5x5x",
}
"""The fields that a name of a control-plane Machine is made of, with values to try."""

_MOST: Final = 63
"""Characters of a name; of a longer one the first 58 are kept, and five random ones follow."""

_ACTION: Final = re.compile(r"{{(.*?)}}", re.DOTALL)
_FIELD: Final = re.compile(r"\s*\.([a-zA-Z0-9.]+)\s*")

_RANDOM: Final = "{{ .random }}"
"""Looked for as it stands, with these blanks: the standard takes no other spelling."""


def machine_naming_refusals(field: str, template: str | None) -> Iterator[Refusal]:
    """Yield what is wrong with the template at `field` of the names of a group's Machines."""
    if template is None:
        return
    if _RANDOM not in template:
        yield NAMES_ARE_RANDOM.broken(field, quoted(template), f"a template that contains {_RANDOM}: names must differ")


def sample_refusals(field: str, template: str | None, sample: Mapping[str, str]) -> Iterator[Refusal]:
    """Yield what is wrong with the names that the template at `field` makes of a sample.

    Templates that do more than put fields together are taken as they are: what they make shows when the first name is made.
    """
    actions = [_FIELD.fullmatch(action) for action in _ACTION.findall(template or "")]
    if template is None or None in actions:
        return
    known = ", ".join(f"{{{{ .{name} }}}}" for name in sample)
    unknown = [action[1] for action in actions if action and action[1] not in sample]
    if unknown:
        yield NAMES_ARE_NAMES.broken(field, f"{{{{ .{unknown[0]} }}}}", f"a template of {known}")
        return
    name = _ACTION.sub(lambda action: sample[action[1].strip().removeprefix(".")], template)
    name = name if len(name) <= _MOST else f"{name[: _MOST - 5]}{sample['random']}"
    if "{{" in name or dns_subdomain(name):
        allowed = f"lower-case letters, digits, dashes and dots around {known}, with a letter or digit at both ends"
        yield NAMES_ARE_NAMES.broken(field, f"{quoted(template)}, which makes {name!r}", allowed)
