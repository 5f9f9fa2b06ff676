"""Values that several kinds refuse alike, as parameters of tests: the value, and what the refused field ends in."""

from __future__ import annotations

from typing import Any

import pytest

from capelin.api.machine import MachineTaint
from capelin.api.machineset import MachineTemplate
from capelin.api.meta import LabelSelector, LabelSelectorRequirement, TemplateMetadata
from tests import build

ROLE = {"role": "worker"}
"""Labels of the template of a group."""


def selector(key: str, operator: str, *values: str) -> LabelSelector:
    """Return a selector of one rule; without values it has no list of them."""
    return LabelSelector(match_expressions=[LabelSelectorRequirement(key=key, operator=operator, values=list(values) or None)])


def template(metadata: TemplateMetadata | None = None, **spec: Any) -> MachineTemplate:
    """Return the template of a group with the role's label, and what the metadata adds."""
    found = build.machine_template("workers", labels=ROLE, **spec)
    if metadata is None:
        return found
    labelled = metadata.model_copy(update={"labels": ROLE | (metadata.labels or {})})
    return found.model_copy(update={"metadata": labelled})


def of_role(found: MachineTemplate, role: str = "worker") -> dict[str, Any]:
    """Return the fields of a group's spec: the template, and a selector of the role."""
    return {"selector": LabelSelector(match_labels={"role": role}), "template": found}


def taint(key: str) -> MachineTaint:
    """Return a taint of that key."""
    return MachineTaint(key=key, effect="NoSchedule", propagation="Always")


READABLE_SELECTORS = [
    pytest.param(selector("role", "In", "worker", "gpu"), id="one of several values"),
    pytest.param(selector("zone", "NotIn", "a"), id="not a value"),
    pytest.param(selector("example.com/role", "DoesNotExist"), id="not there at all"),
    pytest.param(LabelSelector(match_labels={"role": "worker"}), id="exactly these labels"),
]

UNREADABLE_SELECTORS = [
    pytest.param(selector("role", "Near", "worker"), ".matchExpressions[0].operator", id="an unknown operator"),
    pytest.param(selector("role", "In"), ".matchExpressions[0].values", id="nothing to compare with"),
    pytest.param(selector("role", "Exists", "worker"), ".matchExpressions[0].values", id="values that nothing compares with"),
    pytest.param(selector("-role", "Exists"), ".matchExpressions[0].key", id="a key no label has"),
    pytest.param(selector("role", "NotIn", "a b"), ".matchExpressions[0].values[0]", id="a value no label has"),
    pytest.param(LabelSelector(match_labels={"": "worker"}), ".matchLabels", id="an empty key"),
    pytest.param(LabelSelector(match_labels={"role": "w" * 64}), ".matchLabels[role]", id="a value that is too long"),
]

VALID_LABELS = {"example.com/team": "blue", "empty": "", "x" * 63: "y" * 63}

INVALID_LABELS = [
    pytest.param({"a/b/c": "x"}, ".labels", id="two slashes"),
    pytest.param({"Example.com/team": "x"}, ".labels", id="capitals in the domain"),
    pytest.param({"team": "-blue"}, ".labels[team]", id="a dash first"),
    pytest.param({"team": "blue\n"}, ".labels[team]", id="a line break at the end"),
]

INVALID_ANNOTATIONS = [
    pytest.param({"": "x"}, ".annotations", id="an empty key"),
    pytest.param({"note": "x" * 262_144}, ".annotations", id="too much text"),
]

RESERVED_TAINTS = [
    pytest.param("node.cluster.x-k8s.io/uninitialized", id="on new Nodes"),
    pytest.param("node.cluster.x-k8s.io/outdated-revision", id="on Nodes of an old revision"),
    pytest.param("node.kubernetes.io/not-ready", id="set by Kubernetes"),
    pytest.param("node.cloudprovider.kubernetes.io/shutdown", id="set by the cloud"),
    pytest.param("node-role.kubernetes.io/master", id="given up by kubeadm"),
]

FREE_TAINTS = ["example.com/gpu", "node.kubernetes.io/out-of-service", "node-role.kubernetes.io/worker"]

AMOUNTS = [0, 3, -1, "25%", "0%", "150%"]

NO_AMOUNTS = [
    pytest.param("3", id="a number in quotes"),
    pytest.param("half", id="a word"),
    pytest.param("%", id="no number"),
    pytest.param("2.5%", id="a fraction"),
    pytest.param("", id="nothing"),
    pytest.param("٣%", id="digits of another script"),
]

NO_VERSIONS = ["latest", "v1.99", "stable", "1.2.3.4", "v01.2.3"]

NAMINGS = [
    pytest.param("{{.cluster.name}}-{{ .machineSet.name }}.{{ .random }}", id="all fields"),
    pytest.param("x" * 80 + "-{{ .random }}", id="more than fits"),
    pytest.param("{{ .cluster.name | trunc 3 }}-{{ .random }}", id="functions"),
    pytest.param("{{ with .cluster }}{{ .name }}{{ end }}-{{ .random }}", id="blocks"),
]

NO_NAMINGS = [
    pytest.param("{{ .kubeadmControlPlane.name }}-{{ .random }}", id="a field of other kinds"),
    pytest.param("{{ .cluster }}-{{ .random }}", id="half a field"),
    pytest.param("Worker-{{ .random }}", id="capitals"),
    pytest.param("{{ .random }}-", id="a dash at the end"),
    pytest.param("worker {{ .random }}", id="a blank"),
    pytest.param("{{ .random }}-{{ .", id="an open end"),
    pytest.param("{{ .random }}-{{ .zone }}", id="a field there is not"),
    pytest.param("{{ .random }}{{ if .zone }}-{{ .zone }}{{ end }}", id="a field there is not, asked for first"),
    pytest.param("{{ .random }}-{{ shout .cluster.name }}", id="a function there is not"),
    pytest.param('{{ .random }}{{ fail "no" }}', id="a template that fails"),
]
