"""The life of Namespaces: four exist from the start; one that is deleted takes everything in it along, and goes last."""

from __future__ import annotations

from capelin.apiserver import kinds, strategy
from capelin.apiserver.asker import Asker, controller
from capelin.apiserver.background import Background
from capelin.apiserver.deletion import DeleteOptions, delete
from capelin.apiserver.objects import Objects
from capelin.apiserver.registry import ResourceDefinition
from capelin.apiserver.requests import Target, WriteOptions
from capelin.apiserver.storage.store import Event
from capelin.runtime import codec, errors
from capelin.runtime.codec import Document

_USER = controller("namespace-controller")
_OURS = WriteOptions(dry_run=False, field_validation="Ignore", field_manager="capelin-apiserver", force=False)


class NamespaceController:
    """Empties namespaces that are being deleted."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._terminating: set[str] = set()
        self._work: Background[str] = Background(self._empty, objects.clock)

    async def start(self) -> None:
        """Create the namespaces every cluster has, and look after deleted ones."""
        store = self._objects.store
        store.listeners.append(self._observe)
        for name in kinds.FIRST_NAMESPACES:
            if store.latest(kinds.NAMESPACES, ("", name)) is None:
                await self._create(name)
        for item in list(store.items(kinds.NAMESPACES)):
            if item.head.deletion_timestamp is not None:
                self._terminate(item.key[1])

    async def stop(self) -> None:
        """Abandon what is under way."""
        await self._work.stop()

    @property
    def _definition(self) -> ResourceDefinition:
        found = self._objects.registry.find("", kinds.NAMESPACES)
        if found is None:
            raise LookupError("the catalog of this server has no namespaces")
        return found

    async def _create(self, name: str) -> None:
        definition = self._definition
        target = Target("create", definition, definition.storage_version)
        await self._objects.create(target, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}, _OURS)

    def _observe(self, event: Event) -> None:
        if event.resource == kinds.NAMESPACES:
            name = event.item.key[1]
            if event.type == "DELETED":
                self._terminating.discard(name)
            elif b'"deletionTimestamp"' in event.item.data and event.item.head.deletion_timestamp is not None:
                self._terminate(name)
        elif event.type == "DELETED" and event.item.key[0] in self._terminating:
            self._work.add(event.item.key[0])

    def _terminate(self, name: str) -> None:
        if name not in self._terminating:
            self._terminating.add(name)
            self._work.add(name)

    async def _empty(self, namespace: str) -> None:
        """Ask for the deletion of everything in the namespace; let it go when nothing is left."""
        store, registry = self._objects.store, self._objects.registry
        remaining: dict[str, int] = {}
        waiting: dict[str, int] = {}
        refusal: errors.ApiError | None = None
        for resource in store.resources():
            definition = registry.named(resource)
            if definition is None or not definition.namespaced:
                continue
            for item in list(store.items(resource, namespace)):
                if item.head.deletion_timestamp is None:
                    refusal = await self._delete(definition, item.key) or refusal
                for finalizer in item.head.finalizers or ():
                    waiting[finalizer] = waiting.get(finalizer, 0) + 1
            left = store.count(resource, namespace)
            if left:
                remaining[resource] = left
        await self._report(namespace, remaining, waiting)
        if refusal is not None:  # a webhook's, which must not keep the rest alive, and may change its mind
            raise refusal

    async def _delete(self, definition: ResourceDefinition, key: tuple[str, str]) -> errors.ApiError | None:
        """Ask for the deletion of one object; return why that is refused, None when it is not."""
        try:
            await delete(self._objects, Target.stored("delete", definition, key), DeleteOptions("Background", asker=Asker(_USER)))
        except errors.NotFound:
            return None
        except errors.ApiError as error:
            return error
        return None

    async def _report(self, namespace: str, remaining: dict[str, int], waiting: dict[str, int]) -> None:
        definition = self._definition
        document = codec.decode_document(self._objects.latest(definition, ("", namespace)).data)
        if not strategy.is_deleting(document):
            return
        if not remaining:
            finalizers = [name for name in (document.get("spec") or {}).get("finalizers") or [] if name != kinds.KUBERNETES_FINALIZER]
            changed = {**document, "spec": {**(document.get("spec") or {}), "finalizers": finalizers}}
        else:
            status = {**(document.get("status") or {}), "conditions": self._conditions(document, remaining, waiting)}
            changed = {**document, "status": status}
        if not strategy.unchanged(document, changed):
            await self._objects.settle(definition, ("", namespace), changed)

    def _conditions(self, document: Document, remaining: dict[str, int], waiting: dict[str, int]) -> list[Document]:
        resources = ", ".join(f"{name} has {count} resource instances" for name, count in sorted(remaining.items()))
        finalizers = ", ".join(f"{name} in {count} resource instances" for name, count in sorted(waiting.items()))
        wanted = [
            _condition("NamespaceContentRemaining", bool(remaining), "SomeResourcesRemain", f"Some resources are remaining: {resources}"),
            _condition(
                "NamespaceFinalizersRemaining",
                bool(waiting),
                "SomeFinalizersRemain",
                f"Some content in the namespace has finalizers remaining: {finalizers}",
            ),
        ]
        before = {found["type"]: found for found in (document.get("status") or {}).get("conditions") or ()}
        now = strategy.wire_time(self._objects.clock.now())
        for condition in wanted:
            old = before.get(condition["type"])
            same = old is not None and old["status"] == condition["status"]
            condition["lastTransitionTime"] = old["lastTransitionTime"] if old is not None and same else now
        return wanted


def _condition(type_: str, holds: bool, reason: str, message: str) -> Document:
    if holds:
        return {"type": type_, "status": "True", "reason": reason, "message": message}
    return {"type": type_, "status": "False", "reason": "ContentRemoved", "message": "All content successfully removed"}
