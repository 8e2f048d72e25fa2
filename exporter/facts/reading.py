"""Where facts come from, and what came of reading them."""

from enum import StrEnum


class Source(StrEnum):
    """Where facts come from. Each is read, dated and reported by itself."""

    KUBERNETES = "kubernetes"
    VOLSYNC = "volsync"
    LONGHORN = "longhorn"
    KYVERNO = "kyverno"
    EXTERNAL_SECRETS = "external_secrets"
    SECRETS = "secrets"
    S3 = "s3"
    """The buckets' listings."""
    SCRUB = "scrub"
    """The bytes of the repositories' objects; read only where the settings ask for it."""

    @property
    def is_of_cluster(self) -> bool:
        """Whether it is the API server that is read, and not a store."""
        return self not in (Source.S3, Source.SCRUB)


class Reading(StrEnum):
    """What came of reading a list."""

    READ = "read"
    NOT_SERVED = "not_served"
    """It is not there to be read (the API is not installed, the part is switched off): its link does not apply."""
    UNREADABLE = "unreadable"
    """It is there, or may be, and could not be read: what depends on it is unknown."""
    PENDING = "pending"
    """It was not read yet."""


class Reason(StrEnum):
    """Why a read failed or an answer is not believed: the closed set behind every `reason` label."""

    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    TLS = "tls"
    THROTTLED = "throttled"
    NOT_ACCEPTABLE = "not_acceptable"
    SERVER_ERROR = "server_error"
    EXPIRED = "expired"
    MALFORMED_ANSWER = "malformed_answer"
    MALFORMED_OBJECT = "malformed_object"
    TOO_LARGE = "too_large"
    STALE = "stale"
    # S3
    NO_CREDENTIALS = "no_credentials"
    WRONG_KEY = "wrong_key"
    EXPIRED_KEY = "expired_key"
    CLOCK_SKEW = "clock_skew"
    NO_SUCH_BUCKET = "no_such_bucket"
    NO_TOKEN = "no_token"
    REPEATED_TOKEN = "repeated_token"
    ENDLESS_LISTING = "endless_listing"
    KEY_COUNT = "key_count"
    INCLUSIVE_START_AFTER = "inclusive_start_after"
    GHOST_PREFIX = "ghost_prefix"
    CONTRADICTED = "contradicted"
    INCOMPLETE = "incomplete"
    LEGACY_LAYOUT = "legacy_layout"
    OTHER = "other"
