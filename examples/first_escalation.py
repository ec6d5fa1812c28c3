"""A small local model fails twice, a larger one passes: simulated models, real validators and sandbox."""

from escalator import execute
from escalator.simulation import Fleet, Question
from escalator.testing import fenced

BASE = {"leap.py": "def is_leap(year):\n    return year % 4 == 0\n"}
TESTS = {
    "test_leap.py": "import pytest\nfrom leap import is_leap\n\n\n"
    "@pytest.mark.parametrize(('year', 'leap'), [(2024, True), (1900, False), (2000, True), (2023, False)])\n"
    "def test_leap(year, leap):\n    assert is_leap(year) is leap\n"
}


def skill(question: Question) -> str:
    """The large model knows the rule of the centuries, the small one forgets half of it."""
    rule = "year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)"
    if question.model == "small":
        rule = "year % 4 == 0 and year % 100 != 0"
    return fenced(f"def is_leap(year):\n    return {rule}\n", path="leap.py")


with Fleet(skill) as fleet:
    matrix = {
        "version": 1,
        "providers": fleet.providers(),
        "models": {
            "small-local": {"provider": "ollama", "id": "small", "tier": "local_fast"},
            "large-local": {"provider": "lmstudio", "id": "large", "tier": "local_quality"},
        },
        "task_types": {
            "standard_development": {
                "complexity": [0, 10],
                "chain": ["small-local", "large-local"],
                "validators": ["syntax", "tests"],
                "max_attempts": 2,
            }
        },
    }
    outcome = execute(
        "Century years are no leap years, unless divisible by 400.", files=BASE, tests=TESTS, matrix=matrix
    )

print(outcome.summary())
assert outcome.status == "accepted"
