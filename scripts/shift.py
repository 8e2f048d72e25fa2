"""Moving a scenario in time: what was so at its own moment becomes so at another."""

import re
from datetime import datetime, timedelta
from pathlib import Path

_TIME = re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?P<zone>Z|[+-]\d\d:\d\d)?")
"""RFC 3339, and times without a zone as restic's log has them."""
_DATE = re.compile(r"""(?<=["'])\d{4}-\d\d-\d\d(?=["'])""")
"""A date alone, as the end of an exemption may be."""


def shift(folder: Path, at: datetime, to: datetime, into: Path) -> Path:
    """Copy the files of a *folder* below *into*, with every time in them moved so that *at* becomes *to*.

    Times keep their form, and their distance from each other to the microsecond; *to* is timezone-aware, and is
    taken as of its full second. What is no text of a time (the day in an object's name) stays. Returns the new folder.
    """
    later = to.replace(microsecond=0) - at
    target = into / folder.name
    target.mkdir(parents=True)
    for file in sorted(folder.iterdir()):
        (target / file.name).write_text(_shifted(file.read_text(), later))
    return target


def _shifted(text: str, later: timedelta) -> str:
    def moved(found: re.Match[str]) -> str:
        return _written_alike(datetime.fromisoformat(found[0][:19]) + later, found)

    def moved_date(found: re.Match[str]) -> str:
        return (datetime.fromisoformat(found[0]) + timedelta(days=round(later / timedelta(days=1)))).date().isoformat()

    return _DATE.sub(moved_date, _TIME.sub(moved, text))


def _written_alike(moment: datetime, found: re.Match[str]) -> str:
    """*moment* with the separator, the fraction and the zone of the text that was *found*."""
    return moment.isoformat(found[0][10]) + found[0][19:]
