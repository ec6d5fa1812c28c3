"""Judges of answers, one a file. A validator never knows which rung wrote the answer."""

from escalator.validators.plugins import BUILT_IN, build, resolve
from escalator.validators.protocol import (
    Cost,
    Factory,
    Validator,
    broke,
    cost_of,
    cost_rank,
    failed,
    judge,
    name_of,
    passed,
    skipped,
    suspicious,
    unavailable,
    version_of,
    why_inapplicable,
    why_unavailable,
)

__all__ = [
    "BUILT_IN",
    "Cost",
    "Factory",
    "Validator",
    "broke",
    "build",
    "cost_of",
    "cost_rank",
    "failed",
    "judge",
    "name_of",
    "passed",
    "resolve",
    "skipped",
    "suspicious",
    "unavailable",
    "version_of",
    "why_inapplicable",
    "why_unavailable",
]
