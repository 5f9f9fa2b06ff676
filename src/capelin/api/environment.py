"""Environment variables of containers."""

from __future__ import annotations

from typing import Annotated, ClassVar

from capelin.api.markers import Default, Shape
from capelin.api.meta import Model
from capelin.api.scalars import Quantity


class KeySelector(Model):
    """One key of a ConfigMap or Secret."""

    shape: ClassVar[Shape] = Shape(atomic=True)

    key: str
    """key is the key to take."""
    name: Annotated[str, Default("")] | None = None
    """name is the name of the object, which is in the same namespace."""
    optional: bool | None = None
    """optional allows the object or the key to be missing."""


class FieldSelector(Model):
    """A field of the Pod itself."""

    shape: ClassVar[Shape] = Shape(atomic=True)

    field_path: str
    """fieldPath is the path of the field, such as metadata.name."""
    api_version: str | None = None
    """apiVersion is the version the path is written for; v1 unless set."""


class FileKeySelector(Model):
    """One key of a file of variables in a volume."""

    shape: ClassVar[Shape] = Shape(atomic=True)

    key: str
    """key is the variable to take from the file."""
    path: str
    """path is the path of the file within the volume."""
    volume_name: str
    """volumeName is the name of the volume."""
    optional: Annotated[bool, Default(False)] | None = None
    """optional allows the file or the variable to be missing."""


class ResourceFieldSelector(Model):
    """A resource limit or request of a container."""

    shape: ClassVar[Shape] = Shape(atomic=True)

    resource: str
    """resource is the resource to take, such as limits.cpu."""
    container_name: str | None = None
    """containerName is the container; the Pod's own unless set."""
    divisor: Quantity | None = None
    """divisor is the unit the value is given in; 1 unless set."""


class EnvVarSource(Model):
    """Where the value of an environment variable comes from."""

    config_map_key_ref: KeySelector | None = None
    """configMapKeyRef takes the value from a ConfigMap."""
    field_ref: FieldSelector | None = None
    """fieldRef takes the value from a field of the Pod."""
    file_key_ref: FileKeySelector | None = None
    """fileKeyRef takes the value from a file of variables in a volume."""
    resource_field_ref: ResourceFieldSelector | None = None
    """resourceFieldRef takes the value from a resource limit or request of a container."""
    secret_key_ref: KeySelector | None = None
    """secretKeyRef takes the value from a Secret."""


class EnvVar(Model):
    """An environment variable of a container."""

    name: str
    """name is the name of the variable."""
    value: str | None = None
    """value is the value; it may refer to other variables as $(NAME)."""
    value_from: EnvVarSource | None = None
    """valueFrom takes the value from somewhere else; not together with value."""
