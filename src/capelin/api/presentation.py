"""How a kind's CRD presents it to users: short names, the columns of `kubectl get`, subresources."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Column:
    """A column of `kubectl get`, from a JSON path; `wide` ones show only with `-o wide`."""

    name: str
    path: str
    type: Literal["string", "integer", "boolean", "date"] = "string"
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Presentation:
    """What a CRD says about its kind beside the schema.

    `provider` is the value of the provider label: what a user installs or leaves out as one. It is None for the inventory, which says what
    is installed and so belongs to none of it. `scale_selector` tells whether the scale subresource names a selector of what it scales.
    """

    provider: str | None
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ("cluster-api",)
    columns: tuple[Column, ...] = ()
    status: bool = True
    scale: bool = False
    scale_selector: bool = True


def condition_column(name: str, condition: str = "", *, wide: bool = False) -> Column:
    """Return a column that shows the status of a condition; its type is the column's name unless given."""
    return Column(name, f'.status.conditions[?(@.type=="{condition or name}")].status', wide=wide)


AGE_COLUMN = Column("Age", ".metadata.creationTimestamp", "date")
PAUSED_COLUMN = condition_column("Paused", wide=True)
CLUSTER_COLUMN = Column("Cluster", r".metadata.labels['cluster\.x-k8s\.io/cluster-name']")

REPLICA_COLUMNS = (
    Column("Desired", ".spec.replicas", "integer"),
    Column("Current", ".status.replicas", "integer"),
    Column("Ready", ".status.readyReplicas", "integer"),
    Column("Available", ".status.availableReplicas", "integer"),
    Column("Up-to-date", ".status.upToDateReplicas", "integer"),
)
"""How many Machines are wanted, and how far they are."""
