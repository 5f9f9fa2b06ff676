"""Templates for the names of Machines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from capelin.api.grouprules import NAMES_ARE_RANDOM
from capelin.api.refusals import Refusal, Rule
from capelin.runtime.documents.names import dns_subdomain
from capelin.runtime.naming import templated_name
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

_RANDOM: Final = "{{ .random }}"
"""Looked for as it stands, with these blanks: the standard takes no other spelling."""


def machine_naming_refusals(field: str, template: str | None) -> Iterator[Refusal]:
    """Yield what is wrong with the template at `field` of the names of a group's Machines."""
    if template is None:
        return
    if _RANDOM not in template:
        yield NAMES_ARE_RANDOM.broken(field, quoted(template), f"a template that contains {_RANDOM}: names must differ")


def sample_refusals(field: str, template: str | None, sample: Mapping[str, str], rule: Rule = NAMES_ARE_NAMES) -> Iterator[Refusal]:
    """Yield what is wrong, by a rule, with the names that the template at `field` makes of a sample."""
    if template is None:
        return
    known = ", ".join(f"{{{{ .{name} }}}}" for name in sample)
    try:
        name = templated_name(template, sample)
    except ValueError as error:
        yield rule.broken(field, f"{quoted(template)}, which fails: {error}", f"a Go template of {known}")
        return
    if dns_subdomain(name):
        allowed = f"lower-case letters, digits, dashes and dots around {known}, with a letter or digit at both ends"
        yield rule.broken(field, f"{quoted(template)}, which makes {name!r}", allowed)
