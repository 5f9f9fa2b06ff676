"""What is allowed of the patches of a ClusterClass."""

from __future__ import annotations

from typing import Any

import pytest

from capelin.api.builtins import BUILTIN_VARIABLES
from capelin.api.classpatches import ClassPatch, ExternalPatch, JSONPatch, PatchTargets, PatchValue, WorkerClassNames
from capelin.api.clusterclass import ClusterClass
from capelin.webhooks.classpatches import (
    CLASS_NAMES_ARE_PATTERNS,
    EXTERNAL_PATCHES_DO_SOMETHING,
    PATCH_NAMES_ARE_NOT_INLINE,
    PATCH_NAMES_ARE_UNIQUE,
    PATCHES_ARE_INLINE_OR_EXTERNAL,
    SELECTORS_CHOOSE,
    SELECTORS_MATCH,
)
from capelin.webhooks.clusterclass import WEBHOOK
from capelin.webhooks.patchsteps import LISTS_ARE_ONLY_EXTENDED, PATCH_VARIABLES_EXIST, PATHS_ARE_PATCHABLE, VALUES_HAVE_ONE_SOURCE
from capelin.webhooks.patchtemplates import TEMPLATES_ARE_READABLE
from tests.buildclasses import class_patch, class_variable, clusterclass, machinedeployment_class, machinepool_class
from tests.webhooks.asking import accepted, fields, notices, refused

PATCH = "spec.patches[0]"
STEP = f"{PATCH}.definitions[0].jsonPatches[0]"
TARGETS = f"{PATCH}.definitions[0].selector.matchResources"
GENERATE = ExternalPatch(generate_patches_extension="generate.extension")

VARIABLES = (
    class_variable("image", type="object", properties={"tag": {"type": "string"}}),
    class_variable("zones", type="array", items={"type": "object", "properties": {"name": {"type": "string"}}}),
    class_variable("free", type="object", x_kubernetes_preserve_unknown_fields=True),
)


def patched(*patches: ClassPatch) -> ClusterClass:
    """Return a class with variables, two classes of deployments, one of pools, and these patches."""
    deployments = [machinedeployment_class("worker"), machinedeployment_class("gpu-worker")]
    return clusterclass(deployments=deployments, pools=[machinepool_class("pool")], variables=VARIABLES, patches=patches)


def stepped(op: str = "add", path: str = "/spec/template/spec/x", **value: Any) -> ClusterClass:
    """Return a class with a patch of one step; what it adds is a text unless told otherwise."""
    return patched(class_patch(steps=[JSONPatch(op=op, path=path, **(value or ({} if op == "remove" else {"value": "x"})))]))


def reading(**source: Any) -> ClusterClass:
    """Return a class with a patch whose value comes from there."""
    return stepped(value_from=PatchValue(**source))


def enabled_if(template: str) -> ClusterClass:
    return patched(class_patch().model_copy(update={"enabled_if": template}))


def chosen(kind: str = "DevMachineTemplate", **targets: Any) -> ClusterClass:
    """Return a class with a patch of templates of a kind, in these places."""
    return patched(class_patch(kind=kind, targets=PatchTargets(**targets)))


def names(*found: str) -> WorkerClassNames:
    return WorkerClassNames(names=list(found))


def test_patch_names_are_unique_accepts_different_names() -> None:
    accepted(WEBHOOK, patched(class_patch(), ClassPatch(name="zones", external=GENERATE)))


def test_patch_names_are_unique_refuses_a_name_again() -> None:
    assert fields(refused(PATCH_NAMES_ARE_UNIQUE, WEBHOOK, patched(class_patch(), class_patch()))) == ["spec.patches[1].name"]


def test_patch_names_are_not_inline_accepts_names_like_it() -> None:
    accepted(WEBHOOK, patched(ClassPatch(name="inlined", external=GENERATE)))


def test_patch_names_are_not_inline_refuses_it() -> None:
    assert fields(refused(PATCH_NAMES_ARE_NOT_INLINE, WEBHOOK, patched(ClassPatch(name="inline", external=GENERATE)))) == [f"{PATCH}.name"]


def test_patches_are_inline_or_external_accepts_either() -> None:
    accepted(WEBHOOK, patched(class_patch()))
    accepted(WEBHOOK, patched(ClassPatch(name="external", external=GENERATE)))


@pytest.mark.parametrize(
    "patch",
    [
        pytest.param(ClassPatch(name="idle"), id="neither"),
        pytest.param(class_patch().model_copy(update={"external": GENERATE}), id="both"),
    ],
)
def test_patches_are_inline_or_external_refuses_neither_and_both(patch: ClassPatch) -> None:
    assert fields(refused(PATCHES_ARE_INLINE_OR_EXTERNAL, WEBHOOK, patched(patch))) == [PATCH]


def test_external_patches_do_something_accepts_one_that_only_judges() -> None:
    accepted(WEBHOOK, patched(ClassPatch(name="judge", external=ExternalPatch(validate_topology_extension="validate.extension"))))


