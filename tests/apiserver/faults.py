"""What can be made to go wrong with an answer of the stand-in."""

import zlib
from dataclasses import dataclass, field
from enum import Enum


class How(Enum):
    """The ways in which an answer goes wrong."""

    STATUS = "a status other than 200, with a Status body"
    STALL = "no answer at all, until the client goes away or the server closes"
    STALL_IN_BODY = "headers and half of the body, then nothing"
    TRICKLE = "the body byte by byte, for ever slow"
    TRUNCATE = "a complete answer whose JSON ends half-way"
    CUT = "half of the promised body, then the connection is closed"
    RESET = "the connection is closed before any answer"
    BODY = "another body, with status 200"
    EXPIRE = "the continue token has expired (410)"
    TRICKLE_HEADERS = "the header byte by byte, for ever slow"
    CONTINUE = "`100 Continue` again and again"
    CHUNK_EXTENSION = "a chunk whose extension never ends"
    ENDLESS = "an empty page, and a new continue token with each"


@dataclass
class Fault:
    """One fault. It strikes requests of one resource until it has struck *times* times."""

    how: How
    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    times: int | None = None
    namespace: str | None = None
    """Only requests in this namespace; None: any."""
    continued: bool | None = None
    """Only first pages (False) or only later ones (True); None: any."""
    struck: int = 0

    def strikes(self, namespace: str, continued: bool) -> bool:
        """Whether this request meets the fault; counts it."""
        if self.times is not None and self.struck >= self.times:
            return False
        if self.namespace is not None and self.namespace != namespace:
            return False
        if self.continued is not None and self.continued is not continued:
            return False
        self.struck += 1
        return True


def status(code: int, *, times: int | None = None, **kwargs: object) -> Fault:
    """Answer *code* with the Status body that the API server gives with it."""
    return Fault(How.STATUS, status=code, times=times, **kwargs)  # type: ignore[arg-type]


def throttled(retry_after: int | str | None = 1, *, times: int | None = None) -> Fault:
    """Answer 429 and say when to come again."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Fault(How.STATUS, status=429, headers=headers, times=times)


def stalled() -> Fault:
    return Fault(How.STALL)


def stalled_in_body() -> Fault:
    return Fault(How.STALL_IN_BODY)


def trickling() -> Fault:
    return Fault(How.TRICKLE)


def trickling_headers() -> Fault:
    return Fault(How.TRICKLE_HEADERS)


def continuing() -> Fault:
    return Fault(How.CONTINUE)


def chunk_extension() -> Fault:
    return Fault(How.CHUNK_EXTENSION)


def endless(kind: str) -> Fault:
    """Answer every page of the list *kind* with nothing in it and a continue token that was never given before."""
    return Fault(How.ENDLESS, body=kind.encode())


def bomb(mebibytes: int) -> Fault:
    """Answer 200 with a list that is small as it is sent, and *mebibytes* long unpacked."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    blank = b" " * (1 << 20)
    packed = packer.compress(b'{"kind":"ReplicationSourceList","metadata":{},"items":[')
    packed += b"".join(packer.compress(blank) for _ in range(mebibytes))
    packed += packer.compress(b"]}") + packer.flush()
    return Fault(How.BODY, body=packed, headers={"Content-Encoding": "gzip"})


def truncated() -> Fault:
    return Fault(How.TRUNCATE)


def cut() -> Fault:
    return Fault(How.CUT)


def reset(*, times: int | None = None) -> Fault:
    return Fault(How.RESET, times=times)


def body(
    content: bytes,
    content_type: str = "application/json",
    headers: dict[str, str] | None = None,
    *,
    times: int | None = None,
) -> Fault:
    """Answer 200 with *content*."""
    return Fault(How.BODY, body=content, content_type=content_type, headers=headers or {}, times=times)


def expired(*, times: int | None = 1) -> Fault:
    """Refuse the continue token of later pages as too old."""
    return Fault(How.EXPIRE, times=times, continued=True)
