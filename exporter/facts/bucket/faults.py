"""Why a request failed, as one of the enumerated reasons and a line for a person."""

from botocore import exceptions as sdk
from botocore.parsers import ResponseParserError

from exporter.facts.bucket.failure import BucketError
from exporter.facts.reading import Reason
from exporter.masking import masked

# Amazon's codes (S3 API reference, "Error responses"), and what other stores send in their place.
_CODES = {
    Reason.WRONG_KEY: (
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "InvalidAccessKey",
        "InvalidToken",
        "InvalidSecurity",
        "NotSignedUp",
        "AuthorizationHeaderMalformed",
        "AuthorizationQueryParametersError",
        "UnrecognizedClientException",
    ),
    Reason.EXPIRED_KEY: ("ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"),
    Reason.CLOCK_SKEW: ("RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"),
    Reason.FORBIDDEN: (
        "AccessDenied",
        "AccessDeniedException",
        "AllAccessDisabled",
        "AccountProblem",
        "Forbidden",
        "403",
    ),
    Reason.UNAUTHORIZED: ("Unauthorized", "401"),
    Reason.NO_SUCH_BUCKET: ("NoSuchBucket", "NotFound", "404"),
    Reason.NOT_FOUND: ("NoSuchKey",),
    Reason.THROTTLED: (
        "SlowDown",
        "SlowDownRead",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "TooManyRequests",
        "TooManyRequestsException",
        "BandwidthLimitExceeded",
        "429",
    ),
    Reason.TIMEOUT: ("RequestTimeout", "OperationTimedOut", "GatewayTimeout", "504"),
}
_REASONS = {code: reason for reason, codes in _CODES.items() for code in codes}

# The first that matches holds: the narrower classes stand before those that they derive from.
_ERRORS: tuple[tuple[type[Exception], Reason], ...] = (
    (sdk.NoCredentialsError, Reason.NO_CREDENTIALS),
    (sdk.PartialCredentialsError, Reason.NO_CREDENTIALS),
    (sdk.CredentialRetrievalError, Reason.NO_CREDENTIALS),
    (sdk.ProfileNotFound, Reason.NO_CREDENTIALS),
    (sdk.TokenRetrievalError, Reason.NO_CREDENTIALS),
    (sdk.SSOError, Reason.NO_CREDENTIALS),
    (sdk.LoginError, Reason.NO_CREDENTIALS),
    (sdk.ConnectTimeoutError, Reason.TIMEOUT),
    (sdk.ReadTimeoutError, Reason.TIMEOUT),
    (sdk.SSLError, Reason.TLS),
    (sdk.HTTPClientError, Reason.CONNECTION),
    (sdk.ConnectionError, Reason.CONNECTION),
    (ResponseParserError, Reason.MALFORMED_ANSWER),
)

OF_THE_BUCKET = frozenset(
    {
        Reason.NO_CREDENTIALS,
        Reason.WRONG_KEY,
        Reason.EXPIRED_KEY,
        Reason.CLOCK_SKEW,
        Reason.UNAUTHORIZED,
        Reason.NO_SUCH_BUCKET,
        Reason.TLS,
    }
)
"""What fails one request for such a reason fails them all."""

STALE_CREDENTIALS = frozenset({Reason.NO_CREDENTIALS, Reason.WRONG_KEY, Reason.EXPIRED_KEY, Reason.UNAUTHORIZED})
"""After these the next read connects again, so that credentials are read again from where they stand."""


def failure_of(error: Exception) -> BucketError:
    """The reason of an *error* that was raised over a request, with a line for a person.

    The SDK raises whatever its parts do over an answer that it does not expect.
    """
    if isinstance(error, sdk.ClientError):
        return _failure_of_answer(error)
    if isinstance(error, sdk.BotoCoreError | ResponseParserError):
        reason = next((reason for kind, reason in _ERRORS if isinstance(error, kind)), Reason.OTHER)
        return BucketError(reason, one_line(str(error)))
    return BucketError(Reason.OTHER, one_line(f"{type(error).__name__}: {error}"))


def _failure_of_answer(error: sdk.ClientError) -> BucketError:
    answer = error.response
    code = str(answer.get("Error", {}).get("Code", ""))
    status = int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0)
    message = one_line(str(answer.get("Error", {}).get("Message", "")))
    detail = f"{code or status}: {message}" if message else code or f"HTTP status {status}"
    by_status = {401: Reason.UNAUTHORIZED, 403: Reason.FORBIDDEN, 404: Reason.NO_SUCH_BUCKET, 429: Reason.THROTTLED}
    reason = _REASONS.get(code) or by_status.get(status, Reason.SERVER_ERROR if status >= 500 else Reason.OTHER)
    return BucketError(reason, detail, code)


def one_line(text: str) -> str:
    """*text* in one line of bearable length, without credentials."""
    line = " ".join(masked(text).split())
    return line if len(line) <= 240 else f"{line[:239]}…"