def test_external_patches_do_something_refuses_one_that_only_knows_variables() -> None:
    idle = ClassPatch(name="idle", external=ExternalPatch(discover_variables_extension="discover.extension"))

    assert fields(refused(EXTERNAL_PATCHES_DO_SOMETHING, WEBHOOK, patched(idle))) == [f"{PATCH}.external"]


def test_selectors_choose_accepts_one_place() -> None:
    accepted(WEBHOOK, chosen(machine_pool_class=names("pool"), kind="KubeadmConfigTemplate"))


@pytest.mark.parametrize(
    "targets",
    [
        pytest.param({}, id="nothing said"),
        pytest.param({"control_plane": False, "infrastructure_cluster": False}, id="all turned off"),
        pytest.param({"machine_deployment_class": WorkerClassNames(), "machine_pool_class": names()}, id="no names"),
    ],
)
def test_selectors_choose_refuses_none(targets: dict[str, Any]) -> None:
    assert fields(refused(SELECTORS_CHOOSE, WEBHOOK, chosen(**targets))) == [TARGETS]


@pytest.mark.parametrize(
    ("kind", "targets"),
    [
        ("DevClusterTemplate", {"infrastructure_cluster": True}),
        ("KubeadmControlPlaneTemplate", {"control_plane": True}),
        ("DevMachineTemplate", {"control_plane": True, "machine_deployment_class": names("worker", "gpu-*", "*-worker", "*")}),
        ("KubeadmConfigTemplate", {"machine_deployment_class": names("worker"), "machine_pool_class": names("*")}),
        ("DevMachinePoolTemplate", {"machine_pool_class": names("po*", "*ol")}),
    ],
)
def test_selectors_match_accepts_templates_that_are_there(kind: str, targets: dict[str, Any]) -> None:
    accepted(WEBHOOK, chosen(kind, **targets))


@pytest.mark.parametrize(
    ("kind", "targets", "end"),
    [
        ("DevMachineTemplate", {"infrastructure_cluster": True}, "infrastructureCluster"),
        ("DevClusterTemplate", {"control_plane": True, "infrastructure_cluster": True}, "controlPlane"),
        ("DevMachineTemplate", {"machine_deployment_class": names("worker", "large")}, "machineDeploymentClass.names[1]"),
        ("DevMachineTemplate", {"machine_deployment_class": names("large-*")}, "machineDeploymentClass.names[0]"),
        ("DevMachinePoolTemplate", {"machine_deployment_class": names("worker")}, "machineDeploymentClass.names[0]"),
        ("DevMachineTemplate", {"machine_pool_class": names("*")}, "machinePoolClass.names[0]"),
    ],
)
def test_selectors_match_refuses_places_without_such_a_template(kind: str, targets: dict[str, Any], end: str) -> None:
    assert fields(refused(SELECTORS_MATCH, WEBHOOK, chosen(kind, **targets))) == [f"{TARGETS}.{end}"]


def test_selectors_match_refuses_another_version() -> None:
    patch = class_patch()
    assert patch.definitions is not None
    definition = patch.definitions[0]
    selector = definition.selector.model_copy(update={"api_version": "infrastructure.cluster.x-k8s.io/v1beta1"})
    other = patch.model_copy(update={"definitions": [definition.model_copy(update={"selector": selector})]})

    assert fields(refused(SELECTORS_MATCH, WEBHOOK, patched(other))) == [f"{TARGETS}.controlPlane"]


def test_class_names_are_patterns_accepts_one_star_at_either_end() -> None:
    accepted(WEBHOOK, chosen(machine_deployment_class=names("*", "*worker", "gpu*")))


@pytest.mark.parametrize("name", ["*work*", "w*r", "**", "*w*r"])
def test_class_names_are_patterns_refuses_other_stars(name: str) -> None:
    refusals = refused(CLASS_NAMES_ARE_PATTERNS, WEBHOOK, chosen(machine_deployment_class=names("worker", name)))

    assert fields(refusals) == [f"{TARGETS}.machineDeploymentClass.names[1]"]


@pytest.mark.parametrize(
    "path", ["/spec/template/spec/x", "/spec/", "/metadata/labels", "/metadata/labels/team", "/metadata/annotations/a~1b"]
)
def test_paths_are_patchable_accepts_the_spec_labels_and_annotations(path: str) -> None:
    accepted(WEBHOOK, stepped(path=path))


@pytest.mark.parametrize(
    "path", ["/metadata/namespace", "/metadata/name", "/metadata/labelsX", "/metadata", "/status/x", "/spec", "spec/x", "/specs/x", "/kind"]
)
def test_paths_are_patchable_refuses_everything_else(path: str) -> None:
    assert fields(refused(PATHS_ARE_PATCHABLE, WEBHOOK, stepped(path=path))) == [f"{STEP}.path"]


@pytest.mark.parametrize(
    ("op", "path"),
    [("add", "/spec/list/0"), ("add", "/spec/list/-"), ("add", "/spec/list/0/x"), ("remove", "/spec/list"), ("replace", "/spec/a1")],
)
def test_lists_are_only_extended_accepts_both_ends(op: str, path: str) -> None:
    accepted(WEBHOOK, stepped(op, path))


