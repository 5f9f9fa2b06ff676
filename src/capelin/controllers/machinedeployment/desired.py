"""What the MachineSets of a MachineDeployment should look like: which one is current, what a new one is, what old ones keep. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime

from capelin.api.labels import CLUSTER_NAME_LABEL, DEPLOYMENT_NAME_LABEL, PAUSED_ANNOTATION, TEMPLATE_HASH_LABEL
from capelin.api.machinedeployment import (
    DESIRED_REPLICAS_ANNOTATION,
    MAX_REPLICAS_ANNOTATION,
    ON_DELETE,
    REVISION_ANNOTATION,
    MachineDeployment,
)
from capelin.api.machineset import (
    DISABLE_MACHINE_CREATE_ANNOTATION,
    MACHINESET_FINALIZER,
    ORDINALS_ANNOTATION,
    MachineSet,
    MachineSetSpec,
    MachineTemplate,
)
from capelin.api.meta import ObjectMeta, TemplateMetadata, owner_reference
from capelin.api.propagation import Tags, propagate
from capelin.api.uptodate import set_differences
from capelin.controllers.machinedeployment.plan import rollout_bounds, told
from capelin.runtime import codec
from capelin.runtime.naming import child_name

_STEERING = frozenset(
    {
        REVISION_ANNOTATION,
        DESIRED_REPLICAS_ANNOTATION,
        MAX_REPLICAS_ANNOTATION,
        DISABLE_MACHINE_CREATE_ANNOTATION,
        ORDINALS_ANNOTATION,
        PAUSED_ANNOTATION,
    }
)
"""Annotations that mean something else on a MachineSet than on its MachineDeployment, and are never passed on."""


def find_current(deployment: MachineDeployment, machinesets: Iterable[MachineSet], *, now: datetime) -> MachineSet | None:
    """Return the set whose Machines equal the deployment's template, or None.

    Of several (an adopted one, say) the one with the most replicas is current, then the oldest, then the first by name: the choice is the
    same in every pass, so Machines are never moved to and fro between two equal sets.
    """
    equal = [machineset for machineset in machinesets if not set_differences(machineset, deployment, now=now)]
    return min(equal, key=lambda s: (-told(s), s.metadata.creation_timestamp or now, s.metadata.name), default=None)


def next_revision(current: MachineSet, old: Iterable[MachineSet], *, recorded: int = 0) -> int:
    """Return the revision of the current set: its own while that is the highest, else one more than any.

    `recorded` is the revision that the deployment itself remembers.
    """
    highest = max(map(revision_of, old), default=0)
    own = revision_of(current)
    return own if own > highest else max(highest, recorded) + 1


def revision_of(obj: MachineSet | MachineDeployment) -> int:
    """Return the revision in the annotation; 0 when there is none that can be read."""
    text = (obj.metadata.annotations or {}).get(REVISION_ANNOTATION, "")
    return int(text) if text.isdecimal() else 0


def steering_annotations(deployment: MachineDeployment, revision: int | None) -> dict[str, str]:
    """Return what a set is told beside its replicas; `revision` is None for old sets, which keep theirs.

    Old sets of an OnDelete rollout make no new Machines: when users delete Machines of theirs, the current set replaces them.
    """
    bounds = rollout_bounds(deployment)
    is_frozen = revision is None and _strategy(deployment) == ON_DELETE
    annotations = {
        DISABLE_MACHINE_CREATE_ANNOTATION: "true" if is_frozen else "false",
        DESIRED_REPLICAS_ANNOTATION: str(bounds.desired),
        MAX_REPLICAS_ANNOTATION: str(bounds.desired + bounds.max_surge),
    }
    return annotations if revision is None else {REVISION_ANNOTATION: str(revision), **annotations}


def template_hash(deployment: MachineDeployment, *, now: datetime) -> str:
    """Return the identity of the set that the template asks for now: equal for equal questions, ten hexadecimal digits.

    It names new sets and tells their Machines apart; whether a set is current is never decided by it.
    """
    spec = deployment.spec.template.spec
    after = deployment.spec.rollout.after if deployment.spec.rollout is not None else None
    question = {
        "version": spec.version,
        "failureDomain": spec.failure_domain,
        "bootstrap": spec.bootstrap.wire(),
        "infrastructureRef": spec.infrastructure_ref.wire(),
        "after": after.isoformat() if after is not None and after <= now else None,
    }
    return hashlib.sha256(codec.canonical(question)).hexdigest()[:10]


def new_machineset(deployment: MachineDeployment, *, now: datetime) -> MachineSet:
    """Return the set for the deployment's template, not created yet and without replicas; every attempt returns the same one."""
    identity = template_hash(deployment, now=now)
    marks = {TEMPLATE_HASH_LABEL: identity}
    selector = deployment.spec.selector.model_copy(deep=True)
    selector.match_labels = {**(selector.match_labels or {}), **marks}
    return MachineSet(
        metadata=ObjectMeta(
            name=child_name(deployment.metadata.name, deployment.uid, int(identity, 16)),
            namespace=deployment.metadata.namespace,
            finalizers=[MACHINESET_FINALIZER],
            owner_references=[owner_reference(deployment)],
        ),
        spec=MachineSetSpec(
            cluster_name=deployment.spec.cluster_name,
            selector=selector,
            template=_template(deployment, marks),
            replicas=0,
        ),
    )


