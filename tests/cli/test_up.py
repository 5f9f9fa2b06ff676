"""`capelin up` with webhooks and without, one run after another on the same data."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from capelin.cli.session import Session
from capelin.runtime import errors
from capelin.runtime.admission.configurations import RESOURCES
from tests import build
from tests.e2e.management import capelin
from tests.integration.realserver import free_ports

pytestmark = [pytest.mark.slow, pytest.mark.gate]


@dataclass(frozen=True)
class Data:
    """A data directory, and what clients find while something runs on it."""

    path: Path

    @contextmanager
    def up(self, *options: str) -> Iterator[None]:
        """Run on it while the body does."""
        (port,) = free_ports(1)
        capelin("up", "--detach", "--port", str(port), *options, data=self.path)
        try:
            yield
        finally:
            capelin("down", data=self.path)

    def configs(self) -> list[dict[str, Any]]:
        """Return how each webhook is reached."""

        async def read() -> list[dict[str, Any]]:
            async with Session.open(self.path / "kubeconfig", None) as session:
                found = [each for resource in RESOURCES.values() for each in await session.client.list(resource)]
                return [webhook["clientConfig"] for each in found for webhook in each.document["webhooks"]]

        return asyncio.run(read())

    def create(self, version: str) -> None:
        """Try to create a Machine of that version, and keep nothing."""

        async def attempt() -> None:
            async with Session.open(self.path / "kubeconfig", None) as session:
                await session.client.create(build.machine(spec={"version": version}), dry_run=True)

        asyncio.run(attempt())


@pytest.fixture
def data(tmp_path: Path) -> Data:
    return Data(tmp_path / "data")


def test_as_soon_as_it_is_up_rules_are_enforced(data: Data) -> None:
    with data.up():
        data.create("v1.34.0")
        with pytest.raises(errors.Invalid):
            data.create("banana")


def test_the_next_run_is_trusted_by_the_same_bundle_wherever_it_answers(data: Data) -> None:
    with data.up():
        first = data.configs()

    with data.up():
        second = data.configs()
        with pytest.raises(errors.Invalid):
            data.create("banana")

    assert {config["caBundle"] for config in first} == {config["caBundle"] for config in second}
    assert len({json.dumps(config["caBundle"]) for config in first}) == 1


@pytest.mark.parametrize("option", ["--server-only", "--no-webhooks"])
def test_a_run_without_webhooks_removes_what_an_earlier_one_has_left(option: str, data: Data) -> None:
    with data.up():
        before = data.configs()

    with data.up(option):
        after = data.configs()
        data.create("banana")

    assert before != []
    assert after == []
