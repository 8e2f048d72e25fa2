"""Logging never holds up whoever logs."""

import io
import json
import os
import threading
from collections.abc import Iterator
from typing import TextIO

import pytest
import structlog

from exporter import logs
from exporter.logs import Unblocking

WAIT = 60


@pytest.fixture
def pipe() -> Iterator[tuple[int, TextIO]]:
    """The end of a pipe that nobody reads, and a stream into it."""
    reading, writing = os.pipe()
    stream = os.fdopen(writing, "w")
    yield reading, stream
    stream.close()


def test_a_pipe_that_nobody_reads_holds_up_nobody_and_what_is_lost_is_counted(pipe: tuple[int, TextIO]) -> None:
    reading, stream = pipe
    output = Unblocking(stream)
    line = "x" * 1023 + "\n"
    for _ in range(logs.LINES + 1000):
        output.write(line)
    assert output.dropped >= 900  # the pipe took the others
    output.finish(0.1)
    assert output._thread.is_alive()
    reader = threading.Thread(target=read_to_the_end, args=(reading,))
    reader.start()
    output.finish(WAIT)  # the reader has come back
    assert not output._thread.is_alive()
    stream.close()
    reader.join(WAIT)


def read_to_the_end(reading: int) -> None:
    while os.read(reading, 1 << 16):
        pass
    os.close(reading)


def test_lines_come_in_order_and_the_last_ones_are_written_at_the_end() -> None:
    stream = io.StringIO()
    output = Unblocking(stream)
    for number in range(100):
        output.write(f"{number}\n")
    output.finish(WAIT)
    assert stream.getvalue().split() == [str(number) for number in range(100)]
    assert output.dropped == 0


def test_a_stream_that_is_closed_costs_its_lines_and_nothing_else() -> None:
    stream = io.StringIO()
    output = Unblocking(stream)
    stream.close()
    output.write("a\n")
    output.finish(WAIT)
    assert output.dropped == 1


def test_libraries_and_warnings_are_logged_the_same_way() -> None:
    stream = io.StringIO()
    output = Unblocking(stream)
    logs.configure("json", "info", output)
    try:
        structlog.get_logger().info("one")
        logs.logging.getLogger("a.library").warning("two")
    finally:
        structlog.reset_defaults()
        logs.logging.captureWarnings(capture=False)
        logs.logging.getLogger().handlers.clear()
    output.finish(WAIT)
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["one", "two"]
