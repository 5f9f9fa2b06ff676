"""MachineDrainRule: which Pods a Machine's drain evicts, skips or waits for, and in which order."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from capelin.api.markers import ATOMIC_LIST, Enum, Items, Required, Rule, Shape
from capelin.api.meta import LabelSelector, Model, Object, ObjectMeta, Resource
from capelin.api.presentation import AGE_COLUMN, Column, Presentation
from capelin.api.scalars import Int32

# What `spec.drain.behavior` may say.
DRAIN = "Drain"
SKIP = "Skip"
WAIT_COMPLETED = "WaitCompleted"


class DrainBehavior(Model):
    """What draining does with a Pod."""

    behavior: Annotated[str, Enum("Drain", "Skip", "WaitCompleted")]
    """behavior is Drain, which evicts the Pod, Skip, which leaves it where it is, or WaitCompleted, which waits until it ends by itself."""
    order: Int32 | None = None
    """order decides when the Pod is evicted: lower ones go first, and the next wait until those are gone; 0 unless set. Used with Drain
    only."""


class DrainRuleMachines(Model):
    """Machines a rule is for; both selectors must match."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    cluster_selector: LabelSelector | None = None
    """clusterSelector chooses by labels of the Machine's Cluster; every Cluster unless set."""
    selector: LabelSelector | None = None
    """selector chooses by labels of the Machine; every Machine unless set."""


class DrainRulePods(Model):
    """Pods a rule is for; both selectors must match."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    namespace_selector: LabelSelector | None = None
    """namespaceSelector chooses by labels of the Pod's Namespace in the workload cluster; every Namespace unless set."""
    selector: LabelSelector | None = None
    """selector chooses by labels of the Pod; every Pod unless set."""


class MachineDrainRuleSpec(Model):
    """What draining does with which Pods on which Machines."""

    drain: DrainBehavior
    """drain is what happens to the Pods."""
    machines: (
        Annotated[
            list[DrainRuleMachines],
            Items(1, 32),
            ATOMIC_LIST,
            Rule("self.all(x, self.exists_one(y, x == y))", "entries in machines must be unique"),
        ]
        | None
    ) = None
    """machines choose the Machines of this namespace the rule is for; one entry that matches is enough. Without them it is for all."""
    pods: (
        Annotated[
            list[DrainRulePods],
            Items(1, 32),
            ATOMIC_LIST,
            Rule("self.all(x, self.exists_one(y, x == y))", "entries in pods must be unique"),
        ]
        | None
    ) = None
    """pods choose the Pods the rule is for; one entry that matches is enough. Without them it is for all. Of several rules for a Pod the
    first by name counts, and the Pod's own drain label counts before any rule."""


class MachineDrainRule(Object):
    """Says which Pods a Machine's drain evicts, skips or waits for, and in which order."""

    resource: ClassVar = Resource("cluster.x-k8s.io", "v1beta2", "machinedrainrules", "MachineDrainRule")
    presentation: ClassVar = Presentation(
        provider="cluster-api",
        columns=(Column("Behavior", ".spec.drain.behavior"), Column("Order", ".spec.drain.order"), AGE_COLUMN),
        status=False,
    )

    metadata: Annotated[ObjectMeta, Required()] = Field(default_factory=ObjectMeta)
    """metadata is what every stored object carries: its name, labels, annotations, owners and finalizers."""
    spec: MachineDrainRuleSpec
    """spec says what draining does with which Pods on which Machines."""
