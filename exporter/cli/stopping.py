"""Ending when told to: at once, or in good order where there is an order to end in."""

import os
import signal
import threading
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stop:
    """The wish to end, as signals bring it.

    Until `take_care` is called a signal ends the process. From then on the first one sets `wanted`, and a second one
    ends the process at once.
    """

    def __init__(self) -> None:
        self.wanted = threading.Event()
        self._careful = False

    def install(self) -> None:
        """Handle the signals. The main thread has to call this."""
        for number in _SIGNALS:
            signal.signal(number, self._handle)

    def take_care(self) -> None:
        """From now on whoever waits for `wanted` ends the process in good order."""
        self._careful = True

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if not self._careful or self.wanted.is_set():
            # Threads that wait for an answer would keep the interpreter from ending.
            os._exit(128 + number)
        self.wanted.set()
