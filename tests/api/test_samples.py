"""The samples are valid: an API server with our kinds and webhooks takes every document as it is, and every kind has one."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest
import yaml

from capelin.api.crds import KINDS, crd
from capelin.runtime.documents.manifests import read_manifests
from capelin.webhooks.offline import Verdict, judge

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = sorted((ROOT / "config" / "samples").glob("*.yaml"))


BESIDE = {"topology-cluster.yaml": "clusterclass.yaml"}
"""The sample that another one is about."""


async def verdicts(path: Path) -> list[Verdict]:
    """Return what is said of the documents of a sample, which is judged as a whole, together with the one that it is about."""
    paths = [path, *(path.with_name(other) for name, other in BESIDE.items() if name == path.name)]
    manifests = [manifest for found in paths for manifest in read_manifests(found.read_bytes())]
    return await judge([(manifest.value, manifest.duplicates) for manifest in manifests])


async def test_every_kind_has_a_sample() -> None:
    shown = {verdict.kind for path in SAMPLES for verdict in await verdicts(path)}

    assert {kind.resource.kind for kind in KINDS} - shown == set()


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
async def test_nothing_is_wrong_with_a_sample(path: Path) -> None:
    assert [f"{found.kind} {cause.field}: {cause.message}" for found in await verdicts(path) for cause in found.errors] == []


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
async def test_nobody_is_warned_of_a_sample(path: Path) -> None:
    assert [f"{found.kind}: {warning}" for found in await verdicts(path) for warning in found.warnings] == []


def test_the_sample_ships_inside_the_package() -> None:
    packaged = resources.files("capelin.cli").joinpath("quickstart.yaml").read_text()

    assert packaged == (ROOT / "config" / "samples" / "quickstart.yaml").read_text()


def test_the_kustomization_lists_every_crd() -> None:
    listed = yaml.safe_load((ROOT / "config" / "crd" / "kustomization.yaml").read_text())["resources"]

    want = {f"bases/{document['spec']['group']}_{document['spec']['names']['plural']}.yaml" for document in map(crd, KINDS)}
    assert sorted(listed) == sorted(want)