def steer_current(machineset: MachineSet, deployment: MachineDeployment, *, replicas: int, revision: int) -> None:
    """Make the current set say what the deployment says: size, metadata, and every field that reaches Machines in place."""
    marks = _marks(machineset)
    machineset.spec.template = _template(deployment, marks)
    machineset.spec.machine_naming = deployment.spec.machine_naming
    metadata, template = machineset.metadata, deployment.spec.template.metadata or TemplateMetadata()
    own = {**_own_labels(deployment), **marks}
    wanted = Tags(
        {k: v for k, v in (template.labels or {}).items() if k not in own},
        {k: v for k, v in (deployment.metadata.annotations or {}).items() if k not in _STEERING},
    )
    tags = propagate(Tags(metadata.labels or {}, metadata.annotations or {}), wanted)
    metadata.labels, metadata.annotations = {**tags.labels, **own}, dict(tags.annotations)
    _steer(machineset, deployment, replicas=replicas, annotations=steering_annotations(deployment, revision))


def steer_old(machineset: MachineSet, deployment: MachineDeployment, *, replicas: int) -> None:
    """Make an old set say what matters for taking its Machines away: size, order, and how long the steps of a deletion may take."""
    wanted, spec = deployment.spec.template.spec, machineset.spec.template.spec
    spec.deletion, spec.readiness_gates, spec.min_ready_seconds = wanted.deletion, wanted.readiness_gates, wanted.min_ready_seconds
    _steer(machineset, deployment, replicas=replicas, annotations=steering_annotations(deployment, None))


def removable(old: Sequence[MachineSet], current: MachineSet, deployment: MachineDeployment) -> list[MachineSet]:
    """Return the old sets that nobody needs any more: empty, and the rollout that emptied them is over."""
    status = current.status
    is_complete = status is not None and told(current) == deployment.spec.replicas and (status.available_replicas or 0) >= told(current)
    return [s for s in old if is_complete and told(s) == 0 and _is_known_empty(s) and s.metadata.deletion_timestamp is None]


def _is_known_empty(machineset: MachineSet) -> bool:
    status = machineset.status
    return status is not None and status.replicas == 0 and (status.observed_generation or 0) >= (machineset.metadata.generation or 0)


def _steer(machineset: MachineSet, deployment: MachineDeployment, *, replicas: int, annotations: dict[str, str]) -> None:
    machineset.spec.replicas = replicas
    machineset.spec.deletion = deployment.spec.deletion
    machineset.metadata.annotations = {**(machineset.metadata.annotations or {}), **annotations}


def _marks(machineset: MachineSet) -> dict[str, str]:
    """Return the label that tells the set's Machines from those of other revisions, whoever chose it; the selector never changes."""
    return {k: v for k, v in (machineset.spec.selector.match_labels or {}).items() if k == TEMPLATE_HASH_LABEL}


def _template(deployment: MachineDeployment, marks: dict[str, str]) -> MachineTemplate:
    template = deployment.spec.template.model_copy(deep=True)
    metadata = template.metadata or TemplateMetadata()
    metadata.labels = {**(metadata.labels or {}), **_own_labels(deployment), **marks}
    template.metadata = metadata
    return template


def _own_labels(deployment: MachineDeployment) -> dict[str, str]:
    return {CLUSTER_NAME_LABEL: deployment.spec.cluster_name, DEPLOYMENT_NAME_LABEL: deployment.metadata.name}


def _strategy(deployment: MachineDeployment) -> str:
    rollout = deployment.spec.rollout
    return rollout.strategy.type if rollout is not None and rollout.strategy is not None else ""
