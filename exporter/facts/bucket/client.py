"""Requests to one bucket: boto3 signs them, our own transport sends them, and our own parser reads listings."""

import base64
import binascii
import hashlib
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import msgspec
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.loaders import create_loader

from exporter.facts.bucket.address import BucketAddress
from exporter.facts.bucket.failure import BucketError, Stopped
from exporter.facts.bucket.faults import failure_of
from exporter.facts.bucket.listing import NotAListing, parse
from exporter.facts.bucket.pace import Pace
from exporter.facts.bucket.paging import DatedPage
from exporter.facts.bucket.throughput import Throughput
from exporter.facts.bucket.transport import BucketTransport
from exporter.facts.reading import Reason
from exporter.settings import PollSettings

# restic's own region where none is configured (restic `internal/backend/s3/s3.go`); stores of one's own ignore it.
_REGION = "us-east-1"
_ATTEMPTS = 3
_PAUSE = 0.5
"""Seconds before the second attempt; each further one waits twice as long."""
_PASSING = frozenset({Reason.CONNECTION, Reason.THROTTLED, Reason.SERVER_ERROR, Reason.MALFORMED_ANSWER})
"""What may be over at the next attempt. A time-out has used the time of all of them."""
_FURTHEST_SKEW = timedelta(days=366)
"""A store whose clock is further off does not tell its time."""
# More would not help, and RustFS then leaves keys out (rustfs#2931).
_PAGE_KEYS = 1000
# What is left of a listing for boto3's parser, which would take 100 times as long over it.
_NOTHING = b'<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"/>'


_ABSENT = frozenset({"404", "NoSuchKey", "NotFound"})
"""Codes by which a store says that an object is not there."""


class ObjectRead(msgspec.Struct, frozen=True):
    """What reading one object brought."""

    digest: str
    """The SHA-256 of its bytes, in hexadecimal."""
    size: int
    """How many there were."""
    etag: str
    stored_digest: str | None
    """The SHA-256 that the store keeps of the whole object; None where it keeps none."""


class _Digest:
    """Takes in one object's bytes, no faster than *throughput* lets them come, and keeps none of them."""

    def __init__(self, throughput: Throughput, stop: threading.Event) -> None:
        self._throughput = throughput
        self._stop = stop
        self.begin()

    def begin(self) -> None:
        """Forget what came: the object is read from its start."""
        self._sha256 = hashlib.sha256()
        self.size = 0

    def take(self, chunk: bytes) -> None:
        self._sha256.update(chunk)  # it lets other threads run meanwhile
        self.size += len(chunk)
        self._throughput.passed(len(chunk), self._stop)

    @property
    def hex(self) -> str:
        return self._sha256.hexdigest()


