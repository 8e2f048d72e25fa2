"""The faults: where each is put in, and whom it may cost."""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tests.apiserver import faults
from tests.apiserver.faults import Fault
from tests.apiserver.resources import RESOURCES
from tests.bucket.standin import Listed, Query, Twist
from tests.bucket.test_failing_store import answers, error_in_success, is_cut, stalls
from tests.bucket.test_hostile_store import ANSWERS, TRICKLES, sends
from tests.bucket.test_misbehaving_store import make_endless, no_token, on, same_token, unordered, wrong_count
from tests.cluster.conftest import obj
from tests.cluster.test_faults import FAULTS
from tests.faults.gate import Way
from tests.faults.process import Look
from tests.faults.world import World

CLUSTER = frozenset({"kubernetes", "volsync", "longhorn", "kyverno", "external_secrets"})
VOLSYNC, S3, NONE = frozenset({"volsync"}), frozenset({"s3"}), frozenset[str]()


@dataclass(frozen=True)
class Case:
    """One fault."""

    where: str
    """For a person."""
    name: str
    inject: Callable[[World], None]
    costs: frozenset[str]
    """The sources that cannot be read while it lasts; none: it is survived without a loss."""
    hold: float = 0.0
    """Seconds that it lasts once it has shown."""
    moves_the_clock: bool = False
    """Then ages are other ones, and so may verdicts be."""
    is_seen: Callable[[Look], bool] | None = None
    """Whether what it put in is seen; None where nothing is to be seen of it but what it costs."""


def _in_one_list(fault: Callable[[], Fault]) -> Callable[[World], None]:
    return lambda world: void(world.cluster.fail("replicationsources", fault()))


def _in_every_list(fault: Callable[[], Fault]) -> Callable[[World], None]:
    def inject(world: World) -> None:
        for plural in {resource.plural for resource in RESOURCES}:
            world.cluster.fail(plural, fault())

    return inject


def _counts(reason: str) -> Callable[[Look], bool]:
    return lambda look: look.errors["s3", reason] > 0


def _in_the_store(twist: Twist) -> Callable[[World], None]:
    return lambda world: setattr(world.store, "twist", twist)


def void(_what: object) -> None:
    """Nothing comes of it."""


def _fresh(fault: Fault) -> Callable[[], Fault]:
    """*fault* as it was before it struck."""
    return lambda: Fault(**{**vars(fault), "struck": 0})


def _vanish(world: World) -> None:
    """Take the API away for 2.5 seconds, as a rolling update of its server or its definition does."""
    world.cluster.stop_serving("volsync.backube")
    threading.Timer(2.5, world.cluster.serve, args=("volsync.backube",)).start()


def _hostile_objects(world: World) -> None:
    """Put objects beside the sound ones that nobody can make sense of."""
    for number in range(50):
        spec = {"sourcePVC": f"p{number}", "paused": "perhaps", "restic": {"repository": "r" * 5000}}
        world.put(obj("volsync.backube/v1alpha1", "ReplicationSource", f"odd-{number}", "odd", spec=spec))
    rules = [{"name": "r", "generate": {"kind": "ConfigMap", "name": "x", "data": [[]] * 30_000}}]
    world.put(obj("kyverno.io/v1", "Policy", "odd", "odd", spec={"rules": rules}))


def _shows_hostile_objects(look: Look) -> bool:
    """Whether each costs the claim that it names, which cannot be judged."""
    return all(look.states.get(f"odd/p{number}") == "unknown" for number in range(50))


def _deep(world: World) -> None:
    """Answer once with an object beside the sound ones that no parser reads to its end."""
    sound = "".join(json.dumps(one) + "," for one in world.cluster.objects_of("volsync.backube", "replicationsources"))
    deep = '{"metadata":{"name":"deep","namespace":"odd"},"spec":' + '{"a":' * 50_000 + "1" + "}" * 50_000 + "}"
    body = f'{{"kind":"ReplicationSourceList","metadata":{{}},"items":[{sound}{deep}]}}'
    world.cluster.fail("replicationsources", faults.body(body.encode(), times=1))


def _endless() -> Fault:
    return faults.endless("ReplicationSourceList")


def _zoneless(_query: Query, listed: Listed) -> None:
    """Date the answer without a zone, which HTTP means to be Greenwich's."""
    listed.headers["Date"] = f"{datetime.now(UTC):%a, %d %b %Y %H:%M:%S}"


def _clock(shift: str) -> Callable[[World], None]:
    def inject(world: World) -> None:
        if world.clock:
            world.clock.write_text(shift)

    return inject


def _skewed(world: World) -> None:
    world.store.skew = timedelta(hours=-3)


