"""A simulated fleet: servers on loopback that speak the real wires and answer at their model's level of skill.

For the demo, for examples and for benchmarks; every result that comes from it is labelled simulated.
"""

from escalator.simulation.fleet import Fault, Fleet, Question, Reply, Skill

__all__ = ["Fault", "Fleet", "Question", "Reply", "Skill"]
