"""How objects name objects of other providers, and what those report in common."""

from __future__ import annotations

from typing import Annotated, ClassVar

from capelin.api.markers import Length, Pattern, Shape
from capelin.api.meta import Model
from capelin.api.scalars import Kind, Subdomain


class ContractReference(Model):
    """Names an object of another provider by group, kind and name; the version is looked up when it is followed."""

    api_group: Subdomain
    kind: Kind
    name: Subdomain


class TemplateReference(Model):
    """Names a template, with its version."""

    api_version: Annotated[
        str, Length(1, 317), Pattern(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/[a-z]([-a-z0-9]*[a-z0-9])?$")
    ]
    kind: Kind
    name: Subdomain


class Provisioned(Model):
    """Milestone of an infrastructure object; once true it stays true."""

    shape: ClassVar[Shape] = Shape(min_properties=1)

    provisioned: bool | None = None
