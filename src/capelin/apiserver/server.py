"""The API server: from a request to its answer.

    who asks (authn) → may they (authz) → what is it about (requests, registry) → the verb's module → bytes

A server is cheap: its catalog and compiled schemas are shared, its background work exists only while there is some, and an idle watch is
one future and one timer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, Final

import structlog

from capelin.apiserver import builtin, reading, statuses, strategy, subresources, verbs, watching
from capelin.apiserver.admission.calling import WebhookCaller
from capelin.apiserver.admission.dispatch import Admission
from capelin.apiserver.admission.questions import Denied
from capelin.apiserver.admission.review import Reviews
from capelin.apiserver.asker import Asker
from capelin.apiserver.authn import Authentication, Authenticator
from capelin.apiserver.authz import Authorizer, Groups, denial
from capelin.apiserver.bodies import check_size, read
from capelin.apiserver.customresources import CustomResourceController
from capelin.apiserver.expiry import Expiry
from capelin.apiserver.gc import GarbageCollector
from capelin.apiserver.metrics import Call, RequestMetrics
from capelin.apiserver.namespaces import NamespaceController
from capelin.apiserver.objects import Objects
from capelin.apiserver.registry import Registry, ResourceDefinition
from capelin.apiserver.requests import STATUS, Attributes, Target, attributes, resolve, write_options
from capelin.apiserver.reviews import Reviewer
from capelin.apiserver.storage.store import MemoryStore, Store
from capelin.apiserver.surface import discovery, openapi
from capelin.apiserver.surface.representation import accepted, reply
from capelin.apiserver.tokens import ServiceAccountTokens
from capelin.apiserver.watching import WatchStream
from capelin.runtime import codec, errors
from capelin.runtime.seams import Clock, Random
from capelin.runtime.transport import Request, Response, User

KUBERNETES_VERSION = "v1.36.0"  # what the API of this server is compared with

ADMISSION_TIMEOUT: Final = timedelta(seconds=34)
"""For all webhooks of one request together, as in Kubernetes: a slow one may take its 30 seconds, many may not take minutes."""

_HEALTH = ("/healthz", "/livez", "/readyz")
_TEXT = {"content-type": "text/plain; charset=utf-8"}
_log: Any = structlog.get_logger(__name__)


class ApiServer:
    """A Kubernetes API server over one store. It is a `Handler`; `start` it before the first request."""

    def __init__(
        self,
        store: Store,
        *,
        clock: Clock,
        random: Random,
        authenticator: Authenticator | None = None,
        authorizer: Authorizer | None = None,
        tokens: ServiceAccountTokens | None = None,
        webhooks: WebhookCaller | None = None,
        version: str = KUBERNETES_VERSION,
    ) -> None:
        """Make a server.

        Args:
            authenticator: who users are; without one, those that the transport vouches for and the service accounts of `tokens`.
            authorizer: what users may do; without one, members of `system:masters` and our own controllers may do everything.
            tokens: issues tokens for service accounts; without it the server has none.
            webhooks: calls admission webhooks; without it their configurations can be stored, and what they must be asked about is refused.
            version: the Kubernetes version it says it is.
        """
        self.store = store
        self.registry = Registry(builtin.catalog())
        self._admission = Admission(store, self.registry, clock=clock, random=random, caller=webhooks)
        self.objects = Objects(store, self.registry, Reviews(self._admission), clock=clock, random=random)
        self.metrics = RequestMetrics()
        self._clock = clock
        self._random = random
        self._authenticator = authenticator or Authentication((tokens,) if tokens else ())
        self._authorizer = authorizer or Groups()
        self._tokens = tokens
        self._version = version
        self._reviewer = Reviewer(self._authenticator, self._authorizer, clock)
        self._custom_resources = CustomResourceController(self.objects, self._end_watches)
        self._collector = GarbageCollector(self.objects)
        self._namespaces = NamespaceController(self.objects)
        self._expiry = Expiry(self.objects)
        self._streams: set[WatchStream] = set()
        self._ready = False

    @classmethod
    def in_memory(cls, *, clock: Clock, random: Random, webhooks: WebhookCaller | None = None) -> ApiServer:
        """Return a server that forgets everything when the process ends."""
        return cls(MemoryStore(), clock=clock, random=random, webhooks=webhooks)

    async def start(self) -> None:
        """Serve what the store holds, and take up the background work that was left."""
        self._custom_resources.start()
        self._admission.start()
        self._collector.start()
        self._expiry.start()
        await self._namespaces.start()
        self._ready = True

    async def stop(self) -> None:
        """End all watches and abandon background work; the next start takes it up again."""
        self._ready = False
        for stream in tuple(self._streams):
            stream.end()
        await self._expiry.stop()
        await self._namespaces.stop()
        await self._collector.stop()
        await self._custom_resources.stop()
        await self._admission.stop()

    async def send(self, request: Request) -> Response:
        """Return the answer to one request; see `Handler`."""
        asked = Attributes(request.method.lower(), path=request.path)
        try:
            asked = attributes(request)
            response = await self._answer(request, asked)
        except errors.ApiError as error:
            response = _refusal(error)
        except Exception as error:  # the outermost frame of a request: a defect must not take the server along
            _log.exception("Answering a request failed", path=request.path, verb=asked.verb)
            response = _refusal(errors.ServerError(f"Internal error occurred: {type(error).__name__}"))
        agent = request.headers.get("user-agent", "").partition("/")[0].partition(" ")[0]
        known = self.registry.find(asked.group, asked.resource) is not None
        resource = (asked.group, asked.resource, asked.subresource) if known else ("", "", "")
        self.metrics.count(Call(asked.verb, *resource, response.status, agent))
        return response

    async def _answer(self, request: Request, asked: Attributes) -> Response:
        check_size(request)
        if request.method in ("GET", "HEAD"):
            response = self._open_to_all(request)
            if response is not None:
                return response
        user = self._permitted(request, asked)
        if asked.resource:
            return await self._resource(request, resolve(self.registry, asked), user)
        if request.method in ("GET", "HEAD"):
            found = discovery.answer(self.registry, request) or openapi.answer(self.registry, request) or self._metrics(request)
            if found is not None:
                return found
        raise statuses.unknown_resource()

    def _open_to_all(self, request: Request) -> Response | None:
        """Return the answer to what anonymous users may ask: health and version."""
        root = "/" + request.path.strip("/").partition("/")[0]
        if root in _HEALTH:
            is_healthy = self._ready or root != "/readyz"
            return Response(200 if is_healthy else 500, _TEXT, b"ok" if is_healthy else b"not ready")
        if request.path == "/version":
            return reply(codec.encode(_version_info(self._version)), accepted(request))
        return None

    def _permitted(self, request: Request, asked: Attributes) -> User:
        """Return who asks.

        Raises:
            Unauthorized: nobody we know.
            Forbidden: somebody who may not.
        """
        user = self._authenticator.authenticate(request)
        if user is None:
            raise errors.Unauthorized("Unauthorized")
        impersonates = any(name.startswith("impersonate-") for name in request.headers)
        if not impersonates and self._authorizer.allows(user, asked):
            return user
        reason = f'User "{user.name}" cannot impersonate: this server does not support it' if impersonates else denial(user, asked)
        definition = self.registry.find(asked.group, asked.resource)
        if definition is not None:
            raise statuses.forbidden(definition, asked.name, reason)
        raise errors.Forbidden(f"forbidden: {reason}")

    async def _resource(self, request: Request, target: Target, user: User) -> Response:
        match "" if target.subresource not in ("", STATUS) else target.verb:
            case "get":
                return reading.get(self.store, target, request, self._clock.now())
            case "list":
                return reading.list_objects(self.store, target, request, self._clock.now())
            case "watch":
                return self._watch(request, target)
        asker = Asker(user, self._clock.monotonic() + ADMISSION_TIMEOUT.total_seconds())
        try:
            response = await self._written(request, target, asker)
        except errors.ApiError as error:
            response = _refusal(error)
        return asker.warned(response)

    async def _written(self, request: Request, target: Target, asker: Asker) -> Response:
        """Return the answer to a write, or to any request for a subresource that is not a part of its object."""
        if not target.definition.stored:
            body = strategy.identified(target, read(request).document)
            asked = await self.objects.reviews.admitted("CREATE", target, write_options(request, asker), body)
            return reply(codec.encode(self._reviewer.answer(target, asked, asker.user)), accepted(request), status=201)
        match target.subresource:
            case "" | "status":
                return await _WRITES[target.verb](self.objects, target, request, asker)
            case "scale":
                return await subresources.scale(self.objects, target, request, asker)
            case "eviction":
                return await subresources.evict(self.objects, target, request, asker)
            case "token":
                return await subresources.issue_token(self.objects, target, request, asker, self._tokens)
            case "finalize":
                return await subresources.finalize(self.objects, target, request, asker)
        raise statuses.unknown_resource()

    def _watch(self, request: Request, target: Target) -> Response:
        response, stream = watching.watch(self.store, target, request, self._clock, self._random)
        self._streams.add(stream)
        self.metrics.watches += 1

        def closed() -> None:
            self._streams.discard(stream)
            self.metrics.watches -= 1

        stream.on_close = closed
        return response

    def _end_watches(self, definition: ResourceDefinition) -> None:
        """End the watches of a resource that is no longer served."""
        for stream in tuple(self._streams):
            if stream.resource == definition.name:
                stream.end()

    def _metrics(self, request: Request) -> Response | None:
        if request.path != "/metrics":
            return None
        objects = {name: self.store.count(name) for name in self.store.resources()}
        text = self.metrics.render(revision=self.store.revision, objects=objects)
        return Response(200, {"content-type": "text/plain; version=0.0.4; charset=utf-8"}, text.encode())


_WRITES: Mapping[str, Callable[[Objects, Target, Request, Asker], Awaitable[Response]]] = {
    "create": verbs.create,
    "update": verbs.update,
    "patch": verbs.patch,
    "delete": verbs.delete_object,
    "deletecollection": verbs.delete_collection,
}


def _refusal(error: errors.ApiError) -> Response:
    headers = {"content-type": "application/json"}
    if error.retry_after is not None:
        headers["retry-after"] = str(max(1, round(error.retry_after.total_seconds())))
    status = error.status if isinstance(error, Denied) else errors.to_status(error)
    return Response(status["code"], headers, codec.encode(status))


def _version_info(version: str) -> dict[str, str]:
    major, minor, *_ = version.lstrip("v").split(".")
    return {
        "major": major,
        "minor": minor,
        "gitVersion": version,
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": "",
        "platform": "",
    }
