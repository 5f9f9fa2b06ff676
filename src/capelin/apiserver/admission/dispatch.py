"""Asks the webhooks about one act: those that may change the object one after the other, those that only judge it all at once."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import structlog

from capelin.apiserver import statuses
from capelin.apiserver.admission import questions
from capelin.apiserver.admission.acts import Act
from capelin.apiserver.admission.calling import CallFailed, WebhookCaller, posted
from capelin.apiserver.admission.configurations import Concerned, Configurations, Invocation
from capelin.apiserver.admission.hooks import Hook, selects
from capelin.apiserver.admission.questions import Answer
from capelin.apiserver.registry import Registry
from capelin.apiserver.requests import Target
from capelin.apiserver.storage.store import Event, Store
from capelin.runtime import errors
from capelin.runtime.admission.reviews import Operation
from capelin.runtime.codec import Document
from capelin.runtime.deadlines import until, within
from capelin.runtime.documents.causes import quote
from capelin.runtime.documents.celevaluation import RuleError
from capelin.runtime.documents.documents import identical
from capelin.runtime.documents.jsonpatch import json_patch
from capelin.runtime.seams import Clock, Random

AT_ONCE: Final = 16
"""Webhooks that one request asks at the same time; there are rarely more than a handful."""

Reread = Callable[[Document], Document]
"""Returns a document that a webhook has changed as the server would have read it: pruned, with defaults, with the right types."""

_NAMESPACES: Final = "namespaces"
_log: Any = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Question:
    """What one webhook is asked: the objects in the version it wants."""

    invocation: Invocation
    request: Document
    object: Document | None
    old: Document | None


class Admission:
    """Admission of one server. Without a caller it can store configurations, and call nobody."""

    def __init__(self, store: Store, registry: Registry, *, clock: Clock, random: Random, caller: WebhookCaller | None) -> None:
        self._store = store
        self._clock = clock
        self._random = random
        self._caller = caller
        self._configurations = Configurations(store, registry)
        self._closing: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Take up the stored configurations, and follow every change from now on."""
        self._configurations.load()
        self._store.listeners.append(self._observe)

    async def stop(self) -> None:
        """Let go of all webhooks."""
        if self._closing is not None:
            await self._closing
        if self._caller is not None:
            await self._caller.keep(frozenset())

    def concerned(self, operation: Operation, target: Target) -> Concerned | None:
        """Return the webhooks that have to be asked about a request, if its objects are such as they select; None for none."""
        return self._configurations.concerned(operation, target)

    async def mutate(self, concerned: Concerned, act: Act, document: Document | None, old: Document | None, reread: Reread) -> Document:
        """Return the document as the webhooks want it; a deletion has none, and nothing can be changed of it.

        Webhooks that want to be asked again when a later one has changed something are asked once more.

        Raises:
            Denied: a webhook refuses.
            ServerError: a webhook that must be asked cannot be, or its answer is no good.
            Timeout: the webhooks took all the time there is for a request.
        """
        rounds = _Rounds()
        for number in (0, 1):
            for index, invocation in enumerate(concerned.mutating):
                if number and index not in rounds.again:
                    continue
                question = self._question(invocation, act, document, old)
                if question is None:
                    continue
                changed = await self._mutated(question, act, document, reread)
                rounds.asked(index, invocation.hook, changed=changed is not None)
                document = document if changed is None else changed
            if not rounds.again:
                break
        return document or {}

    async def validate(self, concerned: Concerned, act: Act, document: Document | None, old: Document | None) -> None:
        """Return when every webhook allows the act; of several refusals that of the first webhook in order is told.

        Raises:
            Denied: a webhook refuses.
            ServerError: a webhook that must be asked cannot be.
            Timeout: the webhooks took all the time there is for a request.
        """
        found = [self._question(invocation, act, document, old) for invocation in concerned.validating]
        asked = [question for question in found if question is not None]
        turns = asyncio.Semaphore(AT_ONCE)

        async def judged(question: _Question) -> errors.ApiError | None:
            async with turns:
                return await self._judged(question, act)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(judged(question)) for question in asked]
        refusal = next((task.result() for task in tasks if task.result() is not None), None)
        if refusal is not None:
            raise refusal

    async def _judged(self, question: _Question, act: Act) -> errors.ApiError | None:
        try:
            answer = await self._ask(question, act, mutating=False)
        except errors.ApiError as error:
            return error
        return answer.denial if answer is not None else None

    async def _mutated(self, question: _Question, act: Act, document: Document | None, reread: Reread) -> Document | None:
        """Return the document as one webhook changes it; None when it does not."""
        hook = question.invocation.hook
        answer = await self._ask(question, act, mutating=True)
        if answer is None:
            return None
        if answer.denial is not None:
            raise answer.denial
        if not answer.patch:
            return None
        if document is None or question.object is None:
            raise _internal(
                f"admission webhook {quote(hook.name)} attempted to modify the object, which is not supported for this operation"
            )
        try:
            patched = json_patch(question.object, answer.patch)
            if not isinstance(patched, dict):
                raise errors.BadRequest("the patch leaves no object")
            patched = reread({**patched, "apiVersion": document["apiVersion"]} if _is_converted(question, act) else patched)
        except errors.ApiError as error:
            raise _internal(f"the patch of admission webhook {quote(hook.name)} cannot be applied: {error.message}") from error
        return None if identical(patched, document) else patched

    async def _ask(self, question: _Question, act: Act, *, mutating: bool) -> Answer | None:
        """Return a webhook's answer; None when it failed to give one and that may be ignored."""
        hook = question.invocation.hook
        uid = question.request["uid"]
        try:
            body = await self._posted(hook, act, questions.question(hook, question.request, question.object, question.old))
            answer = questions.read(hook, body, uid, mutating=mutating)
        except CallFailed as error:
            message = f"failed calling webhook {quote(hook.name)}: {error}"
            if hook.ignores_failures:
                _log.warning("Ignoring a webhook that failed", webhook=hook.name, error=str(error))
                return None
            raise _internal(message) from error
        act.asker.warn(answer.warnings)
        return answer

    async def _posted(self, hook: Hook, act: Act, body: bytes) -> bytes:
        client, left = hook.client, self._left(act)
        timeout = hook.timeout if left is None else min(hook.timeout, left)
        if self._caller is None:
            raise CallFailed(f"failed to call webhook: {posted(client, timeout, 'this server cannot call webhooks')}")
        try:
            return await within(self._clock, timeout, self._caller.post(client, body, timeout))
        except CallFailed as error:
            raise CallFailed(f"failed to call webhook: {error}") from error
        except TimeoutError as error:
            self._left(act)
            raise CallFailed(f"failed to call webhook: {posted(client, timeout, 'context deadline exceeded')}") from error

    def _left(self, act: Act) -> timedelta | None:
        """Return how much time there is for what is still to be asked; None when there is no end of it.

        Raises:
            Timeout: none; whether a webhook's failures may be ignored does not matter then.
        """
        if math.isinf(act.asker.deadline):
            return None
        left = until(act.asker.deadline, self._clock.monotonic())
        if not left:
            raise statuses.out_of_time()
        return left

    def _question(self, invocation: Invocation, act: Act, document: Document | None, old: Document | None) -> _Question | None:
        """Return what a webhook is to be asked; None when the objects are not such as it selects."""
        hook = invocation.hook
        if not self._selects_namespace(hook, act, document) or not _selects_object(hook, document, old):
            return None
        request = questions.request_of(act, invocation.version, self._random.uid())
        question = _Question(invocation, request, _as_wanted(document, invocation, act), _as_wanted(old, invocation, act))
        return question if _conditions_hold(question, act) else None

    def _selects_namespace(self, hook: Hook, act: Act, document: Document | None) -> bool:
        if hook.namespace_selector is None or not act.namespace:
            return True
        if act.definition.name == _NAMESPACES and document is not None and not act.subresource:
            return selects(hook.namespace_selector, document["metadata"].get("labels"))
        item = self._store.latest(_NAMESPACES, ("", act.namespace))
        if item is None:
            raise errors.NotFound(f'namespaces "{act.namespace}" not found', details={"name": act.namespace, "kind": _NAMESPACES})
        return selects(hook.namespace_selector, item.head.labels)

    def _observe(self, event: Event) -> None:
        if self._configurations.observe(event) and self._caller is not None:
            before, self._closing = self._closing, None
            self._closing = asyncio.ensure_future(self._forget(self._caller, before))

    async def _forget(self, caller: WebhookCaller, before: asyncio.Task[None] | None) -> None:
        """Let go of webhooks that are no longer declared, once that is done for earlier changes."""
        if before is not None:
            await before
        try:
            await caller.keep(self._configurations.clients())
        except OSError as error:
            _log.warning("A connection to a webhook did not close", error=str(error))


