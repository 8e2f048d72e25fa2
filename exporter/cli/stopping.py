"""Ending when told to: at once, or in good order where there is an order to end in."""

import os
import signal
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Stop:
    """The wish to end, as signals bring it.

    Until `end_gracefully` is called a signal ends the process. From then on the first one ends `wait`, and a second one
    ends the process at once.
    """

    def __init__(self) -> None:
        self._is_graceful = False
        self._wanted = False
        self._arrivals, self._arrival = os.pipe()
        os.set_blocking(self._arrival, False)

    def install(self) -> None:
        """Handle the signals. The main thread has to call this."""
        # Python runs handlers between two steps of the main thread, which a lock that it waits for may never take:
        # a byte on a pipe wakes it whenever the signal comes.
        signal.set_wakeup_fd(self._arrival, warn_on_full_buffer=False)
        for number in _SIGNALS:
            if number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
                continue  # `nohup` has it so
            signal.signal(number, self._handle)

    def end_gracefully(self) -> None:
        """From now on whoever waits ends the process in good order."""
        self._is_graceful = True

    def wait(self) -> None:
        """Return when the first signal has come."""
        while os.read(self._arrivals, 1)[0] not in _SIGNALS:
            pass

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if not self._is_graceful or self._wanted:
            # Threads that wait for an answer would keep the interpreter from ending.
            os._exit(128 + number)
        self._wanted = True
