"""What the log says: reports, the attribution of every attempt, the story of one task, exports."""

from __future__ import annotations

from escalator.report.analysis import report
from escalator.report.attribution import Attribution, attributions
from escalator.report.calibration import Calibration, Curve, calibration
from escalator.report.files import export
from escalator.report.records import Cause, LocalShare, Money, Report, Success, Totals
from escalator.report.timeline import Moment, Timeline, timeline

__all__ = [
    "Attribution",
    "Calibration",
    "Cause",
    "Curve",
    "LocalShare",
    "Moment",
    "Money",
    "Report",
    "Success",
    "Timeline",
    "Totals",
    "attributions",
    "calibration",
    "export",
    "report",
    "timeline",
]
