"""ExtensionConfig: a runtime extension, whose handlers are asked at certain points of a cluster's life."""

from __future__ import annotations

from typing import Annotated, ClassVar

from capelin.api.markers import Enum, Format, Length, MapList, MaxItems, Minimum, Shape
from capelin.api.meta import Conditions, LabelSelector, Model, Object, Resource
from capelin.api.presentation import AGE_COLUMN, PAUSED_COLUMN, Presentation, condition_column
from capelin.api.scalars import Int32
from capelin.api.v1beta1 import DeprecatedConditions

INJECT_CA_FROM_SECRET_ANNOTATION = "runtime.cluster.x-k8s.io/inject-ca-from-secret"  # noqa: S105  # an annotation
"""On an ExtensionConfig: `namespace/name` of the Secret whose `ca.crt` is copied into the client configuration."""

PENDING_HOOKS_ANNOTATION = "runtime.cluster.x-k8s.io/pending-hooks"
"""On a Cluster and its topology's objects: hooks that still have to be called, by name and separated by commas."""

OK_TO_DELETE_ANNOTATION = "runtime.cluster.x-k8s.io/ok-to-delete"
"""On a Cluster: no hook holds its deletion back any more."""

SERVICE_PORT = 443
"""The port of a Service that names none: extensions speak HTTPS."""

# What `status.handlers[].failurePolicy` may say.
FAILURE_POLICY_FAIL = "Fail"
FAILURE_POLICY_IGNORE = "Ignore"

DISCOVERED_CONDITION = "Discovered"
"""Whether the extension has told which handlers it has."""

DISCOVERED_REASON = "Discovered"
"""The handlers are known."""

NOT_DISCOVERED_REASON = "NotDiscovered"
"""The extension could not be asked for its handlers, or its answer is not valid; the message says how."""


class ExtensionService(Model):
    """The Service an extension is reached through."""

    name: Annotated[str, Length(1, 63)]
    """name is the name of the Service."""
    namespace: Annotated[str, Length(1, 63)]
    """namespace is where the Service is."""
    path: Annotated[str, Length(1, 512)] | None = None
    """path is what the paths of hooks are appended to."""
    port: Int32 | None = None
    """port is the Service's port, from 1 to 65535; 443 unless set."""


class ExtensionClient(Model):
    """How to reach an extension: through a Service or at a URL, never both."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    ca_bundle: Annotated[str, Format("byte"), Length(1, 51_200)] | None = None
    """caBundle holds the certificates, in PEM and then base64, that vouch for the extension's certificate; those of the system unless
    set."""
    service: ExtensionService | None = None
    """service names the Service in the management cluster that the extension is reached through."""
    url: Annotated[str, Length(1, 512)] | None = None
    """url is where the extension is reached, beginning with https://; what follows the path, such as a query, is not allowed."""


class ExtensionConfigSpec(Model):
    """Where the extension is, and which clusters it is asked about."""

    client_config: ExtensionClient
    """clientConfig tells how to reach the extension."""
    namespace_selector: LabelSelector | None = None
    """namespaceSelector chooses, by labels of their Namespace, the objects the extension is asked about; all unless set."""
    settings: dict[str, str] | None = None
    """settings are sent with every request; those of the request itself win over them."""


class HookReference(Model):
    """The hook a handler answers, with its version."""

    api_version: Annotated[str, Length(1, 512)]
    """apiVersion is the API group and version of the hook."""
    hook: Annotated[str, Length(1, 256)]
    """hook is the name of the hook, such as BeforeClusterUpgrade."""


class ExtensionHandler(Model):
    """One handler of the extension, as the extension describes it."""

    name: Annotated[str, Length(1, 512)]
    """name identifies the handler: its own name, a dot and the name of the ExtensionConfig."""
    request_hook: HookReference
    """requestHook is the hook the handler answers."""
    failure_policy: Annotated[str, Enum("Ignore", "Fail")] | None = None
    """failurePolicy decides what follows when the handler cannot be reached: Fail stops and tries again, Ignore goes on; Fail unless
    set."""
    timeout_seconds: Annotated[Int32, Minimum(1)] | None = None
    """timeoutSeconds is how long a request may take, at most 30; 10 unless set."""


class ExtensionConfigStatus(Model):
    """What is known about an extension."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    conditions: Conditions | None = None
    """conditions are observations about the extension, one per type. Discovered tells whether its handlers are known."""
    deprecated: DeprecatedConditions | None = None
    """deprecated keeps what v1beta1 reported."""
    handlers: Annotated[list[ExtensionHandler], MaxItems(512), MapList("name")] | None = None
    """handlers are what the extension answered when it was asked what it can do."""


class ExtensionConfig(Object):
    """A runtime extension, whose handlers are asked at certain points of a cluster's life."""

    resource: ClassVar = Resource("runtime.cluster.x-k8s.io", "v1beta2", "extensionconfigs", "ExtensionConfig", namespaced=False)
    presentation: ClassVar = Presentation(
        provider="cluster-api",
        short_names=("ext",),
        columns=(PAUSED_COLUMN, condition_column("Discovered"), AGE_COLUMN),
    )

    spec: ExtensionConfigSpec
    """spec says where the extension is and which clusters it is asked about."""
    status: ExtensionConfigStatus | None = None
    """status reports what is known about the extension; controllers write it."""
