"""Every webhook there is, the judges that answer for them, and the configurations that make an API server ask."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from capelin.runtime.admission.reviews import Judge
from capelin.runtime.codec import Document
from capelin.webhooks import (
    cluster,
    clusterclass,
    clusterresourceset,
    clusterresourcesetbinding,
    devcluster,
    devclustertemplate,
    devmachine,
    devmachinepool,
    devmachinepooltemplate,
    devmachinetemplate,
    extensionconfig,
    ipaddress,
    ipaddressclaim,
    judging,
    kubeadmconfig,
    kubeadmconfigtemplate,
    kubeadmcontrolplane,
    kubeadmcontrolplanescale,
    kubeadmcontrolplanetemplate,
    machine,
    machinedeployment,
    machinedrainrule,
    machinehealthcheck,
    machinepool,
    machineset,
)
from capelin.webhooks.admission import AnyWebhook, Lookups

WEBHOOKS: Final[tuple[AnyWebhook, ...]] = (
    cluster.WEBHOOK,
    clusterclass.WEBHOOK,
    machine.WEBHOOK,
    machineset.WEBHOOK,
    machinedeployment.WEBHOOK,
    machinepool.WEBHOOK,
    machinehealthcheck.WEBHOOK,
    machinedrainrule.WEBHOOK,
    kubeadmconfig.WEBHOOK,
    kubeadmconfigtemplate.WEBHOOK,
    kubeadmcontrolplane.WEBHOOK,
    kubeadmcontrolplanetemplate.WEBHOOK,
    kubeadmcontrolplanescale.WEBHOOK,
    clusterresourceset.WEBHOOK,
    clusterresourcesetbinding.WEBHOOK,
    ipaddress.WEBHOOK,
    ipaddressclaim.WEBHOOK,
    extensionconfig.WEBHOOK,
    devcluster.WEBHOOK,
    devclustertemplate.WEBHOOK,
    devmachine.WEBHOOK,
    devmachinetemplate.WEBHOOK,
    devmachinepool.WEBHOOK,
    devmachinepooltemplate.WEBHOOK,
)
"""In the order in which a reader meets the kinds."""

MUTATING_CONFIGURATION: Final = "capelin-mutating-webhook-configuration"
VALIDATING_CONFIGURATION: Final = "capelin-validating-webhook-configuration"

TIMEOUT_SECONDS: Final = 10
"""As long as the standard's. An answer takes milliseconds; a look-up may have to wait for a busy API server."""

_CHANGES_WHAT_IS_JUDGED: Final = " || ".join(
    (
        "request.operation != 'UPDATE'",
        "has(object.spec) != has(oldObject.spec)",
        "(has(object.spec) && object.spec != oldObject.spec)",
        "object.metadata.?labels != oldObject.metadata.?labels",
        "object.metadata.?annotations != oldObject.metadata.?annotations",
    )
)
"""Most writes of controllers change only finalizers and owners, which no rule is about: the API server need not ask."""


def judges(lookups: Lookups, unattended: Collection[str] = ()) -> Mapping[str, Judge]:
    """Return what answers the reviews of all webhooks, by path. `unattended` names what no controller acts on."""
    found: dict[str, Judge] = {}
    for webhook in WEBHOOKS:
        found.update(judging.judges(webhook, lookups, unattended))
    return found


def configurations() -> tuple[Document, Document]:
    """Return the MutatingWebhookConfiguration and the ValidatingWebhookConfiguration, without what depends on the installation: each
    webhook's `clientConfig` is an empty object but for the path, as `clientConfig.service.path`."""
    mutating = [_declared(webhook, "default", judging.mutating_path(webhook)) for webhook in WEBHOOKS if webhook.default is not None]
    validating = [_declared(webhook, "validation", judging.validating_path(webhook)) for webhook in WEBHOOKS]
    return (
        _configuration("MutatingWebhookConfiguration", MUTATING_CONFIGURATION, mutating),
        _configuration("ValidatingWebhookConfiguration", VALIDATING_CONFIGURATION, validating),
    )


def _configuration(kind: str, name: str, webhooks: Iterable[Document]) -> Document:
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": kind,
        "metadata": {"name": name, "labels": {"cluster.x-k8s.io/provider": "cluster-api"}},
        "webhooks": list(webhooks),
    }


def _declared(webhook: AnyWebhook, task: str, path: str) -> Document:
    resource = webhook.resource
    # Defaults cannot depend on a deletion, so mutating webhooks are never asked about one.
    operations = [name for name in webhook.operations if task == "validation" or name != "DELETE"]
    declared: dict[str, Any] = {
        "name": f"{task}.{'scale.' if webhook.scales else ''}{resource.kind.lower()}.{resource.group}",
        "admissionReviewVersions": ["v1"],
        "clientConfig": {"service": {"path": path}},
        "rules": [
            {
                "apiGroups": [resource.group],
                "apiVersions": [resource.version],
                "operations": operations,
                "resources": [f"{resource.plural}/scale" if webhook.scales else resource.plural],
                "scope": "Namespaced" if resource.namespaced else "Cluster",
            }
        ],
        "failurePolicy": "Fail",
        "matchPolicy": "Equivalent",
        "sideEffects": "None",
        "timeoutSeconds": TIMEOUT_SECONDS,
    }
    if not webhook.scales and "UPDATE" in operations:
        declared["matchConditions"] = [{"name": "changes-what-is-judged", "expression": _CHANGES_WHAT_IS_JUDGED}]
    return declared
