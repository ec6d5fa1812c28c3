"""From steps to replies: the one place that spends money, runs processes and waits."""

from escalator.perform.desk import Approve, Desk
from escalator.perform.effects import aperform_effect, perform_effect
from escalator.perform.performer import Performer

__all__ = ["Approve", "Desk", "Performer", "aperform_effect", "perform_effect"]
