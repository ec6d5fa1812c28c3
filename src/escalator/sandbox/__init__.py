"""How a child process is run, bounded, and kept apart from everything of the user's."""

from escalator.sandbox.api import IsolationName, Sandbox, probe, remedy
from escalator.sandbox.probe import ProbeResult

__all__ = ["IsolationName", "ProbeResult", "Sandbox", "probe", "remedy"]