class Client:
    """One bucket's client. Its methods raise `BucketError`, and `Stopped` once the program is to stop."""

    def __init__(self, address: BucketAddress, poll: PollSettings, pace: Pace) -> None:
        """Connect to the bucket at *address*.

        Raises:
            BucketError: the settings name a profile, a file or an endpoint that is none.
        """
        self.bucket = address.bucket
        self.requests = 0
        """Attempts so far, retries included."""
        self.skew: timedelta | None = None
        """How far the store's clock was ahead of ours in the last answer, in whole seconds."""
        self.stop = threading.Event()
        """Once it is set, no request is made any more."""
        self._pace = pace
        self._lock = threading.Lock()
        self._timeout = poll.timeout.total_seconds()
        self._now = threading.local()
        self._s3, self._transport = _connect(address, self._timeout)
        events = self._s3.meta.events
        events.register("before-send.s3", self._send)
        # An event's less specific name goes first, so that botocore's own check of each body finds it parsed already.
        events.register_first("before-parse.*.ListObjectsV2", _parse_listing)

    def list(self, prefix: str, *, token: str | None = None, start_after: str = "", delimiter: str = "") -> DatedPage:
        """One page of the keys under *prefix*."""
        options = {"StartAfter": start_after, "Delimiter": delimiter, "ContinuationToken": token}
        response = self._call(
            "list_objects_v2", Prefix=prefix, MaxKeys=_PAGE_KEYS, **{k: v for k, v in options.items() if v}
        )
        return DatedPage(response["Page"], self._date(response))

    def head(self, key: str) -> bool:
        """Whether *key* is there."""
        try:
            self._call("head_object", Key=key)
        except BucketError as failure:
            if is_absent(failure):
                return False
            raise
        return True

    def stored_digest(self, key: str) -> str | None:
        """The SHA-256 that the store keeps of all of *key*, in hexadecimal; None where it keeps none, or of parts."""
        return _stored_digest(self._call("head_object", Key=key, ChecksumMode="ENABLED"))

    def read(self, key: str, throughput: Throughput, seconds: float) -> ObjectRead:
        """Read all of *key* once, as fast as *throughput* lets it and within *seconds* beyond the usual time.

        Its bytes pass through: of an object of any size, no more than a chunk is in memory.
        """
        digest = self._now.digest = _Digest(throughput, self.stop)
        try:
            parameters = {"Key": key, "ChecksumMode": "ENABLED"}
            answer = self._attempt("get_object", parameters, self._timeout + seconds)
        finally:
            self._now.digest = None
        answer["Body"].close()
        status = answer["ResponseMetadata"]["HTTPStatusCode"]
        if status != 200:
            raise BucketError(Reason.MALFORMED_ANSWER, f"the store answers with status {status} to a whole object")
        return ObjectRead(digest.hex, digest.size, str(answer.get("ETag", "")), _stored_digest(answer))

    def reconnect(self) -> None:
        """Let the next request go by a new connection."""
        self._transport.close()

    def get(self, key: str) -> None:
        """Ask for the first byte of *key*, and drop it."""
        self._call("get_object", Key=key, Range="bytes=0-0")["Body"].close()

    def close(self) -> None:
        """Close the connections."""
        self._s3.close()
        self._transport.close()

    def _call(self, operation: str, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401  # boto3's own types
        """What *operation* brings, if need be at a later attempt; all attempts share one time."""
        return self._attempt(operation, parameters, self._timeout)

    def _attempt(self, operation: str, parameters: dict[str, Any], seconds: float) -> dict[str, Any]:
        self._now.deadline = time.monotonic() + seconds
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return self._try(operation, parameters)
            except BucketError as failure:
                pause = _PAUSE * 2 ** (attempt - 1)
                is_late = time.monotonic() + pause > self._now.deadline
                if attempt == _ATTEMPTS or failure.reason not in _PASSING or is_late:
                    raise
            self.stop.wait(pause)
        raise AssertionError("the last attempt returns or raises")

    def _try(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        if self.stop.is_set():
            raise Stopped
        try:
            response: dict[str, Any] = getattr(self._s3, operation)(Bucket=self.bucket, **parameters)
        except (BucketError, Stopped):
            raise
        except Exception as error:  # one request costs one request, whatever the SDK makes of its answer
            raise failure_of(error) from error
        return response

    def _send(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        """Count, pace and send one request in botocore's stead. The time that it waits for its turn is not its own."""
        with self._lock:
            self.requests += 1
        asked = time.monotonic()
        self._pace.wait(self.stop)
        sent = time.monotonic()
        self._now.deadline += sent - asked
        digest: _Digest | None = getattr(self._now, "digest", None)
        if digest:
            digest.begin()
        try:
            answer = self._transport.send(request, self._now.deadline, self.stop, digest.take if digest else None)
        except BucketError:
            self._pace.unanswered()
            raise
        # How long an object takes to come is our own ceiling's doing.
        self._pace.answered(answer.status_code, None if digest else time.monotonic() - sent)
        return answer

    def _date(self, response: dict[str, Any]) -> datetime:
        """When the store answered, by its own clock; by ours where it does not say."""
        now = datetime.now(UTC).replace(microsecond=0)
        try:
            at = parsedate_to_datetime(response["ResponseMetadata"]["HTTPHeaders"].get("date", ""))
            # A date without a zone is Greenwich's: HTTP knows no other (RFC 9110, 5.6.7).
            at = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
        except (ValueError, TypeError, IndexError, OverflowError):
            return now
        if abs(at - now) > _FURTHEST_SKEW:
            return now
        self.skew = at - now
        return at


def is_absent(failure: BucketError) -> bool:
    """Whether the store said that the object is not there."""
    return failure.code in _ABSENT


def _stored_digest(answer: dict[str, Any]) -> str | None:
    """The SHA-256 that *answer* tells of the whole object.

    A composite one is of the parts' checksums, and ends in their number (S3 user guide, "Checking object integrity").
    """
    if answer.get("ChecksumType") == "COMPOSITE":
        return None
    try:
        digest = base64.b64decode(answer.get("ChecksumSHA256", ""), validate=True)
    except (binascii.Error, ValueError):
        return None
    return digest.hex() if len(digest) == hashlib.sha256().digest_size else None


def _connect(
    address: BucketAddress, timeout: float
) -> tuple[Any, BucketTransport]:  # boto3 makes its classes at run time
    settings = address.settings
    if settings.ca_file and not Path(settings.ca_file).is_file():
        raise BucketError(Reason.TLS, f"there is no file {settings.ca_file}, which ca_file names")
    transport = BucketTransport(settings.ca_file, settings.concurrency, timeout)
    try:
        core = botocore.session.get_session()
        core.register_component("data_loader", _models())
        session = boto3.session.Session(profile_name=settings.profile or None, botocore_session=core)
        client = session.client(
            "s3",
            endpoint_url=address.endpoint or None,
            region_name=address.region or session.region_name or _REGION,
            config=Config(
                signature_version="s3v4",
                s3={"addressing_style": settings.addressing},
                retries={"mode": "standard", "total_max_attempts": 1},
                # boto3 puts its own together again for each request, in a third of the time that an empty one takes.
                user_agent="volsync-exporter",
            ),
        )
    except Exception as error:  # settings, profiles and files of every kind are read here
        raise failure_of(error) from error
    return client, transport


@cache
def _models() -> Any:  # noqa: ANN401  # botocore has no types
    """The descriptions of AWS' APIs, which every client would else read and keep for itself (0.1 s, some MiB)."""
    return create_loader()


def _parse_listing(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: object) -> None:
    """Read the answer's body in boto3's stead, and leave boto3 an empty one.

    Raises:
        BucketError: it is no listing.
    """
    body = response_dict["body"]
    if response_dict["status_code"] != 200 or _is_error(body):
        return
    try:
        customized_response_dict["Page"] = parse(body)
    except NotAListing as error:
        raise BucketError(Reason.MALFORMED_ANSWER, str(error)) from None
    response_dict["body"] = _NOTHING


def _is_error(body: bytes) -> bool:
    """Whether *body* is the error that S3 may send with status 200; boto3 knows what to do with it."""
    return b"<Error>" in body[:200]
