"""What Kubernetes works out in a Pod's spec that no schema default can say."""

from __future__ import annotations

from typing import Any

from capelin.runtime.codec import Document

_CONTAINERS = ("initContainers", "containers")


def completed_pod(document: Document) -> Document:
    """Return the Pod with a pull policy for every image, and with service links unless it says otherwise."""
    spec = document.get("spec")
    if not isinstance(spec, dict):
        return document
    return {**document, "spec": {"enableServiceLinks": True, **_with_pull_policies(spec)}}


def completed_workload(document: Document) -> Document:
    """Return the Deployment, DaemonSet or ReplicaSet with a pull policy for every image of its Pods."""
    template = (document.get("spec") or {}).get("template")
    if not isinstance(template, dict) or not isinstance(template.get("spec"), dict):
        return document
    return {**document, "spec": {**document["spec"], "template": {**template, "spec": _with_pull_policies(template["spec"])}}}


def _with_pull_policies(spec: Document) -> Document:
    found = {name: [_with_pull_policy(container) for container in spec[name]] for name in _CONTAINERS if isinstance(spec.get(name), list)}
    return {**spec, **found}


def _with_pull_policy(container: Any) -> Any:
    if not isinstance(container, dict) or container.get("imagePullPolicy"):
        return container
    return {**container, "imagePullPolicy": "Always" if _is_latest(str(container.get("image") or "")) else "IfNotPresent"}


def _is_latest(image: str) -> bool:
    """Tell whether the image may change under its name: it has neither a digest nor a tag other than `latest`."""
    if "@" in image:
        return False
    _, colon, tag = image.rpartition("/")[2].partition(":")
    return not colon or tag == "latest"
