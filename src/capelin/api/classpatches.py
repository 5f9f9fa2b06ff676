"""Patches of a ClusterClass: how its templates change from cluster to cluster."""

from __future__ import annotations

from typing import Annotated, ClassVar

from capelin.api.markers import ATOMIC_LIST, Enum, Items, Length, MaxItems, Shape
from capelin.api.meta import Model
from capelin.api.references import APIVersion
from capelin.api.scalars import AnyValue, Kind

# What `op` of a JSON patch may say.
ADD = "add"
REPLACE = "replace"
REMOVE = "remove"


class WorkerClassNames(Model):
    """Worker classes by name."""

    names: Annotated[list[Annotated[str, Length(1, 256)]], MaxItems(100), ATOMIC_LIST] | None = None
    """names are the classes whose templates are patched; a * at either end of a name, or alone, stands for anything."""


class PatchTargets(Model):
    """Where in the class a template must be used to be patched; one place is enough."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    control_plane: bool | None = None
    """controlPlane patches the template of the control plane, and the one of its machines."""
    infrastructure_cluster: bool | None = None
    """infrastructureCluster patches the template of the cluster's infrastructure."""
    machine_deployment_class: WorkerClassNames | None = None
    """machineDeploymentClass patches the templates of these classes of MachineDeployments."""
    machine_pool_class: WorkerClassNames | None = None
    """machinePoolClass patches the templates of these classes of MachinePools."""


class PatchSelector(Model):
    """Which templates are patched."""

    api_version: APIVersion
    """apiVersion is the API group and version of the templates."""
    kind: Kind
    """kind is the kind of the templates."""
    match_resources: PatchTargets
    """matchResources are the places in the class where templates are patched."""


class PatchValue(Model):
    """Where a value comes from: a variable or a Go template, never both."""

    template: Annotated[str, Length(1, 10_240)] | None = None
    """template is a Go template over the variables; its result is read as YAML."""
    variable: Annotated[str, Length(1, 256)] | None = None
    """variable is the name of a variable, or the path of something in it, such as image.tag or builtin.cluster.name."""


class JSONPatch(Model):
    """One step of a JSON patch (RFC 6902)."""

    op: Annotated[str, Enum("add", "replace", "remove")]
    """op is add, replace or remove."""
    path: Annotated[str, Length(1, 512)]
    """path is the JSON pointer of what is patched, below /spec, /metadata/labels or /metadata/annotations. Of a list add may name the
    beginning (0) and the end (-); replace and remove may name no entry."""
    value: AnyValue = None
    """value is the JSON value to put there; excludes valueFrom."""
    value_from: PatchValue | None = None
    """valueFrom tells where the value comes from; excludes value."""


class PatchDefinition(Model):
    """Changes of some of the templates."""

    json_patches: Annotated[list[JSONPatch], Items(1, 100), ATOMIC_LIST]
    """jsonPatches are the steps, in order; a later one wins."""
    selector: PatchSelector
    """selector chooses the templates that are patched."""


class ExternalPatch(Model):
    """Changes that a runtime extension decides. Handlers are named `<handler>.<ExtensionConfig>`."""

    discover_variables_extension: Annotated[str, Length(1, 512)] | None = None
    """discoverVariablesExtension is the handler that tells which variables the patch understands."""
    generate_patches_extension: Annotated[str, Length(1, 512)] | None = None
    """generatePatchesExtension is the handler that returns the changes."""
    settings: dict[str, str] | None = None
    """settings are sent with every request and win over those of the ExtensionConfig."""
    validate_topology_extension: Annotated[str, Length(1, 512)] | None = None
    """validateTopologyExtension is the handler that judges the cluster once all patches are applied."""


class ClassPatch(Model):
    """A change of the class's templates: given here, or by an extension, never both."""

    name: Annotated[str, Length(1, 256)]
    """name is the name of the patch, unique in the class and not inline."""
    definitions: Annotated[list[PatchDefinition], MaxItems(100), ATOMIC_LIST] | None = None
    """definitions are the changes; excludes external."""
    description: Annotated[str, Length(1, 1024)] | None = None
    """description tells people what the patch is for."""
    enabled_if: Annotated[str, Length(1, 256)] | None = None
    """enabledIf is a Go template over the variables; the patch applies only to clusters for which it yields true. It always applies unless
    set."""
    external: ExternalPatch | None = None
    """external has an extension decide the changes; excludes definitions."""
