"""The manifests in `refused/` get exactly the answers that stand in their first lines: after the defaults from the schema, else from the
rules, as from an API server to which the objects of the file are sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from capelin.runtime.documents.manifests import read_manifests
from capelin.webhooks.catalog import WEBHOOKS
from capelin.webhooks.offline import judge

MANIFESTS = sorted((Path(__file__).parent / "refused").glob("*.yaml"))
MARK = "# refused: "


def expected(path: Path) -> list[str]:
    """Return what the file says that it is refused for."""
    return [line.removeprefix(MARK) for line in path.read_text().splitlines() if line.startswith(MARK)]


async def answers(path: Path) -> list[str]:
    """Return why the file is refused."""
    manifests = read_manifests(path.read_bytes())
    verdicts = await judge([(manifest.value, manifest.duplicates) for manifest in manifests])
    assert [verdict.skipped for verdict in verdicts] == [""] * len(manifests)
    return [f"{cause.field}: {cause.message}" for verdict in verdicts for cause in verdict.errors]


def test_every_kind_that_has_rules_shows_what_it_refuses() -> None:
    shown = {path.name.split("-")[0] for path in MANIFESTS}
    kinds = {webhook.resource.kind.lower() for webhook in WEBHOOKS if webhook.rules and webhook.scales is None}

    # Those that refuse only changes have nothing to show.
    assert sorted(kinds - shown) == ["clusterresourcesetbinding", "ipaddressclaim"]


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
async def test_a_manifest_is_refused_as_it_says(path: Path) -> None:
    want = expected(path)

    got = await answers(path)

    assert want
    assert got == want
