"""Structured logs on standard error: a line of text on a terminal, else one of JSON."""

import logging
import queue
import sys
import threading
from collections.abc import Mapping
from typing import Final, Literal, Protocol, TextIO, cast

import structlog

from exporter.masking import masked
from exporter.visible import visible

LINES: Final = 1000
"""Lines that may wait to be written; one more is dropped, and counted."""

_TRACEBACK = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
"""Local variables stay out of the logs, in either form: one of them may be an answer's bytes."""


class Output(Protocol):
    """Where logs go: as much of a text file as is needed for that."""

    def write(self, text: str, /) -> int: ...

    def flush(self) -> None: ...

    def isatty(self) -> bool: ...


class Unblocking:
    """Writes to *stream* on a thread of its own, so that whoever logs never waits for whoever reads.

    A pipe that nobody reads blocks its writers once it is full (64 KiB on Linux), and would stop every thread of a
    program that logs.
    """

    def __init__(self, stream: TextIO) -> None:
        self.dropped = 0
        """Lines that were not written, since too many were waiting or the stream is closed."""
        self._stream = stream
        self._waiting: queue.Queue[str | None] = queue.Queue(LINES)
        self._thread = threading.Thread(target=self._write_on, name="log", daemon=True)
        self._thread.start()

    def write(self, text: str, /) -> int:
        try:
            self._waiting.put_nowait(text)
        except queue.Full:
            self.dropped += 1
        return len(text)

    def flush(self) -> None:
        """Do nothing: every line is flushed by itself."""

    def isatty(self) -> bool:
        return self._stream.isatty()

    def finish(self, seconds: float) -> None:
        """Write what is waiting, for *seconds* at the most, and nothing after it."""
        try:
            self._waiting.put(None, timeout=seconds)
        except queue.Full:
            return
        self._thread.join(seconds)

    def _write_on(self) -> None:
        while (text := self._waiting.get()) is not None:
            try:
                self._stream.write(text)
                self._stream.flush()
            except (OSError, ValueError):  # it is closed, or its disk is full: there is nobody to tell
                self.dropped += 1


def configure(
    form: Literal["auto", "json", "text"] = "auto", level: str = "info", stream: Output | None = None
) -> None:
    """Send this program's logs and its libraries' to *stream* (default: standard error) in the form *form*."""
    stream = stream or sys.stderr
    text = form == "text" or (form == "auto" and stream.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[structlog.typing.Processor] = (
        [
            _without_nothing,
            structlog.processors.format_exc_info,
            _fit_to_be_shown,
            structlog.dev.ConsoleRenderer(colors=stream.isatty()),
        ]
        if text
        else [
            structlog.processors.ExceptionRenderer(_TRACEBACK),
            _fit_to_be_shown,
            structlog.processors.JSONRenderer(),
        ]
    )
    threshold = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", stream)),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last]
    )
    handler.setFormatter(formatter)
    # Libraries log requests and retries, which a poll's own line sums up; what they warn of is theirs to say.
    logging.basicConfig(handlers=[handler], level=max(threshold, logging.WARNING), force=True)
    logging.captureWarnings(capture=True)
    for chatty in ("urllib3", "apscheduler", "botocore"):
        logging.getLogger(chatty).setLevel(logging.ERROR)


def _fit_to_be_shown(_logger: object, _name: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Mask credentials and show control characters, whoever logs: a library's exception quotes what it was given."""
    return {key: _fit(value) for key, value in event.items()}


def _fit(value: object) -> object:
    if isinstance(value, str):
        return "\n".join(map(visible, masked(value).split("\n")))
    if isinstance(value, Mapping):
        return {key: _fit(one) for key, one in value.items()}
    return [_fit(one) for one in value] if isinstance(value, list | tuple) else value


def _without_nothing(_logger: object, _name: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Drop the keys that say nothing: they help a machine, not a reader."""
    return {key: value for key, value in event.items() if value is not None}
