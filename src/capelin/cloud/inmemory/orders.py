"""What the cloud is asked for, and what it answers: values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum

from capelin.api.behavior import MachineBehavior
from capelin.api.meta import ObjectKey


@dataclass(frozen=True, slots=True)
class Site:
    """A cluster and where its API is served. `uid` is that of the Cluster, so a new cluster of an old name is another site."""

    uid: str
    cluster: ObjectKey
    host: str
    port: int

    @property
    def endpoint(self) -> str:
        """The endpoint as kubeadm writes it."""
        return f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Startup:
    """How long a step takes: `duration`, and a random part of `jitter` (a fraction of it) more."""

    duration: timedelta = timedelta()
    jitter: float = 0.0


class Stage(Enum):
    """The steps of a machine, in order. The last two are of control-plane machines."""

    VM = "vm"
    NODE = "node"
    ETCD = "etcd"
    API_SERVER = "apiServer"


class State(Enum):
    """How far a step is."""

    STARTING = "starting"  # its time has not passed yet
    FAILED = "failed"  # it was tried; the message says why it failed
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Step:
    """The outcome of one step; the message is for people."""

    state: State
    message: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """A machine that is wanted.

    `uid` identifies it for ever; asking twice gives one machine. `bootstrap` may be left out once the cloud has the machine. `has_joined`
    tells that it became a Node before: it does not need its bootstrap token again, and its time has passed.
    """

    uid: str
    name: str
    provider_id: str
    site: Site
    version: str
    is_control_plane: bool = False
    zone: str = ""
    bootstrap: bytes | None = field(default=None, repr=False)
    startups: Mapping[Stage, Startup] = field(default_factory=dict)
    behavior: MachineBehavior = field(default_factory=MachineBehavior)
    has_joined: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a machine is: its steps up to the first that is not done, and when to look again (None: nothing will change by itself)."""

    steps: Mapping[Stage, Step]
    after: timedelta | None = None
    address: str = ""

    def is_done(self, stage: Stage) -> bool:
        """Tell whether that step is done."""
        step = self.steps.get(stage)
        return step is not None and step.state is State.DONE
