"""Changes of a ClusterClass, and its deletion: what clusters that use it could not follow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from capelin.api.classvariables import ClassVariable
from capelin.api.cluster import Cluster
from capelin.api.clusterclass import ClusterClass, ClusterClassSpec, MachineDeploymentClass, WorkersClass
from capelin.api.labels import AUTOSCALER_MAX_SIZE_ANNOTATION, AUTOSCALER_MIN_SIZE_ANNOTATION, DELETE_FOR_MOVE_ANNOTATION
from capelin.api.meta import ObjectKey
from capelin.api.refusals import FORBIDDEN, Refusal, Rule
from capelin.api.topology import ControlPlaneHealthCheck, MachineDeploymentHealthCheck, MachineDeploymentTopology, Topology, WorkersTopology
from capelin.webhooks.admission import Admission, Denial, Lookups
from capelin.webhooks.classparts import CONTROL_PLANE, DEPLOYMENTS, POOLS
from capelin.webhooks.classvariables import VARIABLES
from capelin.webhooks.classversions import VERSIONS
from capelin.webhooks.clusterfacts import class_key
from capelin.webhooks.rules.classtemplates import changed_templates
from capelin.webhooks.rules.quoting import quoted
from capelin.webhooks.topology import REPLICAS_OR_AUTOSCALER
from capelin.webhooks.variables import values_of
from capelin.webhooks.variableschemas import compiled_of

CLASS_TEMPLATES_ARE_COMPATIBLE = Rule(
    "class_templates_are_compatible",
    "The templates of a class stay of the same kinds, and machineInfrastructure is neither added nor removed: what was made from the old "
    "ones cannot become what the new ones say.",
)
USED_WORKER_CLASSES_STAY = Rule("used_worker_classes_stay", "A class keeps the worker classes that clusters use.")
USED_HEALTH_CHECKS_STAY = Rule(
    "used_health_checks_stay", "A class keeps the health checks that clusters have turned on without saying themselves what is checked."
)
USED_VERSIONS_STAY = Rule("used_versions_stay", "A class that lists Kubernetes versions keeps those that clusters have.")
USED_VARIABLES_STAY = Rule("used_variables_stay", "A class keeps the variables that clusters set.")
USED_VALUES_STILL_FIT = Rule("used_values_still_fit", "The values that clusters have set still fit the schema of a variable that changes.")
NEW_REQUIREMENTS_ARE_MET = Rule(
    "new_requirements_are_met", "A variable is required only when every cluster sets it, or when it has a default."
)
CLASS_IS_UNUSED = Rule("class_is_unused", "A class is deleted only when no cluster uses it.")

COMPATIBILITY_RULES: Final = (
    CLASS_TEMPLATES_ARE_COMPATIBLE,
    USED_WORKER_CLASSES_STAY,
    USED_HEALTH_CHECKS_STAY,
    USED_VERSIONS_STAY,
    USED_VARIABLES_STAY,
    USED_VALUES_STILL_FIT,
    NEW_REQUIREMENTS_ARE_MET,
    REPLICAS_OR_AUTOSCALER,
    CLASS_IS_UNUSED,
)

READS: Final = (Cluster,)

_SHOWN: Final = 3
"""Clusters that are named; further ones are counted."""


@dataclass(frozen=True, slots=True)
class User:
    """A Cluster that uses a class."""

    key: ObjectKey
    topology: Topology

    @property
    def workers(self) -> WorkersTopology:
        """The workers of the cluster; none when nothing is said of them."""
        return self.topology.workers or WorkersTopology()


@dataclass(frozen=True, slots=True)
class Facts:
    """`users` are the clusters that use the class; none when it does not matter who does."""

    users: tuple[User, ...] = ()


@dataclass(frozen=True, slots=True)
class _Setting:
    """A value that a cluster gives to a variable, and where it stands in the Cluster."""

    user: User
    field: str
    value: Any


ClassAdmission = Admission[ClusterClass, Facts]


async def gather(request: Admission[ClusterClass, None], lookups: Lookups) -> Facts:
    """Return what the API server has now.

    Raises:
        ApiError: the clusters could not be read.
    """
    found, old = request.new, request.old
    if request.operation == "CREATE" or (old is not None and _says_the_same(found.spec, old.spec)):
        return Facts()
    clusters = await lookups.list(Cluster)
    return Facts(tuple(user for cluster in clusters if (user := _user(cluster, found.key))))


def _user(cluster: Cluster, key: ObjectKey) -> User | None:
    topology = cluster.spec.topology
    return User(cluster.key, topology) if topology is not None and class_key(topology, cluster) == key else None


def _says_the_same(new: ClusterClassSpec, old: ClusterClassSpec) -> bool:
    """Tell whether a change concerns nothing that clusters refer to."""
    return (new.workers, new.variables, new.kubernetes_versions, new.control_plane.health_check) == (
        *(old.workers, old.variables, old.kubernetes_versions, old.control_plane.health_check),
    )


def deletion_denials(request: ClassAdmission) -> Iterator[Denial]:
    """Yield why a class cannot be deleted. One that has been moved to another management cluster has left its clusters there."""
    users = request.facts.users
    if users and DELETE_FOR_MOVE_ANNOTATION not in (request.new.metadata.annotations or {}):
        yield Denial(f"ClusterClass {request.new.key} cannot be deleted while it is used by {_named(users)}", CLASS_IS_UNUSED)


def change_refusals(request: ClassAdmission) -> Iterator[Refusal]:
    """Yield what is wrong with a change of a class."""
    if request.old is None:
        return
    new, old, users = request.new.spec, request.old.spec, request.facts.users
    for template in changed_templates(old, new):
        allowed = f"{template.old or 'nothing'}, as before: make another class, or another worker class"
        yield CLASS_TEMPLATES_ARE_COMPATIBLE.broken(template.field, template.new or "nothing", allowed, reason=FORBIDDEN)
    yield from _worker_refusals(new, old, users)
    yield from _check_refusals(new, old, users)
    yield from _version_refusals(new, old, users)
    yield from _variable_refusals(new, old, users)
    yield from _autoscaler_refusals(new, users)


def _worker_refusals(new: ClusterClassSpec, old: ClusterClassSpec, users: Sequence[User]) -> Iterator[Refusal]:
    before, after = old.workers or WorkersClass(), new.workers or WorkersClass()
    kinds = (
        (DEPLOYMENTS, before.machine_deployments, after.machine_deployments, "machine_deployments"),
        (POOLS, before.machine_pools, after.machine_pools, "machine_pools"),
    )
    for field, had, has, name in kinds:
        kept = {found.class_ for found in has or ()}
        for removed in [found.class_ for found in had or () if found.class_ not in kept]:
            using = [user for user in users if any(group.class_ == removed for group in getattr(user.workers, name) or ())]
            if using:
                allowed = f"that class, which is used by {_named(using)}"
                yield USED_WORKER_CLASSES_STAY.broken(field, f"no class {quoted(removed)}", allowed, reason=FORBIDDEN)


def _check_refusals(new: ClusterClassSpec, old: ClusterClassSpec, users: Sequence[User]) -> Iterator[Refusal]:
    if old.control_plane.health_check is not None and new.control_plane.health_check is None:
        checked = [user for user in users if (part := user.topology.control_plane) and _relies(part.health_check)]
        yield from _check_refusal(f"{CONTROL_PLANE}.healthCheck", checked)
    before = {found.class_: found for found in _deployment_classes(old)}
    for index, found in enumerate(_deployment_classes(new)):
        previous = before.get(found.class_)
        if previous is not None and previous.health_check is not None and found.health_check is None:
            checked = [user for user in users if any(_relies(group.health_check) for group in _groups(user, found.class_))]
            yield from _check_refusal(f"{DEPLOYMENTS}[{index}].healthCheck", checked)


def _check_refusal(field: str, checked: Sequence[User]) -> Iterator[Refusal]:
    if checked:
        allowed = f"the health check, which is turned on by {_named(checked)}"
        yield USED_HEALTH_CHECKS_STAY.broken(field, "nothing", allowed, reason=FORBIDDEN)


def _relies(check: ControlPlaneHealthCheck | MachineDeploymentHealthCheck | None) -> bool:
    """Tell whether a health check is on and leaves to the class what is checked."""
    return check is not None and bool(check.enabled) and check.checks is None and check.remediation is None


def _version_refusals(new: ClusterClassSpec, old: ClusterClassSpec, users: Sequence[User]) -> Iterator[Refusal]:
    if not new.kubernetes_versions:
        return  # any version is fine then
    for version in dict.fromkeys(found for found in old.kubernetes_versions or () if found not in new.kubernetes_versions):
        using = [user for user in users if user.topology.version == version]
        if using:
            allowed = f"that version, which is used by {_named(using)}"
            yield USED_VERSIONS_STAY.broken(VERSIONS, f"no version {quoted(version)}", allowed, reason=FORBIDDEN)


def _variable_refusals(new: ClusterClassSpec, old: ClusterClassSpec, users: Sequence[User]) -> Iterator[Refusal]:
    before = {found.name: found for found in old.variables or ()}
    after = {found.name: (index, found) for index, found in enumerate(new.variables or ())}
    settings = _settings(users)
    if not any(patch.external and patch.external.discover_variables_extension for patch in new.patches or ()):
        yield from _removal_refusals([name for name in before if name not in after], settings)
    for name, (index, variable) in after.items():
        place, previous = f"{VARIABLES}[{index}]", before.get(name)
        if previous is None or previous.schema_ != variable.schema_:
            yield from _schema_refusals(f"{place}.schema.openAPIV3Schema", variable, settings.get(name, ()))
        if variable.required and not (previous and previous.required) and variable.schema_.open_api_v3_schema.default is None:
            yield from _requirement_refusals(f"{place}.required", name, users)


def _settings(users: Iterable[User]) -> Mapping[str, Sequence[_Setting]]:
    """Return the values that clusters set, by the names of variables."""
    found: dict[str, list[_Setting]] = defaultdict(list)
    for user in users:
        for place, variables in values_of(user.topology):
            for index, variable in enumerate(variables):
                found[variable.name].append(_Setting(user, f"{place}[{index}].value", variable.value))
    return found


def _removal_refusals(names: Iterable[str], settings: Mapping[str, Sequence[_Setting]]) -> Iterator[Refusal]:
    for name in names:
        if using := _users(settings.get(name, ())):
            allowed = f"that variable, which is set by {_named(using)}"
            yield USED_VARIABLES_STAY.broken(VARIABLES, f"no variable {quoted(name)}", allowed, reason=FORBIDDEN)


def _schema_refusals(field: str, variable: ClassVariable, settings: Sequence[_Setting]) -> Iterator[Refusal]:
    try:
        schema = compiled_of(variable.schema_.open_api_v3_schema)
        broken = [(setting, misfits[0]) for setting in settings if (misfits := schema.validate(setting.value, setting.field))]
    except ValueError:
        return  # what cannot be compared with anything is told of where schemas are looked at
    if broken:
        setting, misfit = broken[0]
        found = f"a schema that values of {_named(_users(entry[0] for entry in broken))} do not fit"
        # The value is not told: who may change a class need not be allowed to read every Cluster that uses it.
        allowed = f"one that they fit: it takes {misfit.allowed} only at {misfit.field} of Cluster {setting.user.key}"
        yield USED_VALUES_STILL_FIT.broken(field, found, allowed, reason=FORBIDDEN)


def _users(settings: Iterable[_Setting]) -> Sequence[User]:
    return list({setting.user.key: setting.user for setting in settings}.values())


def _requirement_refusals(field: str, name: str, users: Sequence[User]) -> Iterator[Refusal]:
    lacking = [user for user in users if all(found.name != name for found in user.topology.variables or ())]
    if lacking:
        allowed = f"false, or true with a default: the variable is not set by {_named(lacking)}"
        yield NEW_REQUIREMENTS_ARE_MET.broken(field, "true", allowed, reason=FORBIDDEN)


def _autoscaler_refusals(new: ClusterClassSpec, users: Sequence[User]) -> Iterator[Refusal]:
    for index, found in enumerate(_deployment_classes(new)):
        annotations: Mapping[str, Any] = (found.metadata.annotations if found.metadata else None) or {}
        if AUTOSCALER_MIN_SIZE_ANNOTATION not in annotations and AUTOSCALER_MAX_SIZE_ANNOTATION not in annotations:
            continue
        sized = [user for user in users if any(group.replicas is not None for group in _groups(user, found.class_))]
        if sized:
            field = f"{DEPLOYMENTS}[{index}].metadata.annotations"
            allowed = f"none while replicas are stated by {_named(sized)}"
            yield REPLICAS_OR_AUTOSCALER.broken(field, "annotations for the autoscaler", allowed)


def _groups(user: User, name: str) -> list[MachineDeploymentTopology]:
    return [group for group in user.workers.machine_deployments or () if group.class_ == name]


def _deployment_classes(spec: ClusterClassSpec) -> Sequence[MachineDeploymentClass]:
    return (spec.workers.machine_deployments if spec.workers else None) or ()


def _named(users: Sequence[User]) -> str:
    names = [str(user.key) for user in users]
    more = [f"{len(names) - _SHOWN} more"] if len(names) > _SHOWN else []
    return f"{len(names)} {'Cluster' if len(names) == 1 else 'Clusters'}: {', '.join([*names[:_SHOWN], *more])}"
