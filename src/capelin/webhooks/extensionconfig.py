"""What is allowed of ExtensionConfigs."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import SplitResult, urlsplit

from capelin.api.defaults import default_extensionconfig
from capelin.api.extensionconfig import ExtensionClient, ExtensionConfig, ExtensionService
from capelin.api.refusals import FORBIDDEN, REQUIRED, Refusal, Rule
from capelin.runtime.documents.names import dns_1035_label, dns_label
from capelin.webhooks.admission import Admission, Finding, Notice, Webhook
from capelin.webhooks.rules.quoting import quoted
from capelin.webhooks.rules.selectors import SELECTOR_IS_VALID, selector_refusals

NAME_IS_DNS_LABEL = Rule("name_is_dns_label", "The name is a DNS label: it becomes a part of the names of the extension's handlers.")
HAS_ONE_ADDRESS = Rule("has_one_address", "An extension is reached at a URL or through a Service, not both.")
URL_IS_HTTPS = Rule("url_is_https", "The URL names a host and the scheme https: what an extension says changes clusters.")
URL_ENDS_WITH_PATH = Rule("url_ends_with_path", "The URL has no user, query or fragment: the paths of hooks are appended to it.")
SERVICE_IS_REACHABLE = Rule("service_is_reachable", "Name, namespace, path and port of the Service are such as Services can have.")

RULES = (
    NAME_IS_DNS_LABEL,
    HAS_ONE_ADDRESS,
    URL_IS_HTTPS,
    URL_ENDS_WITH_PATH,
    SERVICE_IS_REACHABLE,
    SELECTOR_IS_VALID,
)

ExtensionConfigAdmission = Admission[ExtensionConfig, None]

_UNFIT: Final = re.compile(r"[\x00-\x20\x7f]|%(?![0-9A-Fa-f]{2})")
"""Characters no URL has, and percent signs that begin no escape."""

_CERTIFICATE: Final = b"-----BEGIN CERTIFICATE-----"
_DNS_LABEL: Final = "at most 63 lower-case letters, digits and dashes, with a letter or digit at both ends"
_SERVICE_NAME: Final = "at most 63 lower-case letters, digits and dashes, with a letter first and a letter or digit last"
_CLIENT: Final = "spec.clientConfig"


def default(config: ExtensionConfig, request: ExtensionConfigAdmission) -> ExtensionConfig:  # noqa: ARG001 - the shape of a webhook
    """Return the extension with what the standard fills in."""
    return default_extensionconfig(config)


def validate(request: ExtensionConfigAdmission) -> Iterator[Finding]:
    """Yield what is wrong with an ExtensionConfig."""
    config = request.new
    client = config.spec.client_config
    if config.metadata.name and dns_label(config.metadata.name):
        yield NAME_IS_DNS_LABEL.broken("metadata.name", quoted(config.metadata.name), _DNS_LABEL)
    if client.url is None and client.service is None:
        yield HAS_ONE_ADDRESS.broken(_CLIENT, "neither url nor service", "one of them", reason=REQUIRED)
    if client.url is not None and client.service is not None:
        yield HAS_ONE_ADDRESS.broken(_CLIENT, "url and service", "one of them", reason=FORBIDDEN)
    if client.url is not None:
        yield from _url_refusals(f"{_CLIENT}.url", client.url)
    if client.service is not None:
        yield from _service_refusals(f"{_CLIENT}.service", client.service)
    yield from _ca_notices(f"{_CLIENT}.caBundle", client)
    yield from selector_refusals("spec.namespaceSelector", config.spec.namespace_selector)


def _url_refusals(field: str, url: str) -> Iterator[Refusal]:
    parts = _split(url)
    if parts is None or parts.scheme != "https" or not parts.hostname:
        # What cannot be taken apart may have a password anywhere in it.
        found = quoted(url) if parts is not None and "@" not in url else "another text"
        yield URL_IS_HTTPS.broken(field, found, "the URL of a host, beginning with https://")
        return
    named = (("a user", "@" in parts.netloc), ("a query", "?" in url), ("a fragment", "#" in url))
    unwanted = [name for name, there in named if there]
    if unwanted:
        yield URL_ENDS_WITH_PATH.broken(field, f"a URL with {' and '.join(unwanted)}", "one that ends with its path")


def _split(url: str) -> SplitResult | None:
    """Return the parts of a URL; None when it is none."""
    if _UNFIT.search(url):
        return None
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it tells whether it is a number of a port
    except ValueError:
        return None
    return parts


def _service_refusals(field: str, service: ExtensionService) -> Iterator[Refusal]:
    if dns_1035_label(service.name):
        yield SERVICE_IS_REACHABLE.broken(f"{field}.name", quoted(service.name), _SERVICE_NAME)
    if dns_label(service.namespace):
        yield SERVICE_IS_REACHABLE.broken(f"{field}.namespace", quoted(service.namespace), _DNS_LABEL)
    if service.path is not None and (not service.path.startswith("/") or _UNFIT.search(service.path)):
        yield SERVICE_IS_REACHABLE.broken(f"{field}.path", quoted(service.path), "a path of a URL that begins with /")
    if service.port is not None and not 1 <= service.port <= 65535:
        yield SERVICE_IS_REACHABLE.broken(f"{field}.port", str(service.port), "a port from 1 to 65535")


def _ca_notices(field: str, client: ExtensionClient) -> Iterator[Notice]:
    if client.ca_bundle is not None and _CERTIFICATE not in _decoded(client.ca_bundle):
        yield Notice(f"{field} holds no certificate in PEM: no connection to the extension can be made with it")


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except ValueError:
        return b""  # the schema refuses it


WEBHOOK = Webhook(ExtensionConfig, validate, RULES, default)