@pytest.mark.parametrize(
    ("op", "path"),
    [("add", "/spec/list/1"), ("add", "/spec/list/01/x"), ("add", "/spec/list/-1"), ("remove", "/spec/list/0"), ("replace", "/spec/3/x")],
)
def test_lists_are_only_extended_refuses_entries(op: str, path: str) -> None:
    assert fields(refused(LISTS_ARE_ONLY_EXTENDED, WEBHOOK, stepped(op, path))) == [f"{STEP}.path"]


@pytest.mark.parametrize("value", ["x", 0, False, [], {}, ""])
def test_values_have_one_source_accepts_any_value(value: object) -> None:
    accepted(WEBHOOK, stepped(value=value))


def test_values_have_one_source_accepts_a_variable_a_template_and_none_to_remove() -> None:
    accepted(WEBHOOK, reading(variable="image"))
    accepted(WEBHOOK, reading(template="{{ .image.tag }}"))
    accepted(WEBHOOK, stepped("remove"))


@pytest.mark.parametrize(
    ("value", "end"),
    [
        pytest.param({"value": None}, "", id="null"),
        pytest.param({"value": 1, "value_from": PatchValue(variable="image")}, "", id="a value and a variable"),
        pytest.param({"value_from": PatchValue()}, ".valueFrom", id="from nowhere"),
        pytest.param({"value_from": PatchValue(variable="image", template="x")}, ".valueFrom", id="a variable and a template"),
    ],
)
@pytest.mark.parametrize("op", ["add", "replace"])
def test_values_have_one_source_refuses_none_and_two(op: str, value: dict[str, Any], end: str) -> None:
    assert fields(refused(VALUES_HAVE_ONE_SOURCE, WEBHOOK, stepped(op, **value))) == [f"{STEP}{end}"]


@pytest.mark.parametrize("variable", ["image", "image.tag", "zones[0].name", "free.any.thing", *sorted(BUILTIN_VARIABLES)])
def test_patch_variables_exist_accepts_those_of_the_class_and_builtin_ones(variable: str) -> None:
    accepted(WEBHOOK, reading(variable=variable))
    assert notices(WEBHOOK, reading(variable=variable)) == []


@pytest.mark.parametrize(
    "variable", ["imag", "Image", "builtin", "builtin.", "builtin.cluster.nam", "builtin.pool.name", ".", "[0]", "tag.image"]
)
def test_patch_variables_exist_refuses_others(variable: str) -> None:
    assert fields(refused(PATCH_VARIABLES_EXIST, WEBHOOK, reading(variable=variable))) == [f"{STEP}.valueFrom.variable"]


@pytest.mark.parametrize(
    "template",
    [
        "{{ .image.tag }}",
        "{{ range .zones }}{{ .name }}{{ end }}",
        '{{ if semverCompare ">= 1.34" .builtin.controlPlane.version }}true{{ end }}',
        "{{ .builtin.cluster.metadata.labels.team | quote }}",
        "{{ with .free }}{{ .any.thing }}{{ end }}",
        "plain text",
    ],
)
def test_templates_are_readable_accepts_what_can_be_read(template: str) -> None:
    for found in (reading(template=template), enabled_if(template)):
        accepted(WEBHOOK, found)
        assert notices(WEBHOOK, found) == []


@pytest.mark.parametrize(
    "template", ["{{", "{{ if }}", "{{ end }}", "{{ now }}", '{{ env "HOME" }}', "{{ shout .image }}", "{{ template }}"]
)
def test_templates_are_readable_refuses_what_cannot(template: str) -> None:
    assert fields(refused(TEMPLATES_ARE_READABLE, WEBHOOK, reading(template=template))) == [f"{STEP}.valueFrom.template"]
    assert fields(refused(TEMPLATES_ARE_READABLE, WEBHOOK, enabled_if(template))) == [f"{PATCH}.enabledIf"]


@pytest.mark.parametrize(
    ("found", "end"),
    [
        pytest.param(enabled_if("{{ .gone }}"), "enabledIf", id="a variable there is not"),
        pytest.param(enabled_if("{{ .builtin.cluster.nam }}"), "enabledIf", id="a builtin variable there is not"),
        pytest.param(reading(template="{{ .image.digest }}"), "valueFrom.template", id="a field there is not"),
        pytest.param(reading(variable="image.digest"), "valueFrom.variable", id="a field there is not, plainly"),
        pytest.param(stepped("remove", value=1), "jsonPatches[0]", id="a value to remove"),
        pytest.param(stepped(path="/spec/a~b"), "path", id="half an escape"),
    ],
)
def test_what_has_no_effect_or_would_fail_is_warned_of(found: ClusterClass, end: str) -> None:
    accepted(WEBHOOK, found)
    (told,) = notices(WEBHOOK, found)
    assert told.partition(": ")[0].endswith(end)
