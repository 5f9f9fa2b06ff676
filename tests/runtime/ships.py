"""A kind of our own for tests of the engine, which knows no kind by name."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from capelin.api.meta import Condition, Model, Object, ObjectKey, ObjectMeta, Resource, Unstructured

SHIP = Resource("example.org", "v1", "ships", "Ship")
BOAT = Resource("example.org", "v1", "boats", "Boat")
KEY = ObjectKey("default", "ada")
SOON = datetime(2026, 1, 1, tzinfo=UTC)


class ShipSpec(Model):
    knots: int | None = None
    crew: list[str] | None = None


class ShipStatus(Model):
    observed_generation: int | None = None
    berth: str | None = None
    conditions: list[Condition] | None = None


class Ship(Object):
    resource: ClassVar = SHIP
    spec: ShipSpec = ShipSpec()
    status: ShipStatus = ShipStatus()


def ship(name: str = "ada", namespace: str = "default", *, knots: int = 7, **metadata: Any) -> Ship:
    """Return a Ship at berth a."""
    return Ship(metadata=ObjectMeta(name=name, namespace=namespace, **metadata), spec=ShipSpec(knots=knots), status=ShipStatus(berth="a"))


def boat(name: str, owner: Ship | None = None, **metadata: Any) -> Unstructured:
    """Return a Boat, a kind without a type, that `owner` controls."""
    if owner is not None:
        reference = {"apiVersion": "example.org/v1", "kind": "Ship", "name": owner.key.name, "uid": owner.uid, "controller": True}
        metadata["ownerReferences"] = [reference]
    return Unstructured(BOAT, {"metadata": {"name": name, "namespace": "default", **metadata}})
