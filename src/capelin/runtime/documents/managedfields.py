"""Who owns which fields: the entries of `metadata.managedFields`.

An owner is told from others by its name, its operation and the subresource it writes through; one that updates also by the version it uses
(an applier keeps its fields when it moves to another version).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, NamedTuple

from capelin.runtime.codec import Document
from capelin.runtime.documents import fieldset
from capelin.runtime.documents.causes import quote
from capelin.runtime.documents.fieldset import Fields

Operation = Literal["Apply", "Update"]

UPDATERS_LIMIT: Final = 10
"""Entries of updates an object keeps; the oldest above that are joined, as kube-apiserver does, lest objects grow with every new client."""

ANCIENT_CHANGES: Final = "ancient-changes"


class Manager(NamedTuple):
    """The identity of an owner; `api_version` is empty for appliers."""

    name: str
    operation: Operation
    api_version: str
    subresource: str

    def __str__(self) -> str:
        """The owner as conflicts name it."""
        text = quote(self.name)
        if self.subresource:
            text += f" with subresource {quote(self.subresource)}"
        return f"{text} using {self.api_version}" if self.operation == "Update" else text


@dataclass(frozen=True, slots=True)
class Ownership:
    """The fields of one owner, written as `api_version`.

    `time` is RFC 3339, empty when the owner never changed the object. `entry` is what this was decoded from.
    """

    fields: Fields
    api_version: str
    time: str = ""
    entry: Document | None = None


Owners = dict[Manager, Ownership]


def manager_of(name: str, operation: Operation, api_version: str, subresource: str) -> Manager:
    """Return the identity under which a request writes."""
    return Manager(name or "unknown", operation, api_version if operation == "Update" else "", subresource)


def decode(entries: Iterable[Mapping[str, Any]] | None) -> Owners:
    """Return the owners that the server's own entries name.

    Raises:
        ValueError: an entry is not one the server writes.
    """
    owners: Owners = {}
    for index, entry in enumerate(entries or ()):
        operation, version = entry.get("operation"), entry.get("apiVersion")
        if operation not in ("Apply", "Update"):
            raise ValueError("operation must be `Apply` or `Update`")
        if not version:
            raise ValueError("apiVersion must not be empty")
        if entry.get("fieldsType") != "FieldsV1":
            found = entry.get("fieldsType")
            raise ValueError(
                f"invalid fieldsType {quote(found)} in managed fields entry {index}"
                if found
                else f"missing fieldsType in managed fields entry {index}"
            )
        manager = Manager(entry.get("manager") or "", operation, version if operation == "Update" else "", entry.get("subresource") or "")
        owners[manager] = Ownership(entry.get("fieldsV1") or {}, version, entry.get("time") or "", dict(entry))
    return owners


def decode_foreign(entries: Iterable[Mapping[str, Any]] | None) -> Owners:
    """Return the owners that entries written by a client name.

    Raises:
        ValueError: an entry is malformed.
    """
    owners = decode(entries)
    return {manager: replace(owned, fields=fieldset.normalized(owned.fields), entry=None) for manager, owned in owners.items()}


def encode(owners: Owners) -> list[Document]:
    """Return the entries, appliers first, each operation's oldest first."""
    return [owned.entry or _entry(manager, owned) for manager, owned in sorted(owners.items(), key=_age)]


def _age(item: tuple[Manager, Ownership]) -> tuple[str, str, str, str, str]:
    manager, owned = item
    return manager.operation, owned.time, manager.name, owned.api_version, manager.subresource


def _entry(manager: Manager, owned: Ownership) -> Document:
    entry: Document = {"manager": manager.name, "operation": manager.operation, "apiVersion": owned.api_version}
    if owned.time:
        entry["time"] = owned.time
    entry |= {"fieldsType": "FieldsV1", "fieldsV1": fieldset.ordered(owned.fields)}
    if manager.subresource:
        entry["subresource"] = manager.subresource
    return entry


def capped(owners: Owners) -> Owners:
    """Return the owners with the oldest updates joined into one per version, until no more than the limit remain."""
    updaters = sorted((item for item in owners.items() if item[0].operation == "Update"), key=lambda item: (item[1].time, item[0]))
    surplus = len(updaters) - UPDATERS_LIMIT
    if surplus <= 0:
        return owners
    result = dict(owners)
    first: dict[str, Manager] = {}
    for manager, owned in updaters:
        if surplus <= 0:
            break
        if owned.api_version not in first:
            first[owned.api_version] = manager
            continue
        bucket = Manager(ANCIENT_CHANGES, "Update", owned.api_version, "")
        before = result.get(bucket) or result.pop(first[owned.api_version])
        del result[manager]
        result[bucket] = Ownership(fieldset.union(owned.fields, before.fields), owned.api_version, owned.time)
        surplus -= 1
    return result


def is_reset(metadata: Mapping[str, Any]) -> bool:
    """Tell whether a request asks to forget all owners: with one empty entry. (An empty list may come from clients that know no owners.)"""
    return metadata.get("managedFields") == [{}]


def with_entries(document: Document, entries: list[Document]) -> Document:
    """Return the document with these managed fields (none removes them)."""
    metadata = {name: value for name, value in (document.get("metadata") or {}).items() if name != "managedFields"}
    if entries:
        metadata["managedFields"] = entries
    return {**document, "metadata": metadata}
