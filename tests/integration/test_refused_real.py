"""Manifests and servers: ours with `capelin up`, and the real kube-apiserver with `capelin manager` beside it. Those in
`tests/webhooks/refused` get the answers that stand in their first lines; the samples are accepted."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from capelin.api.crds import KINDS
from capelin.api.meta import Unstructured
from capelin.cli.session import Session
from capelin.runtime.client import Client
from capelin.runtime.errors import ApiError
from tests.e2e.management import embedded
from tests.integration.realserver import assets, free_ports, missing, running
from tests.integration.test_webhooks_real import ROOT, Installation, becomes
from tests.webhooks.test_refused import MANIFESTS, expected

pytestmark = [pytest.mark.real, pytest.mark.slow]

RESOURCES = {kind.resource.kind: kind.resource for kind in KINDS}


@pytest.fixture(scope="module")
def embedded_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The kubeconfig of `capelin up`."""
    with embedded(tmp_path_factory.mktemp("embedded"), *free_ports(1)) as management:
        yield management.kubeconfig


@pytest.fixture(scope="module")
def real_server_with_manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The kubeconfig of a kube-apiserver that asks a manager on loopback."""
    programs = assets()
    if programs is None:
        missing("the real server is not built (make envtest)")
    with running(tmp_path_factory.mktemp("refused"), programs) as started:
        installation = Installation(started)
        assert installation.kubectl(f"apply --server-side -k {ROOT / 'config/crd'}").returncode == 0
        assert installation.kubectl("wait crd --all --for=condition=Established --timeout=30s").returncode == 0
        try:
            manager = asyncio.run(installation.start())
            asyncio.run(becomes(lambda: "allowed is a semantic version" in installation.create("bad", "banana").stderr))
            yield started.kubeconfig()
        finally:
            manager.process.kill()
            manager.process.wait()


@pytest.fixture(params=["embedded_server", "real_server_with_manager"])
def kubeconfig(request: pytest.FixtureRequest) -> Path:
    """The kubeconfig of either server."""
    path: Path = request.getfixturevalue(request.param)
    return path


async def answer(client: Client, document: dict[str, Any]) -> list[str]:
    """Return why the server does not create the object."""
    try:
        await client.create(Unstructured(RESOURCES[document["kind"]], document))
    except ApiError as refusal:
        return [f"{cause.field}: {cause.message}" for cause in refusal.causes] or [refusal.message]
    return []


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
async def test_a_server_refuses_the_manifest_as_it_says(path: Path, kubeconfig: Path) -> None:
    first, *others = yaml.safe_load_all(path.read_text())
    async with Session.open(kubeconfig, None) as session:
        there = [await session.client.create(Unstructured(RESOURCES[other["kind"]], other)) for other in others]

        got = await answer(session.client, first)

        for obj in there:
            await session.client.delete(obj.resource, obj.key)

    assert sorted(got) == sorted(expected(path))


NEEDED_BY_OTHERS = ("clusterclass", "clusterctl")
"""Samples that are stored, since others, or later documents of their own, need what is in them."""


def test_a_server_accepts_every_sample(kubeconfig: Path) -> None:
    programs = assets()
    if programs is None:
        missing("kubectl is not built (make envtest)")
    kubectl = [str(programs / "kubectl"), "--kubeconfig", str(kubeconfig)]
    samples = sorted((ROOT / "config" / "samples").glob("*.yaml"))

    told = {}
    for path in samples:
        mode = [] if path.stem in NEEDED_BY_OTHERS else ["--dry-run=server"]
        run = subprocess.run([*kubectl, "apply", *mode, "-f", str(path)], capture_output=True, text=True)
        if run.returncode:
            told[path.name] = run.stderr
    stored = [f"-f={ROOT / 'config' / 'samples' / name}.yaml" for name in NEEDED_BY_OTHERS]
    subprocess.run([*kubectl, "delete", "--ignore-not-found", *stored], check=True)  # what is in a namespace goes with it

    assert told == {}
    assert len(samples) >= 14
