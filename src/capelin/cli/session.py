"""What commands that talk to an API server share: their options, one open connection, and how failures read."""

from __future__ import annotations

import functools
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec, TypeVar

import click

from capelin.cli.directory import DataDirectory, DirectoryError
from capelin.runtime.client import ApiClient, Client
from capelin.runtime.errors import ApiError
from capelin.runtime.kubeconfig import Access, KubeconfigError, default_paths, in_cluster, load
from capelin.runtime.seams import SystemClock, SystemRandom

ATTEMPTS = 2
"""Of a read: a person waits, and would rather be told than kept."""

P = ParamSpec("P")
R = TypeVar("R")

_KUBECONFIG = click.option(
    "--kubeconfig",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Kubeconfig of the management cluster. Default: $KUBECONFIG, else the one that `capelin up` wrote, else ~/.kube/config.",
)
_CONTEXT = click.option("--context", help="Context of the kubeconfig.")
namespace_option = click.option("-n", "--namespace", help="Namespace. Default: that of the context.")


def kubeconfig_options(command: Callable[P, R]) -> Callable[P, R]:
    """Add --kubeconfig and --context."""
    return _KUBECONFIG(_CONTEXT(command))


def reporting(command: Callable[P, R]) -> Callable[P, R]:
    """Turn what a user can do something about into one line on standard error and exit code 1."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except (ApiError, KubeconfigError, DirectoryError, OSError) as error:
            raise click.ClickException(str(error)) from error

    return run


def find_access(kubeconfig: Path | None, context: str | None) -> Access:
    """Return the management cluster that the options and the environment name.

    Raises:
        KubeconfigError: none can be found, or the one that was named cannot be used.
    """
    clock = SystemClock()
    if kubeconfig is not None:
        return load([kubeconfig], clock, context=context or "")
    ours = DataDirectory.default().kubeconfig
    if "KUBECONFIG" not in os.environ and ours.exists():
        return load([ours], clock, context=context or "")
    paths = default_paths(os.environ)
    if "KUBERNETES_SERVICE_HOST" in os.environ and not any(path.exists() for path in paths):
        return in_cluster(os.environ, clock)
    return load(paths, clock, context=context or "")


@dataclass(frozen=True, slots=True)
class Session:
    """A client of the management cluster, and the namespace that is meant when none is named."""

    client: Client
    namespace: str

    @classmethod
    @asynccontextmanager
    async def open(cls, kubeconfig: Path | None, context: str | None) -> AsyncIterator[Session]:
        """Yield a session; its sockets are closed afterwards.

        Raises:
            KubeconfigError: no management cluster can be found.
        """
        access = find_access(kubeconfig, context)
        connection = access.connect(SystemClock(), SystemRandom(), attempts=ATTEMPTS)
        try:
            yield cls(ApiClient(connection), access.namespace)
        finally:
            await connection.close()
