"""Scalar types, with their constraints, that several kinds use."""

from __future__ import annotations

from typing import Annotated, Any

from capelin.api.markers import INT_OR_STRING, PRESERVE_UNKNOWN, Format, Length, Minimum, Pattern, Range

_SUBDOMAIN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
_QUANTITY = r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$"

Int32 = Annotated[int, Format("int32")]
Int64 = Annotated[int, Format("int64")]
NonNegative = Annotated[Int32, Minimum(0)]
Port = Annotated[Int32, Range(1, 65535)]

Subdomain = Annotated[str, Length(1, 253), Pattern(_SUBDOMAIN)]
"""A DNS subdomain: the form of most object names and API groups."""

Kind = Annotated[str, Length(1, 63), Pattern(r"^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$")]

ConditionType = Annotated[
    str,
    Length(1, 316),
    Pattern(r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$"),
]

IntOrString = Annotated[int | str, INT_OR_STRING]
"""A number, or a percentage as a string."""

Quantity = Annotated[int | str, INT_OR_STRING, Pattern(_QUANTITY)]
"""An amount of a resource, such as `2`, `500m` or `4Gi`."""

AnyValue = Annotated[Any, PRESERVE_UNKNOWN]
