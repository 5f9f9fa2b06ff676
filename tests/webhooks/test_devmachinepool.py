"""What users of DevMachinePools and of their templates are warned of; nothing of them is refused."""

from __future__ import annotations

from typing import Any

import pytest

from capelin.api.devmachinepool import DevMachinePool, DevMachinePoolTemplate
from capelin.webhooks import devmachinepool, devmachinepooltemplate
from tests import buildcontrolplane
from tests.webhooks.asking import findings, notices

POOL, TEMPLATE = devmachinepool.WEBHOOK, devmachinepooltemplate.WEBHOOK


@pytest.mark.parametrize(
    ("webhook", "pool", "field"),
    [
        pytest.param(POOL, buildcontrolplane.devmachinepool(), "spec.backend.docker", id="pool"),
        pytest.param(TEMPLATE, buildcontrolplane.devmachinepooltemplate(), "spec.template.spec.backend.docker", id="template"),
    ],
)
def test_containers_are_warned_of(webhook: Any, pool: Any, field: str) -> None:
    (notice,) = notices(webhook, pool)

    assert notice.startswith(f"{field}: Capelin's provider starts no containers")


def test_what_names_no_backend_is_not_warned_of() -> None:
    assert findings(POOL, DevMachinePool()) == []
    assert findings(TEMPLATE, DevMachinePoolTemplate()) == []
