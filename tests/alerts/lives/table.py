"""The lives: what befalls a cluster, and how often a person may be told of it."""

from collections.abc import Sequence

import msgspec

from tests.alerts.lives.around import Around
from tests.alerts.lives.cluster import Plan, Trouble

HOURLY = 60
DAILY = 1440
Schedules = tuple[tuple[int, int], ...]
"""For each claim: the minutes between two backups, and the minute of the first."""


class Life(msgspec.Struct, frozen=True):
    """One fault from a sound hour to a sound hour."""

    name: str
    plan: Plan
    schedules: Schedules
    minutes: int = 540
    pages: int = 1
    tickets: int = 1
    """At most so many: a ticket may come before the page."""
    cause: str = ""
    """What the page is about."""
    around: Around = Around.NOTHING
    born: dict[int, int] = {}
    """Claims that are made only later, and at which minute."""
    is_long: bool = False
    """Left to `make lives`."""

    @property
    def cluster(self) -> str:
        """Its name as a label's value, without commas.

        vmalert does not mark a record as stale that has one in a label (1.140, `app/vmalert/rule/recording.go`).
        """
        return self.name.replace(",", "")


def together(claims: int, every: int = HOURLY) -> Schedules:
    return ((every, 0),) * claims


def spread(claims: int, step: int, every: int = HOURLY) -> Schedules:
    return tuple((every, number * step % every) for number in range(claims))


def between(trouble: Trouble, begin: int, end: int, one_after_the_other: int = 0, hit: int = 10**6) -> Plan:
    """*trouble* of the first *hit* claims; they recover so many minutes after each other."""

    def plan(number: int, minute: int) -> Trouble | None:
        return trouble if number < hit and begin <= minute < end + number * one_after_the_other else None

    return plan


def flapping(trouble: Trouble, begin: int, end: int, on: int, off: int) -> Plan:
    def plan(_: int, minute: int) -> Trouble | None:
        return trouble if begin <= minute < end and (minute - begin) % (on + off) < on else None

    return plan


def both(*plans: Plan) -> Plan:
    """The first of *plans* that has something to say."""

    def plan(number: int, minute: int) -> Trouble | None:
        return next((found for one in plans if (found := one(number, minute))), None)

    return plan


def only(plan: Plan, claims: Sequence[int]) -> Plan:
    return lambda number, minute: plan(number, minute) if number in claims else None


_MIXED = tuple((HOURLY, 13 * n) for n in range(4)) + tuple((DAILY, 120 + n) for n in range(3))
LIVES: tuple[Life, ...] = (
    Life(
        "storage fault of four claims, healing one after the other",
        between(Trouble.VOLUME, 60, 300, 4, hit=4),
        together(6),
        cause="volume_faulted",
    ),
    Life(
        "storage fault of twenty claims",
        between(Trouble.VOLUME, 60, 300, 2),
        together(20),
        cause="volume_faulted",
    ),
    Life(
        "storage fault of two hundred claims",
        between(Trouble.VOLUME, 60, 300, 1, hit=200),
        spread(200, 7),
        minutes=640,
        cause="volume_faulted",
        is_long=True,
    ),
    Life(
        "storage fault of four claims for fifty hours",
        between(Trouble.VOLUME, 60, 3060, 4),
        together(4),
        minutes=3200,
        cause="volume_faulted",
        is_long=True,
    ),
    Life(
        "operator stopped for five hours",
        between(Trouble.OPERATOR, 65, 365),
        spread(6, 10),
        cause="operator_stalled",
    ),
    Life(
        "store down, hourly and daily schedules mixed",
        between(Trouble.STORE, 65, 365),
        _MIXED,
        cause="repository_unreachable",
    ),
    Life(
        "wrong password everywhere, found ten minutes apart",
        between(Trouble.PASSWORD, 65, 365),
        spread(6, 10),
        cause="repository_password",
    ),
    Life(
        "no node has room for the movers",
        between(Trouble.NODE, 65, 305),
        spread(6, 10),
        cause="mover_unschedulable",
    ),
    Life(
        "a node lost for four hours, with the volumes and movers of four claims on it",
        between(Trouble.NODE_LOST, 62, 300, 4, hit=4),
        spread(6, 1),
        cause="volume_unreachable",
    ),
    Life(
        "the secret store down: what is there goes on, and a new claim gets no Secret",
        between(Trouble.SECRET_STORE, 60, 300, 4),
        spread(5, 10),
        cause="external_secret_failing",
        around=Around.SECRET_STORE,
        born={4: 150},
    ),
    Life(
        "the policy not in force: what is there goes on, and a new claim is not covered",
        between(Trouble.POLICY, 60, 300),
        spread(5, 10),
        cause="policy_not_ready",
        around=Around.POLICY,
        born={4: 150},
    ),
    Life(
        "the store's nightly window of forty minutes",
        between(Trouble.STORE, 120, 160),
        _MIXED,
        pages=0,
    ),
    Life(
        "a daily backup that is refused once",
        between(Trouble.STORE, 118, 150),
        together(1, DAILY),
        pages=0,
    ),
    Life(
        "an hourly backup that alternates between success and failure",
        flapping(Trouble.STORE, 58, 420, 60, 60),
        together(1),
        pages=0,
    ),
    Life(
        "a second, unrelated volume while the first still stands",
        both(
            only(between(Trouble.VOLUME, 60, 440), (0,)),
            only(between(Trouble.VOLUME, 260, 440), (1,)),
        ),
        together(3),
        pages=2,
        tickets=2,
        cause="volume_faulted",
    ),
    Life(
        "forty more volumes while the first two still stand",
        both(
            only(between(Trouble.VOLUME, 60, 500), (0, 1)),
            only(between(Trouble.VOLUME, 300, 500), range(2, 42)),
        ),
        together(42),
        minutes=640,
        pages=2,
        tickets=2,
        cause="volume_faulted",
        is_long=True,
    ),
)
