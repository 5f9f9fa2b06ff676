"""Subresources that are not a part of their object: scale, eviction, token, finalize."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from capelin.api.meta import LabelSelector, selector_string
from capelin.apiserver import bodies, patches, statuses, strategy
from capelin.apiserver.asker import Asker
from capelin.apiserver.deletion import delete, delete_options
from capelin.apiserver.disruption import check_eviction
from capelin.apiserver.objects import Facade, Objects
from capelin.apiserver.registry import ScalePaths
from capelin.apiserver.replicas import MAX_REPLICAS, at, steps
from capelin.apiserver.requests import Target, write_options
from capelin.apiserver.storage.store import Item
from capelin.apiserver.surface.representation import accepted, as_version, reply
from capelin.apiserver.tokens import ServiceAccountTokens, requested
from capelin.runtime import codec, errors
from capelin.runtime.codec import Document
from capelin.runtime.documents import causes
from capelin.runtime.transport import Request, Response

BUDGETS = "poddisruptionbudgets.policy"

_SCALE_METADATA = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


async def scale(objects: Objects, target: Target, request: Request, asker: Asker) -> Response:
    """Answer a request for the scale subresource: the replicas of any kind, in one form.

    Raises:
        NotFound, Conflict, Invalid, BadRequest: as for the object itself.
    """
    paths = target.version.scale
    if paths is None:
        raise statuses.unknown_resource()
    wanted = accepted(request)
    if target.verb == "get":
        item = objects.store.get(target.definition.name, target.key)
        if item is None:
            raise statuses.not_found(target.definition, target.name)
        return reply(codec.encode(_scale_of(_document(target, item), paths)), wanted)
    facade = Facade(
        lambda document: _scale_of(document, paths),
        lambda document, wanted: _scaled(target, document, paths, wanted),
    )
    transform = partial(_wanted_scale, target, request)
    written = await objects.update(target, transform, write_options(request, asker), facade=facade)
    document = codec.decode_document(as_version(written.data, target.definition, target.version))
    return reply(codec.encode(_scale_of(document, paths)), wanted, warnings=written.warnings)


def _document(target: Target, item: Item) -> Document:
    return codec.decode_document(as_version(item.data, target.definition, target.version))


def _wanted_scale(target: Target, request: Request, present: Document) -> Document:
    if target.verb == "update":
        return _whole_scale(target, bodies.read(request).document)
    builtin = replace(target, definition=replace(target.definition, builtin=True))  # a Scale is built-in, whatever it scales
    media, body = patches.read(builtin, request, strict=False)
    if media == patches.APPLY_PATCH:
        raise errors.UnsupportedMedia("the scale subresource takes JSON, merge and strategic merge patches")
    return patches.transformation(replace(builtin, version=replace(target.version, schema={})), media, body)(present)


def _whole_scale(target: Target, sent: Document) -> Document:
    """Return a Scale that a client sent with the fields that every Scale has."""
    meta = {**(sent.get("metadata") or {}), "namespace": target.namespace} if target.namespace else sent.get("metadata") or {}
    spec, status = ({"replicas": 0, **(sent.get(name) or {})} for name in ("spec", "status"))
    return {**sent, "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": meta, "spec": spec, "status": status}


def _scaled(target: Target, document: Document, paths: ScalePaths, wanted: Document) -> Document:
    replicas = (wanted.get("spec") or {}).get("replicas") or 0
    if not isinstance(replicas, int) or not 0 <= replicas <= MAX_REPLICAS:
        rule = f"must be between 0 and {MAX_REPLICAS}"
        raise statuses.invalid(target.definition, target.name, (causes.invalid(("spec", "replicas"), replicas, rule),))
    meta = dict(document["metadata"])
    for name in ("uid", "resourceVersion"):
        if (wanted.get("metadata") or {}).get(name):
            meta[name] = wanted["metadata"][name]
    return _with(document | {"metadata": meta}, steps(paths.spec_replicas), replicas)


def _scale_of(document: Document, paths: ScalePaths) -> Document:
    meta = document["metadata"]
    status: Document = {"replicas": at(document, steps(paths.status_replicas)) or 0}
    selector = at(document, steps(paths.label_selector)) if paths.label_selector else None
    if isinstance(selector, dict):
        selector = selector_string(LabelSelector.model_validate(selector))
    if selector:
        status["selector"] = selector
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {name: meta[name] for name in _SCALE_METADATA if name in meta},
        "spec": {"replicas": at(document, steps(paths.spec_replicas)) or 0},
        "status": status,
    }


def _with(document: Document, path: list[str], value: Any) -> Document:
    first, *rest = path
    return {**document, first: _with(document.get(first) or {}, rest, value) if rest else value}


async def evict(objects: Objects, target: Target, request: Request, asker: Asker) -> Response:
    """Answer an eviction: the Pod is deleted, if its disruption budget allows.

    Raises:
        TooManyRequests: it does not.
    """
    body = bodies.read(request).document if request.body else {}
    options = delete_options(body.get("deleteOptions") or {}, request.query)
    pod = await objects.current(target.definition, target.key)
    eviction = {**body, "metadata": {**(body.get("metadata") or {}), "name": target.name, "namespace": target.namespace}}
    await objects.reviews.admitted("CREATE", target, write_options(request, asker), eviction)
    check_eviction(
        codec.decode_document(pod.data), _documents(objects, target.definition.name, target), _documents(objects, BUDGETS, target)
    )
    await delete(objects, replace(target, subresource=""), options)
    success = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
    return reply(codec.encode(success), accepted(request), status=201)


def _documents(objects: Objects, resource: str, target: Target) -> list[Document]:
    return [codec.decode_document(item.data) for item in objects.store.items(resource, target.namespace)]


async def issue_token(objects: Objects, target: Target, request: Request, asker: Asker, tokens: ServiceAccountTokens | None) -> Response:
    """Answer a TokenRequest.

    Raises:
        NotFound: the account does not exist, or this server issues no tokens.
    """
    if tokens is None:
        raise statuses.unknown_resource()
    item = await objects.current(target.definition, target.key)
    sent = {"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", **bodies.read(request).document}
    body = await objects.reviews.admitted("CREATE", target, write_options(request, asker), sent)
    lifetime, audiences = requested(body)
    token, expires = tokens.issue(*target.key, item.head.uid, lifetime=lifetime, audiences=audiences)
    status = {"token": token, "expirationTimestamp": strategy.wire_time(expires)}
    meta = {"name": target.name, "namespace": target.namespace, "creationTimestamp": strategy.wire_time(objects.clock.now())}
    answer = {
        "kind": "TokenRequest",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": meta,
        "spec": {**(body.get("spec") or {}), "audiences": audiences, "expirationSeconds": int(lifetime.total_seconds())},
        "status": status,
    }
    return reply(codec.encode(answer), accepted(request), status=201)


async def finalize(objects: Objects, target: Target, request: Request, asker: Asker) -> Response:
    """Answer a call that replaces the finalizers in a Namespace's spec."""
    wanted = strategy.identified(target, bodies.read(request).document)
    item = await objects.current(target.definition, target.key)
    document = codec.decode_document(item.data)
    wanted = await objects.reviews.admitted("UPDATE", target, write_options(request, asker), wanted, document)
    if not await objects.still(target.definition, item):
        raise statuses.conflict(target.definition, target.name)
    if wanted["metadata"].get("resourceVersion") not in (None, "", document["metadata"]["resourceVersion"]):
        raise statuses.conflict(target.definition, target.name)
    finalizers = (wanted.get("spec") or {}).get("finalizers") or []
    changed = {**document, "spec": {**(document.get("spec") or {}), "finalizers": finalizers}}
    if strategy.unchanged(document, changed):
        return reply(item.data, accepted(request))
    return reply(await objects.settle(target.definition, target.key, changed), accepted(request))
