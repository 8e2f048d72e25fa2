"""Structured logs on standard error: a line of text on a terminal, else one of JSON."""

import logging
import sys
from typing import Literal, TextIO

import structlog

_TRACEBACK = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
"""Local variables stay out of the logs, in either form: one of them may be an answer's bytes."""


def configure(
    form: Literal["auto", "json", "text"] = "auto", level: str = "info", stream: TextIO | None = None
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
            structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback),
        ]
        if text
        else [structlog.processors.ExceptionRenderer(_TRACEBACK), structlog.processors.JSONRenderer()]
    )
    threshold = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last]
    )
    handler.setFormatter(formatter)
    # Libraries log requests and retries, which a poll's own line sums up; what they warn of is theirs to say.
    logging.basicConfig(handlers=[handler], level=max(threshold, logging.WARNING), force=True)
    for chatty in ("urllib3", "apscheduler", "botocore"):
        logging.getLogger(chatty).setLevel(logging.ERROR)


def _without_nothing(_logger: object, _name: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Drop the keys that say nothing: they help a machine, not a reader."""
    return {key: value for key, value in event.items() if value is not None}
