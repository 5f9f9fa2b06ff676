"""What the quickstart waits for, and what it says when that does not come."""

from __future__ import annotations

from datetime import timedelta

import click
import pytest

from capelin.cli.quickstart import CLUSTER, until_ready
from capelin.cli.tree import Node
from tests import build
from tests.fakes import FakeClient


async def test_a_cluster_that_does_not_get_ready_in_time_is_shown_line_by_line() -> None:
    client, shown = FakeClient(), list[Node]()
    client.seed(build.cluster(CLUSTER.name))

    with pytest.raises(click.ClickException) as told:
        await until_ready(client, client.clock, timedelta(seconds=-1), shown.append)

    first, heading, cluster, *_ = told.value.message.split("\n")
    assert first.startswith("the cluster is not ready after")
    assert heading.startswith("NAME")
    assert cluster.startswith("Cluster/quickstart")
    assert len(shown) == 1
