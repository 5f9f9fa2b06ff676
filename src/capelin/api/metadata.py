"""Metadata: which releases of a provider follow which contract. Providers publish it as a file; it is seldom stored."""

from __future__ import annotations

from typing import ClassVar

from capelin.api.meta import Model, Object, Resource
from capelin.api.presentation import Presentation
from capelin.api.scalars import Int32


class ReleaseSeries(Model):
    """All releases with the same major and minor version."""

    contract: str | None = None
    """contract is the version of the contract these releases follow, such as v1beta2."""
    major: Int32 | None = None
    """major is the first number of their version."""
    minor: Int32 | None = None
    """minor is the second number of their version."""


class Metadata(Object):
    """Tells which releases of a provider follow which contract."""

    resource: ClassVar = Resource("clusterctl.cluster.x-k8s.io", "v1alpha3", "metadata", "Metadata")
    presentation: ClassVar = Presentation(provider=None, categories=(), status=False)

    release_series: list[ReleaseSeries] | None = None
    """releaseSeries has one entry for each series of releases."""
