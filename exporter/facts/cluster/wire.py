"""What the structs of every API are made of.

Each struct is a partial view of the object on the wire: what is not named here is skipped when the bytes are
decoded. A list or struct that a Go program writes as `null` when it is empty is optional here.
"""

from datetime import datetime
from typing import Annotated, dataclass_transform

import msgspec

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
"""A time with its zone: without one it could not be compared, so such an object is malformed."""


@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class Wire(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """A part of an object as it stands in the API's JSON; field names are camel case there."""


class OwnerReference(Wire):
    kind: str
    name: str
    uid: str = ""


class Metadata(Wire):
    """What every object has. Annotations are left out on purpose: a last-applied one can carry a Secret's data."""

    name: str
    namespace: str = ""
    uid: str = ""
    creation_timestamp: Moment | None = None
    deletion_timestamp: Moment | None = None
    owner_references: tuple[OwnerReference, ...] | None = None


class LabelledMetadata(Metadata):
    labels: dict[str, str] | None = None


class Object(Wire):
    """Anything with metadata."""

    metadata: Metadata

    @property
    def name(self) -> str:
        return self.metadata.name

    @property
    def namespace(self) -> str:
        return self.metadata.namespace

    @property
    def key(self) -> tuple[str, str]:
        """Namespace and name; the namespace is empty for cluster-scoped objects."""
        return self.metadata.namespace, self.metadata.name


class Condition(Wire):
    """A condition of any API: not all of them carry a reason or a transition time."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    last_transition_time: str | None = None


class ObjectReference(Wire):
    kind: str = ""
    namespace: str = ""
    name: str = ""
    uid: str = ""


class LabelSelectorRequirement(Wire):
    key: str
    operator: str
    values: tuple[str, ...] | None = None


class LabelSelector(Wire):
    match_labels: dict[str, str] | None = None
    match_expressions: tuple[LabelSelectorRequirement, ...] | None = None


class ErrorMessage(Wire):
    message: str = ""
    time: Moment | None = None


class TypedReference(Wire):
    kind: str
    name: str
    api_group: str | None = None


class ResourceRequirements(Wire):
    """A container's limits, as quantities: `512Mi`, or a number of bytes."""

    limits: dict[str, str | int | float] | None = None
