"""What is allowed of ExtensionConfigs."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from capelin.api.extensionconfig import ExtensionClient, ExtensionConfig, ExtensionService
from capelin.api.meta import LabelSelector
from capelin.webhooks.extensionconfig import (
    HAS_ONE_ADDRESS,
    NAME_IS_DNS_LABEL,
    SERVICE_IS_REACHABLE,
    URL_ENDS_WITH_PATH,
    URL_IS_HTTPS,
    WEBHOOK,
)
from capelin.webhooks.rules.selectors import SELECTOR_IS_VALID
from tests.buildclasses import extensionconfig
from tests.webhooks.asking import accepted, defaulted, fields, notices, refused
from tests.webhooks.cases import READABLE_SELECTORS, UNREADABLE_SELECTORS

PEM = base64.b64encode(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").decode()


def reached(**client: Any) -> ExtensionConfig:
    config = extensionconfig()
    return config.model_copy(update={"spec": config.spec.model_copy(update={"client_config": ExtensionClient(**client)})})


def behind(**service: Any) -> ExtensionConfig:
    return reached(service=ExtensionService(**({"name": "extension", "namespace": "default"} | service)))


def test_defaults_are_those_of_the_api() -> None:
    config = behind()
    config.spec.namespace_selector = None

    got = defaulted(WEBHOOK, config)

    assert got.spec.client_config.service.port == 443
    assert got.spec.namespace_selector == LabelSelector()


@pytest.mark.parametrize("name", ["extension", "0-extension", "e" * 63])
def test_name_is_dns_label_accepts_labels(name: str) -> None:
    accepted(WEBHOOK, extensionconfig(name, url="https://extension.example.com"))


@pytest.mark.parametrize("name", ["my.extension", "e" * 64])
def test_name_is_dns_label_refuses_dots_and_long_names(name: str) -> None:
    refusals = refused(NAME_IS_DNS_LABEL, WEBHOOK, extensionconfig(name, url="https://extension.example.com"))

    assert fields(refusals) == ["metadata.name"]


def test_has_one_address_accepts_a_url_or_a_service() -> None:
    accepted(WEBHOOK, extensionconfig())
    accepted(WEBHOOK, extensionconfig(url="https://extension.example.com"))


@pytest.mark.parametrize("url", [None, "https://extension.example.com"], ids=["neither", "both"])
def test_has_one_address_refuses_neither_and_both(url: str | None) -> None:
    service = ExtensionService(name="extension", namespace="default") if url else None

    refusals = refused(HAS_ONE_ADDRESS, WEBHOOK, reached(url=url, service=service, ca_bundle=PEM))

    assert fields(refusals) == ["spec.clientConfig"]


@pytest.mark.parametrize("url", ["https://a", "HTTPS://a.example.com:8443/hooks", "https://[::1]:9443/%20x", "https://10.0.0.1/a@b"])
def test_url_is_https_accepts_hosts_with_ports_and_paths(url: str) -> None:
    accepted(WEBHOOK, reached(url=url))


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://extension.example.com", id="without TLS"),
        pytest.param("extension.example.com", id="without a scheme"),
        pytest.param("https:///hooks", id="without a host"),
        pytest.param("https://extension:port", id="a port that is no number"),
        pytest.param("https://extension:99999", id="a port there is not"),
        pytest.param("https://[::1", id="half a bracket"),
        pytest.param("https://extension/a b", id="a blank"),
        pytest.param("https://extension/%zz", id="half an escape"),
        pytest.param("https://exten\nsion", id="a line break"),
        pytest.param("", id="nothing"),
    ],
)
def test_url_is_https_refuses_other_texts(url: str) -> None:
    refusals = refused(URL_IS_HTTPS, WEBHOOK, reached(url=url))

    assert fields(refusals) == ["spec.clientConfig.url"]


def test_url_ends_with_path_accepts_a_path() -> None:
    accepted(WEBHOOK, reached(url="https://extension.example.com/hooks"))


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://extension/hooks?key=1", "a URL with a query"),
        ("https://extension/#hooks", "a URL with a fragment"),
        ("https://me:secret@extension/?a#b", "a URL with a user and a query and a fragment"),
    ],
)
def test_url_ends_with_path_refuses_what_stands_around_it(url: str, found: str) -> None:
    (refusal,) = refused(URL_ENDS_WITH_PATH, WEBHOOK, reached(url=url))

    assert refusal.field == "spec.clientConfig.url"
    assert refusal.found == found


@pytest.mark.parametrize("url", ["http://me:secret@extension", "https://me:secret@extension:port", "https://me:secret@[::1"])
def test_a_password_in_a_url_is_not_told(url: str) -> None:
    (refusal,) = refused(URL_IS_HTTPS, WEBHOOK, reached(url=url))

    assert "secret" not in str(refusal)


@pytest.mark.parametrize("service", [{}, {"port": 1}, {"port": 65535, "path": "/"}, {"path": "/hooks/%20v1"}, {"namespace": "0"}])
def test_service_is_reachable_accepts_what_services_have(service: dict[str, Any]) -> None:
    accepted(WEBHOOK, behind(**service))


@pytest.mark.parametrize(
    ("service", "end"),
    [
        pytest.param({"name": "0-extension"}, "name", id="a digit first"),
        pytest.param({"name": "my.extension"}, "name", id="a dot"),
        pytest.param({"namespace": "Default"}, "namespace", id="a capital"),
        pytest.param({"path": "hooks"}, "path", id="a path that begins nowhere"),
        pytest.param({"path": "/%hooks"}, "path", id="half an escape"),
        pytest.param({"port": 0}, "port", id="no port"),
        pytest.param({"port": 65536}, "port", id="a port there is not"),
    ],
)
def test_service_is_reachable_refuses_what_no_service_has(service: dict[str, Any], end: str) -> None:
    refusals = refused(SERVICE_IS_REACHABLE, WEBHOOK, behind(**service))

    assert fields(refusals) == [f"spec.clientConfig.service.{end}"]


def test_certificates_are_not_warned_of() -> None:
    assert notices(WEBHOOK, extensionconfig(ca_bundle=PEM)) == []


@pytest.mark.parametrize("bundle", ["AAAA", "A", "é"], ids=["something else", "cut off", "no base64"])
def test_a_bundle_without_a_certificate_is_warned_of(bundle: str) -> None:
    (notice,) = notices(WEBHOOK, extensionconfig(ca_bundle=bundle))

    assert notice.startswith("spec.clientConfig.caBundle")


@pytest.mark.parametrize("selector", [*READABLE_SELECTORS, pytest.param(LabelSelector(), id="everything")])
def test_selector_is_valid_accepts_known_operators(selector: LabelSelector) -> None:
    accepted(WEBHOOK, extensionconfig(selector=selector))


@pytest.mark.parametrize(("selector", "end"), UNREADABLE_SELECTORS)
def test_selector_is_valid_refuses_what_matches_no_label(selector: LabelSelector, end: str) -> None:
    refusals = refused(SELECTOR_IS_VALID, WEBHOOK, extensionconfig(selector=selector))

    assert fields(refusals) == [f"spec.namespaceSelector{end}"]
