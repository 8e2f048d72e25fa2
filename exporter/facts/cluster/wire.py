"""What the structs of every API are made of.

Each struct is a partial view of the object on the wire: what is not named here is skipped when the bytes are
decoded. A list or struct that a Go program writes as `null` when it is empty is optional here. Every string and every
list has a greatest length, which the decoder looks after: an object may be as large as etcd allows, and what is kept of
it is not.
"""

from datetime import datetime
from typing import Annotated, TypeVar, dataclass_transform

import msgspec

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
"""A time with its zone: without one it could not be compared, so such an object is malformed."""

LONGEST_NAME = 253
"""Kubernetes admits no longer one (RFC 1123 subdomain, apimachinery `validation.IsDNS1123Subdomain`)."""
Name = Annotated[str, msgspec.Meta(max_length=LONGEST_NAME)]
"""A name that objects are joined by: a longer one names nothing, so such an object is malformed."""
LONGEST_TEXT = 4096
Text = Annotated[str, msgspec.Meta(max_length=LONGEST_TEXT)]
"""Anything else that somebody wrote; of a longer one the ends are kept."""
LONGEST_KEY = 317
"""Of a label: a prefix of 253 and a name of 63 characters at the most."""
_MOST_LABELS = msgspec.Meta(max_length=100)
_LabelValue = Annotated[str, msgspec.Meta(max_length=63)]
Labels = Annotated[dict[Annotated[str, msgspec.Meta(max_length=LONGEST_KEY)], _LabelValue], _MOST_LABELS]
T = TypeVar("T")
Items = Annotated[tuple[T, ...], msgspec.Meta(max_length=1000)]
"""A list in an object: a longer one makes the object malformed."""
Many = Annotated[tuple[T, ...], msgspec.Meta(max_length=20_000)]
"""A list of all namespaces, or of all PVCs, that an object is about."""
_MOST_OWNERS = msgspec.Meta(max_length=100)


@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class Wire(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """A part of an object as it stands in the API's JSON; field names are camel case there."""


class OwnerReference(Wire):
    kind: Name
    name: Name
    uid: Name = ""


class Metadata(Wire):
    """What every object has. Annotations are left out on purpose: a last-applied one can carry a Secret's data."""

    name: Name
    namespace: Name = ""
    uid: Name = ""
    creation_timestamp: Moment | None = None
    deletion_timestamp: Moment | None = None
    owner_references: Annotated[tuple[OwnerReference, ...], _MOST_OWNERS] | None = None


class LabelledMetadata(Metadata):
    """Thousands of objects have labels of a few keys: msgspec makes one text of equal keys that have no constraint.

    That is 10 MiB of 10,000 claims and their objects. So the keys' length is looked after here.
    """

    labels: Annotated[dict[str, _LabelValue], _MOST_LABELS] | None = None

    def __post_init__(self) -> None:
        if self.labels and max(map(len, self.labels)) > LONGEST_KEY:
            raise ValueError(f"a label's key is longer than {LONGEST_KEY} characters")


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

    @property
    def home(self) -> str:
        """The namespace that it belongs to, be it its own or that of what it serves; empty: to none alone."""
        return self.metadata.namespace


class Condition(Wire):
    """A condition of any API: not all of them carry a reason or a transition time."""

    type: Text
    status: Text
    reason: Text = ""
    message: Text = ""
    last_transition_time: Text | None = None


class ObjectReference(Wire):
    kind: Name = ""
    namespace: Name = ""
    name: Name = ""
    uid: Name = ""


class LabelSelectorRequirement(Wire):
    key: Text
    operator: Text
    values: Items[Text] | None = None


class LabelSelector(Wire):
    match_labels: Labels | None = None
    match_expressions: Items[LabelSelectorRequirement] | None = None


class ErrorMessage(Wire):
    message: Text = ""
    time: Moment | None = None


class TypedReference(Wire):
    kind: Name
    name: Name
    api_group: Name | None = None


class ResourceRequirements(Wire):
    """A container's limits, as quantities: `512Mi`, or a number of bytes."""

    limits: Annotated[dict[Name, Text | int | float], msgspec.Meta(max_length=100)] | None = None
