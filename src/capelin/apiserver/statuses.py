"""Refusals in the words of Kubernetes: clients match on these messages, and people recognise them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from capelin.apiserver.registry import ResourceDefinition
from capelin.runtime import errors
from capelin.runtime.errors import Cause

BEEN_MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


class Timeout(errors.ServerError):
    """The server could not answer in time; asking again may help."""

    code = 504
    reason = "Timeout"


class InsufficientStorage(errors.ServerError):
    """The write could not be made durable; nothing has changed."""

    code = 507
    reason = "InsufficientStorage"


def details(definition: ResourceDefinition, name: str, **more: Any) -> dict[str, Any]:
    """Return the `details` of a Status about one object; empty fields are left out."""
    found = {"name": name, "group": definition.group, "kind": definition.plural, **more}
    return {key: value for key, value in found.items() if value}


def unknown_resource() -> errors.NotFound:
    """Return the refusal of a path that no resource is served under."""
    return errors.NotFound("the server could not find the requested resource")


def not_found(definition: ResourceDefinition, name: str) -> errors.NotFound:
    """Return the refusal of a name that is not there."""
    return errors.NotFound(f'{definition.name} "{name}" not found', details=details(definition, name))


def already_exists(definition: ResourceDefinition, name: str) -> errors.AlreadyExists:
    """Return the refusal of a create whose name is taken."""
    return errors.AlreadyExists(f'{definition.name} "{name}" already exists', details=details(definition, name))


def conflict(definition: ResourceDefinition, name: str, message: str = BEEN_MODIFIED) -> errors.Conflict:
    """Return the refusal of a write that was prepared on another state, or whose precondition fails."""
    return errors.Conflict(f'Operation cannot be fulfilled on {definition.name} "{name}": {message}', details=details(definition, name))


def other_object(definition: ResourceDefinition, name: str, message: str) -> errors.Conflict:
    """Return the refusal of a deletion whose precondition fails; it names the kind, where other conflicts name the resource."""
    kind = f"{definition.kind}.{definition.group}" if definition.group else definition.kind
    found = details(definition, name) | {"kind": definition.kind}
    return errors.Conflict(f'Operation cannot be fulfilled on {kind} "{name}": {message}', details=found)


def forbidden(definition: ResourceDefinition, name: str, message: str, causes: Iterable[Cause] = ()) -> errors.Forbidden:
    """Return the refusal of what this object does not permit, or this user may not."""
    subject = f'{definition.name} "{name}"' if name else definition.name
    return errors.Forbidden(f"{subject} is forbidden: {message}", causes=tuple(causes), details=details(definition, name))


def invalid(definition: ResourceDefinition, name: str, causes: Iterable[Cause]) -> errors.Invalid:
    """Return the refusal of an object that breaks rules; the message lists each with its field."""
    found = tuple(causes)
    kind = f"{definition.kind}.{definition.group}" if definition.group else definition.kind
    listed = [f"{cause.field}: {cause.message}" if cause.field else cause.message for cause in found]
    text = listed[0] if len(listed) == 1 else f"[{', '.join(listed)}]"
    return errors.Invalid(
        f'{kind} "{name}" is invalid: {text}', causes=found, details=details(definition, name) | {"kind": definition.kind}
    )


def unconditional(definition: ResourceDefinition, name: str) -> errors.Invalid:
    """Return the refusal of an update that does not say which state it was made from."""
    cause = Cause("metadata.resourceVersion", "Invalid value: 0: must be specified for an update")
    message = f'{definition.name} "{name}" is invalid: {cause.field}: {cause.message}'
    return errors.Invalid(message, causes=(cause,), details=details(definition, name))


def not_allowed() -> errors.MethodNotAllowed:
    """Return the refusal of a verb the resource does not take."""
    return errors.MethodNotAllowed("the server does not allow this method on the requested resource")


def expired(message: str) -> errors.Gone:
    """Return the refusal of a revision the server no longer knows."""
    return errors.Gone(message)


def too_large_revision(asked: int, current: int) -> Timeout:
    """Return the refusal of a read that must not be older than a revision this server has not reached."""
    return Timeout(
        f"Too large resource version: {asked}, current: {current}",
        causes=(Cause("", "Too large resource version", "ResourceVersionTooLarge"),),
        retry_after=timedelta(seconds=1),
    )


def out_of_time() -> Timeout:
    """Return the refusal of a request whose webhooks took all the time there is for one."""
    return Timeout("Timeout: request did not complete within requested timeout - context deadline exceeded")


def success(definition: ResourceDefinition, name: str, uid: str) -> dict[str, Any]:
    """Return the Status that answers a completed deletion."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": details(definition, name, uid=uid),
    }
