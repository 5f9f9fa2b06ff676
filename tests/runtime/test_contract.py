from __future__ import annotations

from datetime import timedelta

import pytest

from capelin.runtime import errors
from capelin.runtime.contract import REFRESH_AFTER, ContractError, Contracts, contract_version, plural_of
from tests import build
from tests.fakes import FakeClient

GROUP = "infrastructure.example.com"


@pytest.fixture
def client() -> FakeClient:
    return FakeClient()


@pytest.fixture
def contracts(client: FakeClient) -> Contracts:
    return Contracts(client, client.clock)


async def test_a_kind_is_found_by_the_computed_name_of_its_definition(client: FakeClient, contracts: Contracts) -> None:
    client.seed(build.crd(GROUP, "AcmeMachine"))

    got = await contracts.resource(GROUP, "AcmeMachine")

    assert (got.api_version, got.plural, got.kind) == (f"{GROUP}/v1beta2", "acmemachines", "AcmeMachine")


async def test_a_definition_is_read_once_until_the_answer_is_old(client: FakeClient, contracts: Contracts) -> None:
    client.seed(build.crd(GROUP, "AcmeMachine"))
    for _ in range(3):
        await contracts.resource(GROUP, "AcmeMachine")
    reads = client.reads

    await client.clock.advance(REFRESH_AFTER + timedelta(seconds=1))
    await contracts.resource(GROUP, "AcmeMachine")

    assert (reads, client.reads) == (1, 2)


@pytest.mark.parametrize(
    ("labels", "want"),
    [
        pytest.param({"v1beta2": "v1beta1_v1beta2"}, "v1beta2", id="newest version of the contract"),
        pytest.param({"v1beta2": "v1beta2_v1"}, "v1", id="general availability is newer than beta"),
        pytest.param({"v1beta2": "v1alpha9_v1beta1"}, "v1beta1", id="beta is newer than alpha"),
        pytest.param({"v1beta1": "v1beta3", "v1beta2": "v1beta2"}, "v1beta2", id="best contract first"),
        pytest.param({"v1beta1": "v1beta1"}, "v1beta1", id="the older contract"),
        pytest.param({"v1alpha3": "v1alpha3"}, None, id="a contract we do not know"),
        pytest.param({"v1beta2": "latest"}, None, id="no version"),
        pytest.param({}, None, id="no label"),
    ],
)
def test_the_version_comes_from_the_contract_labels(labels: dict[str, str], want: str | None) -> None:
    assert contract_version({f"cluster.x-k8s.io/{contract}": versions for contract, versions in labels.items()}) == want


@pytest.mark.parametrize(
    ("group", "kind"),
    [
        pytest.param("", "Secret", id="core group"),
        pytest.param("apps", "Deployment", id="a group of Kubernetes"),
        pytest.param("cluster.x-k8s.io", "Machine", id="a core kind"),
        pytest.param(GROUP, "Unknown", id="no definition"),
        pytest.param(GROUP, "Unlabelled", id="no contract label"),
    ],
)
async def test_a_kind_that_is_no_providers_is_refused(client: FakeClient, contracts: Contracts, group: str, kind: str) -> None:
    client.seed(build.crd(GROUP, "Unlabelled", contracts={}), build.crd("cluster.x-k8s.io", "Machine"))

    with pytest.raises(ContractError, match=f"found kind {kind} of the group"):
        await contracts.resource(group, kind)


async def test_a_definition_that_could_not_be_read_is_not_a_missing_one(client: FakeClient, contracts: Contracts) -> None:
    client.read_faults["customresourcedefinitions", f"acmemachines.{GROUP}"] = errors.ServerError("down")

    with pytest.raises(errors.ServerError):
        await contracts.resource(GROUP, "AcmeMachine")


async def test_a_refusal_is_not_remembered(client: FakeClient, contracts: Contracts) -> None:
    with pytest.raises(ContractError):
        await contracts.resource(GROUP, "AcmeMachine")
    client.seed(build.crd(GROUP, "AcmeMachine"))

    assert (await contracts.resource(GROUP, "AcmeMachine")).plural == "acmemachines"


@pytest.mark.parametrize(
    ("kind", "want"),
    [
        ("DevMachine", "devmachines"),
        ("IPAddress", "ipaddresses"),
        ("AWSManagedProxy", "awsmanagedproxies"),
        ("OpenStackGateway", "openstackgateways"),
        ("AcmeBox", "acmeboxes"),
    ],
)
def test_plurals_follow_english(kind: str, want: str) -> None:
    assert plural_of(kind) == want
