"""The builtin variables of patches: what a cluster itself tells about the template that is being patched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from capelin.api.classvariables import BUILTIN

_METADATA: Final = ("metadata.labels", "metadata.annotations")
_GROUP: Final = (
    *("", "class", "name", "replicas", "topologyName", "version"),
    *(*_METADATA, "bootstrap.configRef.name", "infrastructureRef.name"),
)

_FIELDS: Final[Mapping[str, Sequence[str]]] = {
    "cluster": (
        *("", "name", "namespace", "uid", *_METADATA),
        *("network", "network.pods", "network.serviceDomain", "network.services"),
        *("topology", "topology.version", "topology.classRef", "topology.classRef.name", "topology.classRef.namespace"),
        *("topology.class", "topology.classNamespace"),  # as v1beta1 calls them
    ),
    "controlPlane": ("", "name", "replicas", "version", *_METADATA, "machineTemplate.infrastructureRef.name"),
    "machineDeployment": _GROUP,
    "machinePool": _GROUP,
}

BUILTIN_VARIABLES: Final = frozenset(".".join(filter(None, (BUILTIN, part, field))) for part, fields in _FIELDS.items() for field in fields)
"""The builtin variables by name, such as `builtin.cluster.name`; an object stands beside its fields."""


_LEAVES: Final = frozenset(name for name in BUILTIN_VARIABLES if not any(other.startswith(f"{name}.") for other in BUILTIN_VARIABLES))


def is_builtin(chain: Sequence[str]) -> bool:
    """Tell whether a chain of fields leads to a builtin variable, towards one, or into one, such as to a single label."""
    name = ".".join(chain)
    return any(f"{known}.".startswith(f"{name}.") for known in BUILTIN_VARIABLES) or any(name.startswith(f"{leaf}.") for leaf in _LEAVES)
