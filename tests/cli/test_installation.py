"""What `kubectl apply -k` would install."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from capelin.cli.webhooks import DEFAULT_SERVICE, service_hosts
from capelin.webhooks import catalog
from tests.integration.realserver import assets, missing

pytestmark = [pytest.mark.real, pytest.mark.slow]
CONFIG = Path(__file__).parent.parent.parent / "config"
CONFIGURATIONS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")


def built(folder: Path) -> list[dict[str, Any]]:
    programs = assets()
    if programs is None:
        missing("kubectl is not built (make envtest)")
    command = [str(programs / "kubectl"), "kustomize", str(folder)]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return list(yaml.load_all(text, yaml.CSafeLoader))


def with_component(folder: Path, component: str) -> Path:
    """Return a kustomization of the default installation with a component."""
    kustomization = {
        "resources": [os.path.relpath(CONFIG / "default", folder)],
        "components": [os.path.relpath(CONFIG / "components" / component, folder)],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    return folder


def of(documents: list[dict[str, Any]], kind: str, name: str = "") -> list[dict[str, Any]]:
    return [found for found in documents if found["kind"] == kind and name in ("", found["metadata"]["name"])]


def test_the_service_of_the_webhooks_leads_to_the_port_of_the_manager() -> None:
    documents = built(CONFIG / "default")

    (service,) = of(documents, "Service", DEFAULT_SERVICE.name)
    (manager,) = of(documents, "Deployment")
    template = manager["spec"]["template"]
    ports = {port["name"]: port["containerPort"] for port in template["spec"]["containers"][0]["ports"]}
    assert service["metadata"]["namespace"] == DEFAULT_SERVICE.namespace
    assert service["spec"]["selector"].items() <= template["metadata"]["labels"].items()
    assert service["spec"]["ports"][0]["targetPort"] in ports
    assert f"--webhook-address=0.0.0.0:{ports['webhook']}" in template["spec"]["containers"][0]["args"]


def test_the_manager_may_write_the_configurations_that_are_installed() -> None:
    documents = built(CONFIG / "default")

    (role,) = of(documents, "ClusterRole", "capelin-webhook")
    allowed = {name for rule in role["rules"] for name in rule["resourceNames"]}
    assert allowed == {catalog.MUTATING_CONFIGURATION, catalog.VALIDATING_CONFIGURATION}
    assert allowed == {found["metadata"]["name"] for kind in CONFIGURATIONS for found in of(documents, kind)}


def test_with_cert_manager_it_signs_what_is_shown_and_tells_whom_to_trust(tmp_path: Path) -> None:
    documents = built(with_component(tmp_path, "cert-manager"))

    (certificate,) = of(documents, "Certificate", "capelin-webhook")
    (manager,) = of(documents, "Deployment")
    pod = manager["spec"]["template"]["spec"]
    injected = {
        found["metadata"]["annotations"]["cert-manager.io/inject-ca-from"] for kind in CONFIGURATIONS for found in of(documents, kind)
    }
    assert injected == {f"{certificate['metadata']['namespace']}/{certificate['metadata']['name']}"}
    assert certificate["spec"]["dnsNames"] == list(service_hosts(DEFAULT_SERVICE))
    assert pod["volumes"][0]["secret"]["secretName"] == certificate["spec"]["secretName"]
    assert f"--webhook-certificate-directory={pod['containers'][0]['volumeMounts'][0]['mountPath']}" in pod["containers"][0]["args"]
