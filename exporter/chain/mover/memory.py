"""How much memory a mover had, and how much to give it next."""

import re
from decimal import Decimal

from exporter.chain.backup import Backup
from exporter.facts.cluster.core.objects import Container

DEFAULT = "2Gi"
"""What to give a mover that had no limit of its own: its node had too little."""

_QUANTITY = re.compile(r"(?P<number>\d{1,15}(?:\.\d{1,9})?)(?P<unit>[KMGT]i|[kMGT]|)")
_LARGER = {"Ki": "Mi", "Mi": "Gi", "Gi": "Ti"}


def more(backup: Backup) -> str:
    """Twice the limit of the mover that ended last."""
    job, mover = backup.job, backup.source.spec.mover if backup.source else None
    pods = backup.failed_pods[:1] or backup.pods[:1]
    containers = [container for pod in pods for container in pod.spec.containers or ()]
    containers += (job.spec.template.spec.containers or ()) if job else ()
    containers += [Container(resources=mover.mover_resources)] if mover else []
    limits = ((c.resources.limits or {}).get("memory") for c in containers if c.resources)
    limit = next((limit for limit in limits if limit is not None), None)
    return (doubled(str(limit)) if limit is not None else None) or DEFAULT


def doubled(quantity: str) -> str | None:
    """Twice *quantity*, as Kubernetes writes it; None where it cannot be read."""
    match = _QUANTITY.fullmatch(quantity)
    if match is None:
        return None
    number, unit = Decimal(match["number"]) * 2, match["unit"]
    if unit in _LARGER and number >= 1024 and number % 1024 == 0:
        number, unit = number / 1024, _LARGER[unit]
    return f"{number.normalize():f}{unit}"
