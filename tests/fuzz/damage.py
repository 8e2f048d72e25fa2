"""Objects as a cluster has them, and what chance makes of them."""

import copy
import json
import random
from typing import Any

from tests.cluster.conftest import small_cluster

ODD: tuple[Any, ...] = (
    None, True, 0, -1, 2**31, -(2**31), 2**63, 2**70, 1e308, -0.0, "", " ", "0", "-", "\x00", "\x1b[2J", "\u202e",
    "\ud800", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-13-41T00:00:00Z",
    "1969-12-31T23:59:60Z", "999999998d", "@every 999999999d", "@every -1s", "* * * * *", "0 0 31 2 *",
    "CRON_TZ=x 0 0 * * *",
    "1h0m0s", "-3h", "1e999s", "s3:http://u:p@[::1/b", "s3:http://[", "s3:", "rest:", "{{", "{{{{{{",
    "*" * 64, "x; touch canary #", "$(x)", "-n",
    "x" * 254, "x" * 5000, [], {}, [[]], [None], {"": None}, {"name": None},
)  # fmt: skip


def seeds() -> list[dict[str, Any]]:
    """Sound objects, some of them with a status."""
    objects = small_cluster()
    for one in objects:
        if one["kind"] in ("ReplicationSource", "ReplicationDestination"):
            one["status"] = {
                "lastSyncTime": "2026-01-18T13:40:00Z",
                "lastSyncStartTime": "2026-01-18T13:55:00Z",
                "nextSyncTime": "2026-01-18T14:40:00Z",
                "lastSyncDuration": "41.2s",
                "lastManualSync": "a",
                "latestMoverStatus": {"result": "Failed", "logs": "Fatal: unable to open config file"},
                "conditions": [{"type": "Synchronizing", "status": "False", "reason": "Error", "message": "no"}],
                "restic": {"lastPruned": "2026-01-17T00:00:00Z"},
            }
    return objects


def damaged(chance: random.Random, corpus: list[dict[str, Any]]) -> bytes:
    """A list of some of *corpus*, damaged as values and, now and then, as bytes."""
    items = [json.loads(json.dumps(one)) for one in chance.sample(corpus, chance.randint(1, 12))]
    for _ in range(chance.randint(1, 6)):
        _damage(chance, chance.choice(items))
    kind = chance.choice(("List", f"{items[0].get('kind')}List"))
    text = json.dumps({"apiVersion": "v1", "kind": kind, "items": items, "metadata": {}})
    content = bytearray(text.encode())
    if chance.random() < 0.3:
        for _ in range(chance.randint(1, 4)):
            place = chance.randrange(len(content))
            content[place : place + chance.randint(0, 3)] = chance.randbytes(chance.randint(0, 3))
    return bytes(content)


def _damage(chance: random.Random, value: Any) -> None:
    """Put something odd in one place of *value*."""
    while isinstance(value, dict | list) and value:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        key = chance.choice(keys)
        inner = value[key]
        if not isinstance(inner, dict | list) or not inner or chance.random() < 0.2:
            value[key] = copy.deepcopy(chance.choice(ODD))
            return
        value = inner
