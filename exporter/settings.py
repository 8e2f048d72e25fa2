"""Every setting, with its default and its meaning: the one model behind the file, the environment and the flags.

A setting's place in the YAML file gives its other two names: `grace.mover_start` is the environment's
`VOLSYNC_EXPORTER_GRACE__MOVER_START` and the flag `--grace-mover-start`.
"""

import re
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, field_validator

from exporter.durations import duration_of, format_duration, parse_duration
from exporter.quantities import parse_quantity
from exporter.sharding import EVERYTHING, parse_shard


def _to_duration(value: object) -> object:
    if isinstance(value, str):
        return parse_duration(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return duration_of(value, str(value))
    return value


def _to_tuple(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _without_credentials(url: str) -> str:
    """*url* less `user:password@`, which no client of a store reads, so that nothing can show it."""
    url = re.sub(r"(//|^s3:)[^/?#]*@", r"\1", url)
    try:
        urlsplit(url.removeprefix("s3:")).port  # noqa: B018 - reading it checks it
    except ValueError:  # whose words quote what may be a password with a slash in it
        raise ValueError("is no URL: its host and port cannot be read") from None
    return url


Duration = Annotated[
    timedelta,
    BeforeValidator(_to_duration),
    PlainSerializer(lambda duration: format_duration(duration).replace(" ", ""), return_type=str),
    Field(ge=timedelta(0)),
]
Names = Annotated[tuple[str, ...], BeforeValidator(_to_tuple)]
Url = Annotated[str, AfterValidator(_without_credentials)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SecretReading(StrEnum):
    """How the presence of Secrets is learnt."""

    INFERRED = "inferred"
    """From what other objects say of them; no permission on Secrets is needed."""
    METADATA = "metadata"
    """Also from metadata-only lists, which need the `list` permission on Secrets."""


class Selecting(StrEnum):
    """Which PVCs are to be backed up."""

    LABELLED = "labelled"
    """Those that ask for it by a label, and those that a ReplicationSource names."""
    ALL = "all"
    """Every PVC but those that the settings leave out."""


def _is_quantity(text: str) -> str:
    if text:
        parse_quantity(text)
    return text


Quantity = Annotated[str, AfterValidator(_is_quantity)]

_LEAST_RATE = 64 << 10
"""Bytes per second. A store, or a proxy before it, hangs up on a client that reads more slowly."""
_LEAST_PERIOD = timedelta(minutes=30)
"""In shorter ones a repository would be read without end."""


def _is_shard(text: str) -> str:
    if text:
        parse_shard(text)
    return text


ShardText = Annotated[str, AfterValidator(_is_shard)]


class ClaimSettings(_Section):
    """Which PVCs ask for a backup."""

    select: Selecting = Field(
        Selecting.LABELLED,
        description="`labelled`: PVCs that ask for a backup by a label, or that a ReplicationSource names. `all`: "
        "every PVC except those that the settings `exclude_…` leave out.",
    )
    label: str = Field(
        "",
        description="The PVC label that asks for a backup. Empty: `backup`, if a Kyverno policy that generates "
        "backups reads it, and any other label that such a policy matches.",
    )
    opt_out: Names = Field(
        ("false", "no", "none", "never", "off", "disabled", "skip"),
        description="Values of that label that mean no backup (case-insensitive).",
    )
    namespaces: Names = Field((), description="Namespaces to read; empty: all of them.")
    exclude_namespaces: Names = Field((), description="Namespaces to leave out.")
    exclude_storage_classes: Names = Field((), description="With `all`: storage classes whose PVCs are left out.")
    exclude_labels: Names = Field(
        (), description="With `all`: PVCs with any of these labels (`key` or `key=value`) are left out."
    )
    exclude_owners: Names = Field(
        (), description="With `all`: PVCs owned by these kinds are left out, for example `Cluster` for CloudNativePG."
    )
    exclude_smaller_than: Quantity = Field("", description="With `all`: PVCs that request less are left out.")
    exclude_larger_than: Quantity = Field("", description="With `all`: PVCs that request more are left out.")
    shard: ShardText = Field(
        EVERYTHING,
        description="Which share of the namespaces to read, if several exporters share them: `0/3` is the first of "
        "three. Empty: all of them.",
    )
    may_vanish: Names = Field(
        (),
        description="Namespaces whose claims may disappear without an alert, as shell patterns, for example "
        '`pr-*`. For a single claim, use the annotation `volsync-exporter.io/may-vanish: "true"`.',
    )

    def cover(self, namespace: str) -> bool:
        """Whether claims of *namespace* are judged."""
        return self.leave_in(namespace) and self.is_of_shard(namespace)

    def leave_in(self, namespace: str) -> bool:
        """Whether *namespace* is one of those that are looked at, be it by another exporter."""
        return namespace not in self.exclude_namespaces and (not self.namespaces or namespace in self.namespaces)

    def is_of_shard(self, namespace: str) -> bool:
        """Whether *namespace* is left to no other exporter."""
        return not self.shard or parse_shard(self.shard).covers(namespace)


class ChainSettings(_Section):
    """Names in the chain, if they should not be detected from the cluster's objects."""

    policy: str = Field(
        "",
        description="The Kyverno policy that generates the backup's objects, and that must exist. Empty: every "
        "policy that generates such objects, whatever its name.",
    )
    base_secret: str = Field(
        "",
        description="The Secret in each namespace from which the policy copies store credentials. Empty: the "
        "Secret that the policy reads.",
    )
    namespace_label: str = Field(
        "",
        description="The namespace label (`key=value`) for which a namespace gets the base Secret. Empty: the "
        "label by which a ClusterExternalSecret, or the policy, selects namespaces.",
    )
    kyverno_namespace: str = Field("kyverno", description="The namespace of Kyverno's UpdateRequests.")
    longhorn_namespace: str = Field("longhorn-system", description="The namespace of Longhorn's objects.")


class GraceSettings(_Section):
    """How long a thing may take before it counts as broken."""

    generation: Duration = Field(timedelta(minutes=5), description="For a new PVC's generated objects to appear.")
    operator: Duration = Field(
        timedelta(minutes=10),
        description="For VolSync to start a due sync, or to act on a new source.",
    )
    copy_ready: Duration = Field(
        timedelta(minutes=15), description="For the snapshot or clone of a volume to become ready."
    )
    mover_start: Duration = Field(timedelta(minutes=15), description="For a mover pod to start its container.")
    volume_attach: Duration = Field(timedelta(minutes=10), description="For a volume to attach after it was requested.")
    restore: Duration = Field(timedelta(hours=1), description="For a restore to complete.")
    restore_proof: Duration = Field(
        timedelta(0),
        description="The longest time between two proven restores of a claim (`35d`); 0: no proof is required.",
    )
    pause: Duration = Field(timedelta(days=1), description="How long a source may stay paused.")
    bucket: Duration = Field(
        timedelta(minutes=15),
        description="For a snapshot that VolSync reports to appear in the bucket's listing.",
    )
    stale_lock: Duration = Field(
        timedelta(minutes=30),
        description="The age from which a lock counts as stale (restic's own limit is 30 minutes).",
    )
    withdrawn: Duration = Field(
        timedelta(days=7),
        description="How long a repository without a claim is reported as recently withdrawn.",
    )


_LONGEST_READ = timedelta(minutes=30)


class PollSettings(_Section):
    """How often each source is read."""

    cluster: Duration = Field(timedelta(seconds=60), description="The time between two reads of the cluster's objects.")
    bucket: Duration = Field(
        timedelta(minutes=5), description="The time between two short listings of the buckets (snapshots and locks)."
    )
    full_listing: Duration = Field(
        timedelta(hours=24),
        description="The longest time between two measurements of a repository's size.",
    )
    jitter: Duration = Field(timedelta(seconds=10), description="The maximum random delay of a poll.")
    timeout: Duration = Field(timedelta(seconds=30), description="The time limit of a request.")
    keep_facts: Duration = Field(
        timedelta(minutes=10), description="How long the last facts of a failing source are still used."
    )
    page_size: int = Field(500, ge=1, le=5000, description="Objects in one page of a list.")

    def longest(self, interval: timedelta) -> timedelta:
        """How long a read of a source as a whole may take that is read every *interval*, however rarely that is."""
        return min(max(5 * interval, 4 * self.timeout), _LONGEST_READ)


class BucketSettings(_Section):
    """One bucket that holds repositories.

    Credentials come by the AWS SDK's chain. Where *repository_base* stands (as in the base secret's
    `RESTIC_REPOSITORY_BASE`), it gives endpoint, bucket and prefix.
    """

    repository_base: Url = Field("", description="A restic URL: `s3:http://host:port/bucket/prefix/`.")
    endpoint: Url = Field("", description="The S3 endpoint's URL; empty: AWS' own.")
    bucket: str = Field("", description="The bucket's name.")
    prefix: str = Field("", description="The prefix of every repository's path.")
    layout: str = Field(
        "",
        description="A repository's path below the prefix, as a template of `{namespace}`, `{pvc}`, `{source}`. "
        "Empty: inferred from the repositories in the bucket.",
    )
    region: str = Field("", description="The region; empty: from the AWS SDK's configuration.")
    addressing: Literal["path", "virtual", "auto"] = Field("path", description="How the bucket is addressed.")
    ca_file: str = Field("", description="A PEM file of CA certificates to trust for this bucket.")
    profile: str = Field("", description="The AWS profile with this bucket's credentials.")
    capacity_bytes: int = Field(0, ge=0, description="The bucket's capacity; 0: not known.")
    concurrency: int = Field(4, ge=1, le=64, description="The number of concurrent listings.")
    requests_per_second: float = Field(
        0.0,
        ge=0,
        description="The maximum number of requests per second; 0: adapted to the store, starting at 20 and at "
        "most 200.",
    )


class ScrubSettings(_Section):
    """Reading the repositories' objects to check them against their names; no password is needed."""

    enabled: bool = Field(
        default=False,
        description="Whether to read the objects of the repositories and compare them with their names. The access "
        "key then needs `s3:GetObject` too.",
    )
    period: Duration = Field(timedelta(days=30), description="The time in which every pack is read once.")
    small_files: Duration = Field(
        timedelta(days=1),
        ge=timedelta(minutes=5),
        description="The time in which every key, index and snapshot is read once.",
    )
    bytes_per_second: Quantity = Field(
        "8Mi", description="The maximum rate for all buckets together. 8Mi is 20 TiB in 30 days."
    )
    stored_checksums: bool = Field(
        default=True,
        description="If the store keeps an object's SHA-256, read that in place of the object. It shows what was "
        "stored; whether the bytes are still intact is left to the store's own scrubbing.",
    )

    @field_validator("period", "small_files")
    @classmethod
    def _is_long_enough(cls, period: timedelta) -> timedelta:
        if period < _LEAST_PERIOD:
            raise ValueError(f"must be at least {format_duration(_LEAST_PERIOD)}")
        return period

    @field_validator("bytes_per_second")
    @classmethod
    def _is_a_rate(cls, text: str) -> str:
        if not text or parse_quantity(text) < _LEAST_RATE:
            raise ValueError(f"must be at least {_LEAST_RATE >> 10}Ki")
        return text

    @property
    def rate(self) -> float:
        """The ceiling in bytes per second."""
        return float(parse_quantity(self.bytes_per_second))


class WebSettings(_Section):
    """The listener."""

    listen: str = Field(":9978", description="The address to listen on: `HOST:PORT`, or `:PORT` for all addresses.")
    config_file: str = Field(
        "", description="A web configuration file (TLS and basic auth), in the format of Prometheus' exporters."
    )
    runbook_base: str = Field(
        "https://github.com/volsync-exporter/volsync-exporter/blob/main/alerts/runbooks",
        description="The base URL of the runbooks; a cause's page is `<base>/<cause>.md`.",
    )


class Settings(_Section):
    """All of them."""

    claims: ClaimSettings = ClaimSettings()
    chain: ChainSettings = ChainSettings()
    cluster_scoped: bool = Field(
        default=True,
        description="Whether to read cluster-scoped objects (volumes, attachments, policies, the list of "
        "namespaces). Turn this off if the exporter has Roles only: links that need these objects then "
        "do not apply.",
    )
    secrets: SecretReading = Field(
        SecretReading.INFERRED, description="How the exporter finds out whether Secrets exist."
    )
    grace: GraceSettings = GraceSettings()
    poll: PollSettings = PollSettings()
    buckets: tuple[BucketSettings, ...] = Field(
        (), description="The buckets to read; empty: the bucket that the environment names."
    )
    scrub: ScrubSettings = ScrubSettings()
    web: WebSettings = WebSettings()
    sources: Names = Field(
        ("kubernetes", "volsync", "longhorn", "kyverno", "external_secrets"),
        description="Which parts of the cluster to read. Links that need a part that is left out do not apply.",
    )
    log_format: Literal["auto", "json", "text"] = Field(
        "auto", description="`auto`: text on a terminal, otherwise JSON."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least severe level to log."
    )

    @field_validator("sources")
    @classmethod
    def _are_known(cls, sources: tuple[str, ...]) -> tuple[str, ...]:
        known = {"kubernetes", "volsync", "longhorn", "kyverno", "external_secrets"}
        if unknown := sorted(set(sources) - known):
            raise ValueError(f"{', '.join(unknown)} is none of {', '.join(sorted(known))}")
        return sources
