"""One sentence about a claim, for a person."""

from exporter.chain.now import Now
from exporter.chain.verdict import ClaimState, ClaimVerdict, LinkState
from exporter.durations import format_duration


def summary_of(verdict: ClaimVerdict, at: Now) -> str:
    """The claim's state and why, in one sentence."""
    point = verdict.recovery_point
    age = (
        f"a restore brings back the state of {format_duration(at - point)} ago"
        if point
        else "there is nothing to restore"
    )
    reason = f" {verdict.problem.reason}" if verdict.problem else ""
    match verdict.state:
        case ClaimState.EXEMPT:
            return f"Exempt: {verdict.exemption}."
        case ClaimState.STARTING:
            return "Starting: it has no backup yet, and none is overdue."
        case ClaimState.UNKNOWN:
            if any(source.method == "syncthing" for source in verdict.sources):
                return "Unknown: syncthing keeps no recovery points."
            open_link = next((v for v in verdict.links if v.state is LinkState.UNKNOWN), None)
            return f"Unknown: {open_link.evidence if open_link else 'its objects could not be read.'}"
        case ClaimState.PROTECTED:
            return f"Protected: {age}."
        case ClaimState.AT_RISK:
            return f"At risk: {age}, but the next backup cannot succeed.{reason}"
        case ClaimState.UNPROTECTED:
            return f"Unprotected: {age}.{reason}"
