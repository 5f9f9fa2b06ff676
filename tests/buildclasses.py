"""Objects for tests, in the manner of `tests.build`: classes, pools, health checks, add-ons, addresses, extensions and the inventory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from capelin.api.classpatches import ClassPatch, JSONPatch, PatchDefinition, PatchSelector, PatchTargets, PatchValue
from capelin.api.classvariables import ClassVariable, JSONSchemaProps, VariableSchema
from capelin.api.clusterclass import (
    ClassTemplate,
    ClusterClass,
    ClusterClassSpec,
    ClusterClassStatus,
    ControlPlaneClass,
    InfrastructureClass,
    MachineDeploymentClass,
    MachinePoolClass,
    WorkersClass,
)
from capelin.api.clusterresourceset import (
    APPLY_ONCE,
    ClusterResourceSet,
    ClusterResourceSetSpec,
    ClusterResourceSetStatus,
    ResourceReference,
)
from capelin.api.clusterresourcesetbinding import (
    ClusterResourceSetBinding,
    ClusterResourceSetBindingSpec,
    ResourceBinding,
    ResourceSetBinding,
)
from capelin.api.extensionconfig import (
    SERVICE_PORT,
    ExtensionClient,
    ExtensionConfig,
    ExtensionConfigSpec,
    ExtensionConfigStatus,
    ExtensionService,
)
from capelin.api.healthchecks import HealthChecks, Remediation, UnhealthyNodeCondition
from capelin.api.ipaddress import IPAddress, IPAddressClaimReference, IPAddressSpec
from capelin.api.ipaddressclaim import IPAddressClaim, IPAddressClaimSpec, IPAddressClaimStatus
from capelin.api.labels import CLUSTER_NAME_LABEL, DEPLOYMENT_NAME_LABEL, PROVIDER_LABEL
from capelin.api.machinedrainrule import DRAIN, DrainBehavior, DrainRuleMachines, DrainRulePods, MachineDrainRule, MachineDrainRuleSpec
from capelin.api.machinehealthcheck import (
    NODE_STARTUP_TIMEOUT_SECONDS,
    MachineHealthCheck,
    MachineHealthCheckSpec,
    MachineHealthCheckStatus,
)
from capelin.api.machinepool import MachinePool, MachinePoolSpec, MachinePoolStatus
from capelin.api.machineset import MachineTemplate
from capelin.api.meta import LabelSelector
from capelin.api.metadata import Metadata, ReleaseSeries
from capelin.api.provider import INFRASTRUCTURE_PROVIDER_TYPE, Provider, label_of
from capelin.api.references import ContractReference, TemplateReference
from tests.build import CLUSTER, infrastructure_ref, machine_spec, metadata

CLASS = "standard"

STRING = {"type": "string"}
"""The fields of the schema of any string."""


def template_ref(kind: str, name: str = CLASS) -> TemplateReference:
    """Return a reference to a template; its group follows from its kind."""
    groups = {"KubeadmControlPlaneTemplate": "controlplane", "KubeadmConfigTemplate": "bootstrap"}
    return TemplateReference(api_version=f"{groups.get(kind, 'infrastructure')}.cluster.x-k8s.io/v1beta2", kind=kind, name=name)


def class_template(kind: str, name: str = CLASS) -> ClassTemplate:
    """Return a template of a class."""
    return ClassTemplate(template_ref=template_ref(kind, name))


def control_plane_class(**fields: Any) -> ControlPlaneClass:
    """Return the control plane of a class; `fields` overrides any field."""
    defaults: dict[str, Any] = {
        "template_ref": template_ref("KubeadmControlPlaneTemplate"),
        "machine_infrastructure": class_template("DevMachineTemplate", "control-plane"),
    }
    return ControlPlaneClass(**(defaults | fields))


def machinedeployment_class(name: str = "worker", **fields: Any) -> MachineDeploymentClass:
    """Return a class of MachineDeployments; `fields` overrides any field."""
    defaults: dict[str, Any] = {
        "class_": name,
        "bootstrap": class_template("KubeadmConfigTemplate", name),
        "infrastructure": class_template("DevMachineTemplate", name),
    }
    return MachineDeploymentClass(**(defaults | fields))


def machinepool_class(name: str = "pool", **fields: Any) -> MachinePoolClass:
    """Return a class of MachinePools; `fields` overrides any field."""
    defaults: dict[str, Any] = {
        "class_": name,
        "bootstrap": class_template("KubeadmConfigTemplate", name),
        "infrastructure": class_template("DevMachinePoolTemplate", name),
    }
    return MachinePoolClass(**(defaults | fields))


def class_variable(name: str = "image", *, required: bool = False, **schema: Any) -> ClassVariable:
    """Return a variable; `schema` are the fields of its schema, a string unless told otherwise."""
    return ClassVariable(name=name, required=required, schema_=VariableSchema(open_api_v3_schema=JSONSchemaProps(**(schema or STRING))))


def variable_of(schema: Mapping[str, Any], name: str = "image", *, required: bool = False) -> ClassVariable:
    """Return a variable with a schema as it is on the wire."""
    parsed = JSONSchemaProps.model_validate(schema, by_alias=True, by_name=False)
    return ClassVariable(name=name, required=required, schema_=VariableSchema(open_api_v3_schema=parsed))


def class_patch(
    name: str = "image", *, kind: str = "DevMachineTemplate", targets: PatchTargets | None = None, steps: Sequence[JSONPatch] = ()
) -> ClassPatch:
    """Return a patch that puts the variable of its name into the machines of the control plane."""
    path = "/spec/template/spec/backend/docker/customImage"
    reference = template_ref(kind)
    selector = PatchSelector(api_version=reference.api_version, kind=kind, match_resources=targets or PatchTargets(control_plane=True))
    default = JSONPatch(op="add", path=path, value_from=PatchValue(variable=name))
    return ClassPatch(name=name, definitions=[PatchDefinition(selector=selector, json_patches=list(steps) or [default])])


def clusterclass(
    name: str = CLASS,
    *,
    control_plane: ControlPlaneClass | None = None,
    deployments: Sequence[MachineDeploymentClass] | None = None,
    pools: Sequence[MachinePoolClass] = (),
    variables: Sequence[ClassVariable] = (),
    patches: Sequence[ClassPatch] = (),
    status: ClusterClassStatus | None = None,
    spec: Mapping[str, Any] | None = None,
    **meta: Any,
) -> ClusterClass:
    """A ClusterClass with one class of MachineDeployments; `spec` overrides fields of its spec, `meta` goes to `metadata`."""
    workers = [machinedeployment_class()] if deployments is None else list(deployments)
    fields: dict[str, Any] = {
        "infrastructure": InfrastructureClass(template_ref=template_ref("DevClusterTemplate")),
        "control_plane": control_plane or control_plane_class(),
        "workers": WorkersClass(machine_deployments=workers or None, machine_pools=list(pools) or None) if workers or pools else None,
        "variables": list(variables) or None,
        "patches": list(patches) or None,
    }
    return ClusterClass(
        metadata=metadata("ClusterClass", name, **meta),
        spec=ClusterClassSpec(**(fields | dict(spec or {}))),
        status=status,
    )


def machinepool(
    name: str = "pool",
    *,
    replicas: int | None = 3,
    cluster_name: str = CLUSTER,
    labels: Mapping[str, str] | None = None,
    template: MachineTemplate | None = None,
    status: MachinePoolStatus | None = None,
    spec: Mapping[str, Any] | None = None,
    **meta: Any,
) -> MachinePool:
    """A MachinePool whose infrastructure is a DevMachinePool; `spec` overrides fields of its spec, `meta` goes to `metadata`."""
    pooled = machine_spec(name, cluster_name=cluster_name, kinds=("KubeadmConfig", "DevMachinePool"))
    fields: dict[str, Any] = {"cluster_name": cluster_name, "replicas": replicas, "template": template or MachineTemplate(spec=pooled)}
    return MachinePool(
        metadata=metadata("MachinePool", name, labels={CLUSTER_NAME_LABEL: cluster_name} | dict(labels or {}), **meta),
        spec=MachinePoolSpec(**(fields | dict(spec or {}))),
        status=status,
    )


def machinehealthcheck(
    name: str = "workers",
    *,
    cluster_name: str = CLUSTER,
    labels: Mapping[str, str] | None = None,
    selector: Mapping[str, str] | None = None,
    startup: int = NODE_STARTUP_TIMEOUT_SECONDS,
    not_ready: int = 300,
    remediation: Remediation | None = None,
    status: MachineHealthCheckStatus | None = None,
    **meta: Any,
) -> MachineHealthCheck:
    """A check of the Machines of the deployment of its name: they may take `startup` seconds to join, and be not ready for `not_ready`."""
    conditions = [UnhealthyNodeCondition(type="Ready", status=status_, timeout_seconds=not_ready) for status_ in ("False", "Unknown")]
    return MachineHealthCheck(
        metadata=metadata("MachineHealthCheck", name, labels={CLUSTER_NAME_LABEL: cluster_name} | dict(labels or {}), **meta),
        spec=MachineHealthCheckSpec(
            cluster_name=cluster_name,
            selector=LabelSelector(match_labels=dict(selector or {DEPLOYMENT_NAME_LABEL: name})),
            checks=HealthChecks(node_startup_timeout_seconds=startup, unhealthy_node_conditions=conditions),
            remediation=remediation,
        ),
        status=status,
    )


def machinedrainrule(
    name: str = "rule",
    *,
    behavior: str = DRAIN,
    order: int | None = None,
    machines: Sequence[DrainRuleMachines] = (),
    pods: Sequence[DrainRulePods] = (),
    **meta: Any,
) -> MachineDrainRule:
    """A MachineDrainRule for all Pods on all Machines unless told otherwise."""
    drain = DrainBehavior(behavior=behavior, order=order)
    return MachineDrainRule(
        metadata=metadata("MachineDrainRule", name, **meta),
        spec=MachineDrainRuleSpec(drain=drain, machines=list(machines) or None, pods=list(pods) or None),
    )


def clusterresourceset(
    name: str = "addons",
    *,
    selector: Mapping[str, str] | None = None,
    resources: Sequence[tuple[str, str]] = (("ConfigMap", "addons"),),
    strategy: str | None = APPLY_ONCE,
    status: ClusterResourceSetStatus | None = None,
    **meta: Any,
) -> ClusterResourceSet:
    """A ClusterResourceSet for clusters labelled `addons: enabled`; `resources` are pairs of kind and name."""
    return ClusterResourceSet(
        metadata=metadata("ClusterResourceSet", name, **meta),
        spec=ClusterResourceSetSpec(
            cluster_selector=LabelSelector(match_labels=dict(selector or {"addons": "enabled"})),
            resources=[ResourceReference(kind=kind, name=found) for kind, found in resources],
            strategy=strategy,
        ),
        status=status,
    )


def clusterresourcesetbinding(
    name: str = CLUSTER, *, sets: Mapping[str, Sequence[ResourceBinding]] | None = None, **meta: Any
) -> ClusterResourceSetBinding:
    """The binding of the cluster of its name; `sets` are what became of the resources, by ClusterResourceSet."""
    default = {"addons": [ResourceBinding(kind="ConfigMap", name="addons", applied=True)]}
    bindings = [ResourceSetBinding(cluster_resource_set_name=found, resources=list(of)) for found, of in (sets or default).items()]
    return ClusterResourceSetBinding(
        metadata=metadata("ClusterResourceSetBinding", name, **meta),
        spec=ClusterResourceSetBindingSpec(cluster_name=name, bindings=bindings),
    )


def ipaddressclaim(
    name: str = "worker",
    *,
    pool: ContractReference | None = None,
    cluster_name: str | None = CLUSTER,
    status: IPAddressClaimStatus | None = None,
    **meta: Any,
) -> IPAddressClaim:
    """A claim of an address from the pool `addresses`."""
    return IPAddressClaim(
        metadata=metadata("IPAddressClaim", name, **meta),
        spec=IPAddressClaimSpec(pool_ref=pool or infrastructure_ref("addresses", "AddressPool"), cluster_name=cluster_name),
        status=status,
    )


def ipaddress(
    name: str = "worker",
    address: str = "10.0.0.10",
    *,
    pool: ContractReference | None = None,
    prefix: int = 24,
    gateway: str | None = "10.0.0.1",
    claim: str | None = None,
    **meta: Any,
) -> IPAddress:
    """An address that answers the claim of its name."""
    return IPAddress(
        metadata=metadata("IPAddress", name, **meta),
        spec=IPAddressSpec(
            address=address,
            claim_ref=IPAddressClaimReference(name=claim or name),
            pool_ref=pool or infrastructure_ref("addresses", "AddressPool"),
            prefix=prefix,
            gateway=gateway,
        ),
    )


def extensionconfig(
    name: str = "extension",
    *,
    url: str | None = None,
    ca_bundle: str | None = None,
    selector: LabelSelector | None = None,
    settings: Mapping[str, str] | None = None,
    status: ExtensionConfigStatus | None = None,
    **meta: Any,
) -> ExtensionConfig:
    """An extension behind the Service of its name, or at `url`, that is asked about objects of every namespace."""
    service = None if url else ExtensionService(name=name, namespace="default", port=SERVICE_PORT)
    return ExtensionConfig(
        metadata=metadata("ExtensionConfig", name, namespace=None, **meta),
        spec=ExtensionConfigSpec(
            client_config=ExtensionClient(url=url, service=service, ca_bundle=ca_bundle),
            namespace_selector=selector or LabelSelector(),
            settings=dict(settings) if settings else None,
        ),
        status=status,
    )


def provider(name: str = "dev", *, type_: str = INFRASTRUCTURE_PROVIDER_TYPE, version: str = "v1.14.0", **meta: Any) -> Provider:
    """The inventory's entry of an installed provider."""
    label = label_of(type_, name)
    return Provider(
        metadata=metadata("Provider", label, labels={PROVIDER_LABEL: label}, **meta), provider_name=name, type=type_, version=version
    )


def release_metadata(*series: tuple[int, int, str], **meta: Any) -> Metadata:
    """What a provider publishes about its releases: triples of major, minor and contract, 1.14 with v1beta2 unless told otherwise."""
    return Metadata(
        metadata=metadata("Metadata", "metadata", **meta),
        release_series=[ReleaseSeries(major=major, minor=minor, contract=found) for major, minor, found in series or [(1, 14, "v1beta2")]],
    )
