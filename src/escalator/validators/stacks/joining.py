"""One verdict of several runners' on the same answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from escalator.records import Verdict
from escalator.validators.tests.feedback import MOST, tidy


def joined(verdicts: Sequence[tuple[str, Verdict]]) -> Verdict:
    """What is wrong by one is wrong; what one could not judge is not judged; a pass is as sure as its least."""
    if len(verdicts) == 1:
        return verdicts[0][1]
    all_of_them = [verdict for _, verdict in verdicts]
    worst = min(all_of_them, key=lambda verdict: (not verdict.failed, verdict.passed, verdict.confidence))
    alike = [verdict for verdict in all_of_them if verdict.status == worst.status]
    share = MOST // len(alike)
    return replace(
        worst,
        feedback="\n\n".join(tidy(verdict.feedback, share) for verdict in alike if verdict.feedback),
        hint=" ".join(dict.fromkeys(verdict.hint for verdict in alike if verdict.hint)),
        evidence={**worst.evidence, "runners": {name: dict(verdict.evidence) for name, verdict in verdicts}},
        seconds=sum(verdict.seconds for verdict in all_of_them),
    )
