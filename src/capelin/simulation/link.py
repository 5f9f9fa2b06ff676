"""The way from a process to a server: it takes time, and it is where things go wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final, Protocol

from capelin.runtime import codec, errors
from capelin.runtime.seams import Clock
from capelin.runtime.transport import Handler, Request, Response
from capelin.simulation.faults import Call, Fault, Plan
from capelin.simulation.process import Process
from capelin.simulation.seams import Chance

PATIENCE: Final = timedelta(seconds=30)
"""How long a caller waits for an answer before it gives up, as the HTTP client does."""

_QUICKEST, _SLOWEST = 0.0005, 0.02
"""Seconds a request or an answer is under way."""

_VERBS = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


_REFUSALS: Final[Mapping[Fault | None, errors.ApiError]] = {
    Fault.CONFLICT: errors.Conflict("the object has been modified; please apply your changes to the latest version and try again"),
    Fault.THROTTLED: errors.TooManyRequests("too many requests", retry_after=timedelta(seconds=1)),
    Fault.UNAVAILABLE: errors.ServerError("the server is currently unable to handle the request"),
}


class Counter(Protocol):
    """Numbers the calls of a run and takes note of them."""

    def called(self, process: str, server: str, verb: str, resource: str, name: str) -> Call:
        """Return the next call."""

    def told(self, line: str) -> None:
        """Add a line to the story of the run."""


@dataclass(slots=True)
class Link:
    """A `Connection` of one process to one server."""

    process: Process
    server: str
    handler: Handler
    counter: Counter
    plan: Plan
    chance: Chance
    clock: Clock

    async def send(self, request: Request) -> Response:
        """Return the server's answer, if it comes."""
        self.process.check_alive()
        call = self.counter.called(self.process.name, self.server, *_about(request))
        fault = self.plan.fault(call)
        if fault is not None:
            self.counter.told(f"fault at call {call.number} ({call}): {fault.value}")
        if fault in _REFUSALS:
            await self._under_way()
            return _refused(_REFUSALS[fault])
        await self._before(fault, request)
        await self._under_way()
        response = await self.handler.send(request)
        await self._after(fault, request)
        if response.stream is not None:
            return replace(response, stream=self._stream(response.stream))
        return response

    async def close(self) -> None:
        """Nothing is held."""

    async def _before(self, fault: Fault | None, request: Request) -> None:
        match fault:
            case Fault.CRASH_BEFORE:
                self.process.die()
                self.process.check_alive()
            case Fault.LOST_REQUEST:
                await self._waited(PATIENCE)
                raise self._unanswered(request)

    async def _after(self, fault: Fault | None, request: Request) -> None:
        match fault:
            case Fault.CRASH_AFTER_EFFECT:
                self.process.die()
            case Fault.LOST_REPLY:
                await self._waited(PATIENCE)
                raise self._unanswered(request)
            case Fault.SLOW:
                await self._waited(PATIENCE)
        self.process.check_alive()
        await self._under_way()
        if fault is Fault.CRASH_AFTER_REPLY:
            self.process.die()
            self.process.check_alive()

    def _unanswered(self, request: Request) -> errors.ApiError:
        """Return what the caller is told, who cannot know whether it was the request that was lost or the answer."""
        kind = errors.Unreachable if request.method == "GET" else errors.ResultUnknown
        return kind(f"{self.server}: no answer in {PATIENCE.total_seconds():g} s")

    async def _under_way(self) -> None:
        await self._waited(timedelta(seconds=self.chance.between(_QUICKEST, _SLOWEST)))

    async def _waited(self, delay: timedelta) -> None:
        await self.clock.sleep(delay)
        self.process.check_alive()

    async def _stream(self, lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Yield what a watch sends, each line some time later: kinds advance independently, and none as fast as its writers."""
        try:
            async for line in lines:
                await self._under_way()
                yield line
        finally:
            close: Callable[[], Any] | None = getattr(lines, "aclose", None)
            if close is not None:
                await close()


def _refused(error: errors.ApiError) -> Response:
    return Response(error.code, {"content-type": "application/json"}, codec.encode(errors.to_status(error)))


def _about(request: Request) -> tuple[str, str, str]:
    """Return verb, resource (with its subresource) and name that a request is about."""
    parts = request.path.strip("/").split("/")
    parts = parts[2:] if parts[0] == "api" else parts[3:]
    if parts[:1] == ["namespaces"] and len(parts) > 2:
        parts = parts[2:]
    resource, name, subresource = (*parts, "", "", "")[:3]
    verb = _VERBS.get(request.method, request.method.lower())
    if verb == "get" and not name:
        verb = "watch" if request.query.get("watch") in ("true", "1") else "list"
    return verb, f"{resource}/{subresource}" if subresource else resource, name
