"""Why a cluster gave no answer, as one error: what is wrong, and what to do."""

import re
from typing import Final

from exporter.cli.inputs import Failure
from exporter.facts.reading import Reason

_ELSEWHERE: Final = "Name a kubeconfig with --kubeconfig or --context, or read a dump with --from."
_REQUEST: Final = re.compile(r"^[\w.]+: (?:list|get|watch)[^:]*: ")
"""What was asked for: whatever it is, nothing would be answered."""


def no_cluster(error: Exception) -> Failure:
    """Nothing says where the cluster is, or what says so cannot be used."""
    return Failure(f"{error}\n{_ELSEWHERE}")


def no_answer(context: str, address: str, reason: Reason | None, detail: str) -> Failure:
    """The API server of *context* gave nothing at all."""
    name = f"the API server of {context} at {address}"
    detail = _REQUEST.sub("", detail.removeprefix(f"{address}: "))
    match reason:
        case Reason.UNAUTHORIZED:
            return Failure(
                f"{name} does not accept these credentials: {detail}\n"
                "Log in again as for kubectl; an expired token is the usual reason."
            )
        case Reason.TLS:
            return Failure(
                f"{name} shows a certificate that is not trusted: {detail}\n"
                "Check certificate-authority in the kubeconfig, and the server's name."
            )
        case _:
            return Failure(
                f"{name} cannot be reached: {detail}\n"
                "Check that the cluster is up, the context (--context) and the network or VPN."
            )
