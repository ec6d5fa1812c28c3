"""escalator gets coding work done by the cheapest model that can prove it did it.

    from escalator import execute

    outcome = execute("Make slugify() keep digits", workspace=".", files=["textutils.py"], tests=["tests/"])
    print(outcome.summary())

Importing this package loads no SDK, opens no file and starts no thread; names are loaded when first used.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from escalator.client import Escalator, aexecute, aresume, classify, execute, resume, validate
    from escalator.errors import (
        BudgetExceededError,
        ChainExhaustedError,
        ConfigError,
        EscalatorError,
        LedgerBusyError,
        LedgerError,
        NotAcceptedError,
        ProviderError,
        ReviewNeededError,
        SandboxError,
        StoppedError,
        TaskError,
        ValidatorError,
    )
    from escalator.matrix import Matrix, load_matrix
    from escalator.records import Attempt, Candidate, ChangeSet, Classification, Outcome, Plan, Task, Verdict

_HOMES = {
    "client": ("Escalator", "aexecute", "aresume", "classify", "execute", "resume", "validate"),
    "errors": (
        "BudgetExceededError",
        "ChainExhaustedError",
        "ConfigError",
        "EscalatorError",
        "LedgerBusyError",
        "LedgerError",
        "NotAcceptedError",
        "ProviderError",
        "ReviewNeededError",
        "SandboxError",
        "StoppedError",
        "TaskError",
        "ValidatorError",
    ),
    "matrix": ("Matrix", "load_matrix"),
    "records": ("Attempt", "Candidate", "ChangeSet", "Classification", "Outcome", "Plan", "Task", "Verdict"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Attempt",
    "BudgetExceededError",
    "Candidate",
    "ChainExhaustedError",
    "ChangeSet",
    "Classification",
    "ConfigError",
    "Escalator",
    "EscalatorError",
    "LedgerBusyError",
    "LedgerError",
    "Matrix",
    "NotAcceptedError",
    "Outcome",
    "Plan",
    "ProviderError",
    "ReviewNeededError",
    "SandboxError",
    "StoppedError",
    "Task",
    "TaskError",
    "ValidatorError",
    "Verdict",
    "aexecute",
    "aresume",
    "classify",
    "execute",
    "load_matrix",
    "resume",
    "validate",
]


class _Package(ModuleType):
    """The package: a room of it that is called like a public function does not take the function's place."""

    def __setattr__(self, name: str, value: object) -> None:
        if name not in _HOME_OF or not isinstance(value, ModuleType):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("escalator-router")
    if name not in _HOME_OF:
        raise AttributeError(f"module 'escalator' has no attribute {name!r}")
    value = getattr(import_module(f"escalator.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})
