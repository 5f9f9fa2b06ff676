"""How objects name objects of other providers, and what those report in common."""

from __future__ import annotations

from typing import Annotated, ClassVar

from capelin.api.markers import Length, Pattern, Shape
from capelin.api.meta import Model
from capelin.api.scalars import Kind, Subdomain

APIVersion = Annotated[
    str, Length(1, 317), Pattern(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/[a-z]([-a-z0-9]*[a-z0-9])?$")
]
"""An API group and a version of it, as `group/version`."""


class ContractReference(Model):
    """Names an object of another provider by group, kind and name; the version is looked up when it is followed."""

    api_group: Subdomain
    """apiGroup is the API group of the object. The version is looked up when the reference is followed, so an upgrade of the provider
    changes nothing here."""
    kind: Kind
    """kind is the kind of the object."""
    name: Subdomain
    """name is the name of the object, which is in the same namespace."""


class TemplateReference(Model):
    """Names a template, with its version."""

    api_version: APIVersion
    """apiVersion is the API group and version of the template."""
    kind: Kind
    """kind is the kind of the template."""
    name: Subdomain
    """name is the name of the template, which is in the same namespace."""


class Provisioned(Model):
    """Milestone of an infrastructure object; once true it stays true."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    provisioned: bool | None = None
    """provisioned becomes true when the infrastructure is there."""
