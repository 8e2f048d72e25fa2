"""The watch over requests goes on after whatever befell the thread that keeps it."""

import socket
import threading
import time

import pytest

from exporter.facts import deadline
from exporter.facts.deadline import Call, Watch


def cuts(watch: Watch) -> bool:
    """Whether a call that is late is cut."""
    here, there = socket.socketpair()
    with here, there:
        call = Call(time.monotonic() - 1, threading.Event())
        with watch.over(call):
            call.uses(here.fileno())
            here.settimeout(5)
            try:
                here.recv(1)  # the other side says nothing
            except TimeoutError:
                return False
    return call.was_cut


def test_a_thread_that_could_not_be_started_is_started_for_the_next_call(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    watch = Watch()
    with monkeypatch.context() as crowded:
        crowded.setattr(threading.Thread, "start", fail)
        with pytest.raises(RuntimeError), watch.over(Call(0.0, threading.Event())):
            pass
    assert cuts(watch)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_broke_is_started_anew_for_the_next_call(monkeypatch: pytest.MonkeyPatch) -> None:
    watch, others = Watch(), set(threading.enumerate())
    with monkeypatch.context() as broken:
        broken.setattr(deadline, "_TICK", "soon")
        with watch.over(Call(time.monotonic() + 60, threading.Event())):
            for thread in set(threading.enumerate()) - others:
                thread.join(10)
    assert cuts(watch)