class _Rounds:
    """Which webhooks have to be asked again: those that wish to be, and were asked before another changed the object."""

    def __init__(self) -> None:
        self.again: set[int] = set()
        self._asked: set[int] = set()

    def asked(self, index: int, hook: Hook, *, changed: bool) -> None:
        """Note that a webhook was asked."""
        if changed:
            self.again |= self._asked
            self._asked = set()
        if hook.reinvocable:
            self._asked.add(index)


def _selects_object(hook: Hook, document: Document | None, old: Document | None) -> bool:
    if hook.object_selector is None:
        return True
    found = (each for each in (document, old) if each is not None)
    return any(selects(hook.object_selector, (each.get("metadata") or {}).get("labels")) for each in found)


def _is_converted(question: _Question, act: Act) -> bool:
    return question.invocation.version != act.version.name


def _as_wanted(document: Document | None, invocation: Invocation, act: Act) -> Document | None:
    """Return an object in the version that a webhook wants: versions of a resource differ in nothing but their name here."""
    if document is None or invocation.version == act.version.name:
        return document
    return {**document, "apiVersion": act.kind_in(invocation.version).api_version}


def _conditions_hold(question: _Question, act: Act) -> bool:
    """Tell whether all match conditions are true; one that is false decides, whatever others fail.

    Raises:
        Forbidden: a condition cannot be evaluated, and the webhook's failures may not be ignored.
    """
    hook = question.invocation.hook
    if not hook.conditions:
        return True
    variables = {"object": question.object, "oldObject": question.old, "request": question.request, "namespaceObject": None}
    failures: list[str] = []
    for condition in hook.conditions:
        try:
            if not condition.holds(variables):
                return False
        except RuleError as error:
            failures.append(str(error))
    if failures and not hook.ignores_failures:
        told = failures[0] if len(failures) == 1 else f"[{', '.join(failures)}]"
        raise statuses.forbidden(act.definition, act.name, told)
    return not failures


def _internal(message: str) -> errors.ServerError:
    """Return the refusal of an act that could not be judged; its cause is told apart, as Kubernetes does."""
    return errors.ServerError(f"Internal error occurred: {message}", causes=(errors.Cause("", message, ""),))