def _gate(which: str, way: Way) -> Callable[[World], None]:
    return lambda world: getattr(world, which).turn(way)


_API = "the API server, in one list"
_STORE = "the store"
CLOCK = "the exporter's clock"


def _cases() -> list[Case]:
    cases = [Case(_API, name, _in_one_list(_fresh(fault)), VOLSYNC) for name, (fault, _) in FAULTS.items()]
    cases += [
        Case(_API, "continue tokens without end", _in_one_list(_endless), VOLSYNC),
        Case(_API, "throttled twice, for a second", _in_one_list(lambda: faults.throttled(1, times=2)), NONE),
        Case(_API, "a connection reset once", _in_one_list(lambda: faults.reset(times=1)), NONE),
        Case(_API, "an object nested 50,000 deep", _deep, NONE),
        Case("the API server", "fifty malformed objects, and a policy of 30,000 lists", _hostile_objects, NONE,
             is_seen=_shows_hostile_objects),
        Case("the API server", "a group that is gone for 2.5 s", _vanish, NONE),
        Case("the API server", "429 to everything", _in_every_list(lambda: faults.throttled(3600)), CLUSTER, hold=5),
        Case("the API server", "503 to everything", _in_every_list(lambda: faults.status(503)), CLUSTER, hold=5),
        Case("the API server", "401 to everything", _in_every_list(lambda: faults.status(401)), CLUSTER),
        Case("the API server", "nothing answered", _in_every_list(faults.stalled), CLUSTER),
        Case("the API server", "TLS handshakes that never come", _gate("cluster_gate", Way.SILENT), CLUSTER),
        Case("the API server", "TLS handshakes byte by byte", _gate("cluster_gate", Way.DROPS), CLUSTER),
        Case("the API server", "connections reset", _gate("cluster_gate", Way.RESET), CLUSTER),
        Case("the API server", "connections reset in the answer", _gate("cluster_gate", Way.RESET_LATER), CLUSTER),
    ]  # fmt: skip
    cases += [Case(_STORE, f"trickles {name}", _in_the_store(twist), S3) for name, twist in TRICKLES.items()]
    cases += [Case(_STORE, name, _in_the_store(twist), S3) for name, (twist, _) in ANSWERS.items()]
    twists: Mapping[str, Twist] = {
        "a wrong key": answers(403, "InvalidAccessKeyId"),
        "an expired key": answers(400, "ExpiredToken"),
        "refused": answers(403, "AccessDenied"),
        "a storm of SlowDown": answers(503, "SlowDown"),
        "a storm of 500": answers(500, "InternalError"),
        "an error in a 200": error_in_success,
        "stalls in the body": stalls,
        "cut in the body": is_cut,
        "a redirect without a region": sends(status=301, code="PermanentRedirect"),
        "a redirect to an empty region": sends(status=301, headers={"x-amz-bucket-region": ""}),
        "tokens without end": on("", make_endless()),
        "keys out of order": on("", unordered),
    }  # fmt: skip
    cases += [Case(_STORE, name, _in_the_store(twist), S3) for name, twist in twists.items()]
    cases += [
        # These cost each repository its new figures, and the old ones stay: the errors are counted.
        Case(_STORE, "pages without a token", _in_the_store(on("", no_token)), NONE, is_seen=_counts("no_token")),
        Case(_STORE, "the same token again", _in_the_store(on("", same_token)), NONE,
             is_seen=_counts("repeated_token")),
        Case(_STORE, "a count that is wrong", _in_the_store(on("", wrong_count)), NONE),
        Case(_STORE, "a date without a zone", _in_the_store(_zoneless), NONE),
        Case(_STORE, "a clock three hours behind", _skewed, NONE, moves_the_clock=True),
        Case(_STORE, "TLS handshakes that never come", _gate("store_gate", Way.SILENT), S3),
        Case(_STORE, "TLS handshakes byte by byte", _gate("store_gate", Way.DROPS), S3),
        Case(_STORE, "connections reset", _gate("store_gate", Way.RESET), S3),
        Case(_STORE, "connections reset in the answer", _gate("store_gate", Way.RESET_LATER), S3),
        Case(CLOCK, "set back two hours", _clock("-2h"), NONE, hold=3, moves_the_clock=True),
        Case(CLOCK, "set ahead two hours", _clock("+2h"), NONE, hold=3, moves_the_clock=True),
    ]  # fmt: skip
    return cases


CASES = _cases()

HANGS = tuple(
    case
    for case in CASES
    if case.name
    in (
        "stalled",
        "trickling its header",
        "continue tokens without end",
        "TLS handshakes that never come",
        "TLS handshakes byte by byte",
        "stalls in the body",
        "trickles interim answers",
    )
)
"""Those during which a read neither ends nor fails by itself."""
