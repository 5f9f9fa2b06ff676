"""The class of a topology: that there is one, and to which other a cluster may move."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from capelin.api.cluster import Cluster
from capelin.api.clusterclass import ClusterClass
from capelin.api.refusals import FORBIDDEN, Refusal, Rule
from capelin.api.topology import UNSAFE_CLASS_NAME_ANNOTATION, Topology
from capelin.webhooks.admission import Finding, Notice
from capelin.webhooks.clusterfacts import ClusterAdmission, class_key
from capelin.webhooks.rules.classtemplates import changed_templates

TOPOLOGY_IS_KEPT = Rule("topology_is_kept", "A Cluster keeps its topology: what was made from it would not be looked after any more.")
TOPOLOGY_COMES_WITH_CLUSTER = Rule(
    "topology_comes_with_cluster",
    f"A Cluster gets its topology when it is created, or together with the annotation `{UNSAFE_CLASS_NAME_ANNOTATION}`: what is there "
    "already would be replaced.",
)
CLASS_EXISTS = Rule(
    "class_exists",
    "The class of a Cluster exists; it may be missing when the Cluster is created, and while the topology stays as it is.",
)
PREVIOUS_CLASS_EXISTS = Rule(
    "previous_class_exists", "A Cluster leaves its class for another only while that exists: the two have to be compared."
)
TEMPLATES_ARE_COMPATIBLE = Rule(
    "templates_are_compatible",
    "A Cluster goes to a class whose templates are of the same kinds: an object cannot become one of another kind.",
)

CLASS_RULES: Final = (
    TOPOLOGY_IS_KEPT,
    TOPOLOGY_COMES_WITH_CLUSTER,
    CLASS_EXISTS,
    PREVIOUS_CLASS_EXISTS,
    TEMPLATES_ARE_COMPATIBLE,
)

_NAME: Final = "spec.topology.classRef.name"


def removal_refusals(cluster: Cluster, old: Cluster) -> Iterator[Refusal]:
    """Yield what is wrong with a Cluster that has no topology any more."""
    if cluster.spec.topology is None and old.spec.topology is not None:
        allowed = f"a topology, such as the one of ClusterClass {class_key(old.spec.topology, old)} that was there"
        yield TOPOLOGY_IS_KEPT.broken("spec.topology", "nothing", allowed, reason=FORBIDDEN)


def existence_findings(topology: Topology, request: ClusterAdmission) -> Iterator[Finding]:
    """Yield what is wrong when the class of a topology is not there: a Cluster and its class may be created in any order.

    A topology that stays as it is gets no refusal, which would be the same before and after every change, and so would never be told.
    """
    if request.facts.clusterclass is not None or (request.old is not None and request.old.spec.topology == topology):
        return
    found = f"ClusterClass {class_key(topology, request.new)}, which does not exist"
    if request.old is None:
        yield Notice(f"{_NAME}: found {found}: nothing is made of the Cluster, and its topology is not fully checked, until it is created")
    else:
        yield CLASS_EXISTS.broken(_NAME, found, "a ClusterClass that exists")


def addition_refusals(request: ClusterAdmission) -> Iterator[Refusal]:
    """Yield what is wrong with a topology that the Cluster did not have before."""
    if UNSAFE_CLASS_NAME_ANNOTATION not in (request.new.metadata.annotations or {}):
        found = "a topology that the Cluster was not created with"
        allowed = f"one on a new Cluster only, or with the annotation {UNSAFE_CLASS_NAME_ANNOTATION}"
        yield TOPOLOGY_COMES_WITH_CLUSTER.broken("spec.topology", found, allowed, reason=FORBIDDEN)


def rebase_refusals(topology: Topology, old: Topology, clusterclass: ClusterClass, request: ClusterAdmission) -> Iterator[Refusal]:
    """Yield what is wrong with a change to another class."""
    before, after = class_key(old, request.new), class_key(topology, request.new)
    if before == after:
        return
    previous = request.facts.previous
    if previous is None:
        found = f"a change from ClusterClass {before}, which does not exist, to {after}"
        yield PREVIOUS_CLASS_EXISTS.broken(_NAME, found, "a change from a class with which the new one can be compared", reason=FORBIDDEN)
        return
    for template in changed_templates(previous.spec, clusterclass.spec):
        found = f"ClusterClass {after} with {template.new or 'nothing'} at {template.field}"
        allowed = f"a class with {template.old or 'nothing'} there, as {before} has"
        yield TEMPLATES_ARE_COMPATIBLE.broken(_NAME, found, allowed, reason=FORBIDDEN)
