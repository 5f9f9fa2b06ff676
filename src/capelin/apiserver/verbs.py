"""Writing verbs: from a request to the objects and back to an answer."""

from __future__ import annotations

from dataclasses import replace

from capelin.apiserver import bodies, patches, selectors, statuses
from capelin.apiserver.asker import Asker
from capelin.apiserver.deletion import Deleted, DeleteOptions, delete, delete_options
from capelin.apiserver.objects import Objects, Written
from capelin.apiserver.reading import Form, form
from capelin.apiserver.requests import Target, write_options
from capelin.apiserver.surface.representation import reply
from capelin.runtime import codec, errors
from capelin.runtime.transport import Request, Response


def _answer(shown: Form, written: Written) -> Response:
    warning = shown.target.version.deprecation_warning
    warnings = (*((warning,) if warning else ()), *written.warnings)
    return reply(shown.data(written.data), shown.wanted, status=201 if written.created else 200, warnings=warnings)


async def create(objects: Objects, target: Target, request: Request, asker: Asker) -> Response:
    """Answer a create; see `Objects.create`."""
    shown, options = form(target, request, objects.clock.now()), write_options(request, asker)
    body = bodies.read(request, strict=options.field_validation != "Ignore")
    return _answer(shown, await objects.create(target, body.document, options, body.duplicates))


async def update(objects: Objects, target: Target, request: Request, asker: Asker) -> Response:
    """Answer an update; see `Objects.update`."""
    shown, options = form(target, request, objects.clock.now()), write_options(request, asker)
    body = bodies.read(request, strict=options.field_validation != "Ignore")
    document = body.document
    return _answer(shown, await objects.update(target, lambda _stored: document, options, body.duplicates))


async def patch(objects: Objects, target: Target, request: Request, asker: Asker) -> Response:
    """Answer a patch; see `Objects.update` and, for server-side apply, `Objects.apply`."""
    shown, options = form(target, request, objects.clock.now()), write_options(request, asker)
    media, body = patches.read(target, request, strict=options.field_validation != "Ignore")
    if media != patches.APPLY_PATCH:
        if options.force:
            raise errors.Invalid('PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch')
        transform = patches.transformation(target, media, body)
        return _answer(shown, await objects.update(target, transform, options, body.duplicates))
    if not request.query.get("fieldManager"):
        raise errors.Invalid('PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch')
    return _answer(shown, await objects.apply(target, body.document, options, body.duplicates))


def _options(request: Request, asker: Asker) -> DeleteOptions:
    return delete_options(bodies.read(request).document if request.body.strip() else {}, request.query, asker)


async def delete_object(objects: Objects, target: Target, request: Request, asker: Asker) -> Response:
    """Answer a deletion with the object that is being deleted, or with a Status once it is gone."""
    shown, options = form(target, request, objects.clock.now()), _options(request, asker)
    found = await delete(objects, target, options)
    if not found.gone:
        waits = options.body.get("orphanDependents") is False or request.query.get("orphanDependents") == "false"
        return reply(shown.data(found.data), shown.wanted, status=202 if waits else 200)
    uid = codec.decode_document(found.data)["metadata"]["uid"]
    return reply(codec.encode(statuses.success(target.definition, target.name, uid)), shown.wanted)


async def delete_collection(objects: Objects, target: Target, request: Request, asker: Asker) -> Response:
    """Answer the deletion of all selected objects with the list of them."""
    selector = selectors.parse(target.version, request.query.get("labelSelector", ""), request.query.get("fieldSelector", ""))
    shown, options = form(target, request, objects.clock.now()), _options(request, asker)
    options = replace(options, collective=True)
    keys = [item.key for item in objects.store.items(target.definition.name, target.namespace) if selector.matches(item)]
    deleted: list[Deleted] = []
    for key in keys:
        try:
            deleted.append(await delete(objects, replace(target, namespace=key[0], name=key[1]), options))
        except errors.NotFound:
            continue  # somebody was faster
    metadata = {"resourceVersion": str(objects.store.revision)}
    return reply(shown.list((found.data for found in deleted), metadata), shown.wanted)
