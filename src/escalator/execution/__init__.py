"""From steps to replies: the one place that spends money, runs processes and waits."""

from escalator.execution.context import Approve, Desk
from escalator.execution.effects import aperform_effect, perform_effect
from escalator.execution.performer import Performer

__all__ = ["Approve", "Desk", "Performer", "aperform_effect", "perform_effect"]
