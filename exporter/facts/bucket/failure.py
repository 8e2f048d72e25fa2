"""The one exception of reading a bucket."""

from exporter.facts.reading import Reason
from exporter.masking import masked


class BucketError(Exception):
    """A request that failed, or an answer that is not believed: *reason* says why, the text what came."""

    def __init__(self, reason: Reason, detail: str, code: str = "") -> None:
        super().__init__(masked(detail))
        self.reason = reason
        self.code = code
        """The store's own code for it, where it gave one."""


class Stopped(Exception):  # noqa: N818  # it is a wish, no error
    """The program is to stop, so no request was made."""
