"""One request as the stand-in logs it, and the answers other than a list or an object."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.apiserver.faults import Fault
from tests.apiserver.rbac import Rule

Json = dict[str, Any]
_REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    406: "NotAcceptable",
    410: "Expired",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}


@dataclass
class Request:
    """One request as the server understood it, and how it answered."""

    verb: str
    """`get`, `list` or `watch` for resources; `discovery` for everything about the API itself."""
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    group: str = ""
    version: str = ""
    resource: str = ""
    namespace: str = ""
    name: str = ""
    status: int = 0
    rule: Rule | None = None
    """The RBAC rule that allowed it."""


class RefusedError(Exception):
    """An answer other than 200."""

    def __init__(self, code: int, message: str, headers: Mapping[str, str] | None = None, **status: Any) -> None:
        super().__init__(message)
        self.code = code
        self.headers = dict(headers or {})
        self.status: Json = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": _REASONS.get(code, ""),
            "code": code,
            **status,
        }


class NoSuchPathError(Exception):
    """The plain `404 page not found` of a path that no API serves."""


class BrokenAnswerError(Exception):
    """A fault below HTTP's statuses."""

    def __init__(self, fault: Fault, whole: Json | list[Json]) -> None:
        super().__init__(fault.how.value)
        self.fault = fault
        self.whole = whole
