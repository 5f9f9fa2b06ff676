"""Where API servers find the webhooks, by what the command line says."""

from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from capelin.api.meta import ObjectKey
from capelin.cli.main import main
from capelin.cli.up import WEBHOOK_PORTS
from capelin.cli.webhooks import DEFAULT_SERVICE, Webhooks, chosen
from capelin.cloud.inmemory import ports
from capelin.runtime.admission.configurations import ServiceTarget, UrlTarget

HOOKS = ObjectKey("infra", "hooks")


def webhooks(
    address: tuple[str, int] | None, url: str | None = None, service: ObjectKey | None = None, folder: Path | None = None, **how: Any
) -> Webhooks | None:
    return chosen(address, url, service, folder, "capelin-system", in_cluster=how.get("in_cluster", False))


@pytest.mark.parametrize(
    ("found", "target", "hosts"),
    [
        pytest.param(webhooks(("127.0.0.1", 9443)), UrlTarget("https://127.0.0.1:9443"), ("127.0.0.1",), id="loopback is its own URL"),
        pytest.param(webhooks(("::1", 9443)), UrlTarget("https://[::1]:9443"), ("::1",), id="loopback of IPv6"),
        pytest.param(
            webhooks(("0.0.0.0", 9443), in_cluster=True),
            ServiceTarget(DEFAULT_SERVICE),
            ("capelin-webhook.capelin-system.svc", "capelin-webhook.capelin-system.svc.cluster.local"),
            id="in a Pod the service",
        ),
        pytest.param(
            webhooks(("0.0.0.0", 9443), service=HOOKS),
            ServiceTarget(HOOKS),
            ("hooks.infra.svc", "hooks.infra.svc.cluster.local"),
            id="a service by name",
        ),
        pytest.param(
            webhooks(("0.0.0.0", 9443), url="https://hooks.example.org"),
            UrlTarget("https://hooks.example.org"),
            ("hooks.example.org",),
            id="a URL",
        ),
    ],
)
def test_the_options_say_where_webhooks_are_found(found: Webhooks | None, target: object, hosts: tuple[str, ...]) -> None:
    assert found is not None
    assert (found.target, found.hosts) == (target, hosts)


def test_without_an_address_there_are_no_webhooks() -> None:
    assert webhooks(None, url="https://hooks.example.org") is None


def test_with_a_folder_of_certificates_nothing_is_written(tmp_path: Path) -> None:
    found = webhooks(("0.0.0.0", 9443), folder=tmp_path, in_cluster=True)

    assert found is not None
    assert (found.target, found.folder) == (None, tmp_path)


def test_an_address_that_is_not_loopback_needs_to_say_how_it_is_reached() -> None:
    with pytest.raises(click.UsageError, match="--webhook-url or --webhook-service"):
        webhooks(("0.0.0.0", 9443))


def test_a_url_and_a_service_contradict_each_other() -> None:
    with pytest.raises(click.UsageError, match="found both"):
        webhooks(("0.0.0.0", 9443), url="https://hooks.example.org", service=HOOKS)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["--webhook-url", "http://hooks.example.org"], "allowed is https://host:port", id="no TLS"),
        pytest.param(["--webhook-url", "https://hooks.example.org/path"], "allowed is https://host:port", id="a path"),
        pytest.param(["--webhook-service", "hooks"], "allowed is namespace/name", id="a service without a namespace"),
        pytest.param(["--webhook-address", "here"], "allowed is host:port", id="no address"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_can(arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(main, ["manager", *arguments])

    assert result.exit_code == 2
    assert said in result.output


def test_the_webhooks_of_up_take_no_port_that_a_simulated_cluster_has_stored_and_not_opened_yet() -> None:
    """Both chose from the same ports, and the webhooks chose first: now and then a cluster found its own taken after a restart."""
    assert set(WEBHOOK_PORTS).isdisjoint(ports.RANGE)
