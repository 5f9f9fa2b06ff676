"""The configurations that stand in the store, compiled and kept current, and which of their webhooks a request concerns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from capelin.apiserver.admission.calling import Client
from capelin.apiserver.admission.hooks import MUTATING, VALIDATING, Hook, compile_hooks
from capelin.apiserver.registry import Registry
from capelin.apiserver.requests import Target
from capelin.apiserver.storage.store import Event, Store
from capelin.runtime import codec
from capelin.runtime.admission.reviews import Operation

_EXEMPT = frozenset((MUTATING, VALIDATING))
"""Resources that no webhook is asked about: else a broken one could forbid its own removal."""

_Kind = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Invocation:
    """A webhook that may be asked, and the version of the resource it wants to see."""

    hook: Hook
    version: str


@dataclass(frozen=True, slots=True)
class Concerned:
    """The webhooks that a kind of request concerns, in the order of their configurations' names."""

    mutating: tuple[Invocation, ...]
    validating: tuple[Invocation, ...]


class Configurations:
    """All webhooks that are declared."""

    def __init__(self, store: Store, registry: Registry) -> None:
        self._store = store
        self._registry = registry
        self._hooks: dict[str, dict[str, tuple[Hook, ...]]] = {MUTATING: {}, VALIDATING: {}}
        self._found: dict[_Kind, Concerned | None] = {}
        self._found_at = registry.revision

    def load(self) -> None:
        """Take up what is stored."""
        for resource, hooks in self._hooks.items():
            hooks |= {item.key[1]: tuple(compile_hooks(codec.decode_document(item.data))) for item in self._store.items(resource)}

    def observe(self, event: Event) -> bool:
        """Take up a change of the store; return whether it was one of a configuration."""
        hooks = self._hooks.get(event.resource)
        if hooks is None:
            return False
        name = event.item.key[1]
        hooks.pop(name, None)
        if event.type != "DELETED":
            hooks[name] = tuple(compile_hooks(codec.decode_document(event.item.data)))
        self._found.clear()
        return True

    def clients(self) -> frozenset[Client]:
        """Return where all the webhooks are."""
        return frozenset(hook.client for resource in self._hooks for hook in self._ordered(resource))

    def concerned(self, operation: Operation, target: Target) -> Concerned | None:
        """Return the webhooks whose rules match a request; None when there are none, which costs next to nothing to find out."""
        if not self._hooks[MUTATING] and not self._hooks[VALIDATING]:
            return None
        definition = target.definition
        if definition.name in _EXEMPT:
            return None
        if self._found_at != self._registry.revision:  # versions or scopes of custom resources may have changed
            self._found.clear()
            self._found_at = self._registry.revision
        kind = (operation, definition.name, target.version.name, target.subresource)
        if kind not in self._found:
            mutating, validating = (tuple(self._invocations(resource, operation, target)) for resource in (MUTATING, VALIDATING))
            self._found[kind] = Concerned(mutating, validating) if mutating or validating else None
        return self._found[kind]

    def _invocations(self, resource: str, operation: Operation, target: Target) -> Iterator[Invocation]:
        for hook in self._ordered(resource):
            version = hook.version_for(operation, target.definition, target.version, target.subresource)
            if version is not None:
                yield Invocation(hook, version)

    def _ordered(self, resource: str) -> Iterable[Hook]:
        return (hook for _, hooks in sorted(self._hooks[resource].items()) for hook in hooks)
