"""How simulated clusters and machines misbehave, declared as JSON in one annotation.

The standard's DevCluster and DevMachine know durations and nothing else. Everything beyond is declared in the annotation
`dev.capelin.dev/behavior` of the very object, and can be changed at any time:

    kubectl annotate devmachine worker 'dev.capelin.dev/behavior={"failBootstrap": "disk full"}'

A value that cannot be understood is reported by the condition `BehaviorValid`, which names the place in the JSON, and has no effect.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Final, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from capelin.api.durations import parse_duration
from capelin.api.meta import wire_name

BEHAVIOR_ANNOTATION: Final = "dev.capelin.dev/behavior"
"""On a DevCluster or DevMachine: what goes beyond its spec, as JSON."""

BEHAVIOR_VALID_CONDITION: Final = "BehaviorValid"
"""The annotation can be understood; reported while there is one."""

BEHAVIOR_VALID_REASON: Final = "BehaviorValid"
INVALID_BEHAVIOR_REASON: Final = "InvalidBehavior"

MAX_BEHAVIOR: Final = 64 * 1024
"""Characters of the annotation; hundreds of Pods fit in."""


class BehaviorError(ValueError):
    """The annotation cannot be understood. The message names the place in the JSON, what was found and what is allowed."""


def _duration(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise ValueError(f"found {value!r}, allowed is a duration in quotes, such as 1s, 200ms or 1m30s")
    return parse_duration(value)


Duration = Annotated[timedelta, BeforeValidator(_duration)]
"""A duration, spelled as in `1m30s`."""

_Name = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")]


class _Declared(BaseModel):
    """A part of the annotation: unknown fields are mistakes here, since nobody else defines any."""

    model_config = ConfigDict(alias_generator=wire_name, extra="forbid", strict=True, frozen=True, populate_by_name=True)


class ExtraPod(_Declared):
    """A Pod that runs on the machine's Node."""

    name: _Name
    """name is the name of the Pod."""
    namespace: _Name = "default"
    """namespace is where the Pod is; it must exist in the workload cluster."""
    labels: dict[str, str] = {}
    """labels are the labels of the Pod; disruption budgets select by them."""


class MachineBehavior(_Declared):
    """What a simulated machine does besides starting and running."""

    never_boot: bool = False
    """neverBoot keeps a machine that does not run yet from starting, as a cloud does that has run out of capacity."""
    boot_delay: Duration = timedelta()
    """bootDelay makes the machine start that much later than its spec says."""
    fail_bootstrap: str = ""
    """failBootstrap lets the bootstrap data fail on the machine with this message: it runs and never becomes a Node."""
    die_after: Duration | None = None
    """dieAfter stops the machine that long after it has started; its Node is no longer heard of, and it does not come back."""
    lose_node: bool = False
    """loseNode removes the Node of the running machine and keeps it away; when it is false again the Node registers anew."""
    pods: tuple[ExtraPod, ...] = ()
    """pods are Pods that run on the Node once it is there; each is made once."""


class APIBehavior(_Declared):
    """How the API server of a simulated cluster answers."""

    latency: Duration = timedelta()
    """latency is how much later than it could it answers every request."""
    unreachable: bool = False
    """unreachable closes the endpoint; the cluster itself goes on."""


class ClusterBehavior(_Declared):
    """What a simulated cluster does besides serving its API."""

    api: APIBehavior = APIBehavior()
    """api is how the API server answers."""


B = TypeVar("B", MachineBehavior, ClusterBehavior)


def declared_behavior(kind: type[B], annotations: Mapping[str, str] | None) -> B:
    """Return the behavior that an object's annotations declare; without the annotation, none.

    Raises:
        BehaviorError: the annotation cannot be understood.
    """
    text = (annotations or {}).get(BEHAVIOR_ANNOTATION)
    if text is None:
        return kind()
    if len(text) > MAX_BEHAVIOR:
        raise BehaviorError(f"{BEHAVIOR_ANNOTATION}: found {len(text)} characters, allowed are {MAX_BEHAVIOR}")
    try:
        return kind.model_validate_json(text, by_alias=True, by_name=False)
    except ValidationError as error:
        places = "; ".join(f"{_path(problem['loc'])}: {_complaint(problem['type'], problem['msg'])}" for problem in error.errors())
        raise BehaviorError(f"{BEHAVIOR_ANNOTATION}: {places}") from None


def _path(place: tuple[int | str, ...]) -> str:
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)


def _complaint(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "no such field"
    return message.removeprefix("Value error, ")
