"""Serves the resources that stored CustomResourceDefinitions define, and cleans up behind those that are deleted."""

from __future__ import annotations

from collections.abc import Callable

from capelin.apiserver import crds
from capelin.apiserver.background import Background
from capelin.apiserver.deletion import DeleteOptions, delete
from capelin.apiserver.objects import Objects
from capelin.apiserver.registry import ResourceDefinition
from capelin.apiserver.requests import Target
from capelin.apiserver.storage.store import Event
from capelin.runtime import codec, errors


class CustomResourceController:
    """Keeps the registry as the stored definitions say."""

    def __init__(self, objects: Objects, on_removed: Callable[[ResourceDefinition], None]) -> None:
        self._objects = objects
        self._on_removed = on_removed
        self._terminating: set[str] = set()  # names of definitions, which are the names of their resources
        self._work: Background[str] = Background(self._clean_up, objects.clock)

    def start(self) -> None:
        """Serve what is stored, and follow every change from now on."""
        for item in self._objects.store.items(crds.RESOURCE):
            self._serve(item.data)
        self._objects.store.listeners.append(self._observe)

    async def stop(self) -> None:
        """Abandon what is under way."""
        await self._work.stop()

    def _observe(self, event: Event) -> None:
        if event.resource != crds.RESOURCE:
            if event.type == "DELETED" and event.resource in self._terminating:
                self._work.add(event.resource)
        elif event.type == "DELETED":
            self._remove(event.item.key[1])
        else:
            self._serve(event.item.data)

    def _serve(self, data: bytes) -> None:
        crd = codec.decode_document(data)
        name, spec = crd["metadata"]["name"], crd["spec"]
        if not crds.is_established(crd) or self._objects.registry.is_builtin(spec["group"], spec["names"]["plural"]):
            return
        self._objects.registry.put(crds.definition_of(crd))
        if crd["metadata"].get("deletionTimestamp") and crds.CLEANUP_FINALIZER in (crd["metadata"].get("finalizers") or ()):
            self._terminating.add(name)
            self._work.add(name)

    def _remove(self, name: str) -> None:
        self._terminating.discard(name)
        definition = self._objects.registry.named(name)
        if definition is not None and not definition.builtin:
            self._objects.registry.remove(definition.group, definition.plural)
            self._on_removed(definition)

    async def _clean_up(self, name: str) -> None:
        """Ask for the deletion of all objects of the resource; let the definition go when none is left."""
        objects = self._objects
        definition, itself = objects.registry.named(name), objects.registry.named(crds.RESOURCE)
        if definition is None or itself is None:
            return
        for item in list(objects.store.items(name)):
            if item.head.deletion_timestamp is None:
                try:
                    await delete(objects, Target.stored("delete", definition, item.key), DeleteOptions("Background"))
                except errors.NotFound:
                    continue
        if objects.store.count(name):
            return
        crd = codec.decode_document(objects.latest(itself, ("", name)).data)
        finalizers = [finalizer for finalizer in crd["metadata"].get("finalizers") or [] if finalizer != crds.CLEANUP_FINALIZER]
        await objects.settle(itself, ("", name), {**crd, "metadata": {**crd["metadata"], "finalizers": finalizers}})
