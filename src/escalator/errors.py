"""Every error escalator raises, and what to do about it.

EscalatorError
├── ConfigError            the matrix, a plug-in or an environment variable is wrong
├── TaskError              the task as given cannot be done by anybody
├── ProviderError          a model call failed; `kind` says how
├── ValidatorError         a validator was built or used wrongly
├── LedgerError            the ledger cannot be opened, read or written
├── SandboxError           no isolation strong enough on this machine
└── NotAcceptedError       raised by `Outcome.unwrap()`; carries the outcome
    ├── ChainExhaustedError    every rung was tried and no answer passed
    ├── ReviewNeededError      a person has to decide
    ├── BudgetExceededError    the cost guard refused the next call
    └── StoppedError           deadline, cancellation, refusal, a missing validator

Errors carry facts as attributes; `str(error)` is one or two sentences that end with what to do next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from escalator.foreign import said

if TYPE_CHECKING:
    from pathlib import Path

    from escalator.records import Outcome

ErrorKind: TypeAlias = Literal[
    "auth",
    "bad_request",
    "bad_response",
    "busy",
    "cancelled",
    "capability_missing",
    "connection",
    "context_overflow",
    "model_loading",
    "model_not_found",
    "model_not_loaded",
    "network_blocked",
    "out_of_memory",
    "overloaded",
    "quota",
    "rate_limit",
    "schema_unsupported",
    "server",
    "server_timeout",
    "stream_cut",
    "timeout",
    "too_large",
    "unavailable",
]
"""How a model call failed. None of these is ever counted against a model's ability."""


class EscalatorError(Exception):
    """Base of everything escalator raises on purpose. Its text may be shown as it is: no password of an address is
    in it, and nothing that steers a terminal.
    """

    def __init__(self, *told: object) -> None:
        super().__init__(*(said(each) if isinstance(each, str) else each for each in told))


class ConfigError(EscalatorError):
    """The configuration cannot be used as written.

    Attributes: `file` (path or None), `line` (1-based or None), `key` (dotted path of the offending key or
    None), `hint` (what to do next, may be empty).
    """

    def __init__(
        self,
        message: str,
        *,
        file: Path | str | None = None,
        line: int | None = None,
        key: str | None = None,
        hint: str = "",
    ) -> None:
        self.message, self.file, self.line, self.key, self.hint = said(message), file, line, key, said(hint)
        where = str(file) if file is not None else ""
        if where and line is not None:
            where += f":{line}"
        parts = [part for part in (where, key, message) if part]
        super().__init__(": ".join(parts) + (f" ({hint})" if hint else ""))


class TaskError(EscalatorError):
    """The task is malformed: `field` names the argument, `hint` says what to pass instead."""

    def __init__(self, message: str, *, field: str, hint: str = "") -> None:
        self.message, self.field, self.hint = said(message), field, said(hint)
        super().__init__(f"{field}: {message}" + (f" ({hint})" if hint else ""))


class ProviderError(EscalatorError):
    """A model call failed.

    Attributes: `kind` (see `ErrorKind`), `provider` and `model` (names in the matrix), `status` (HTTP status
    or None), `retry_after` (seconds the server asked for, or None), `needed` and `limit` (tokens, where a
    context overflow named them), `body` (at most 2,000 characters of the answer, for a person), `billed`
    (whether the provider may have charged for the call), `input_tokens` and `output_tokens` (what was used
    before the failure, None where unknown).
    """

    def __init__(
        self,
        message: str,
        *,
        kind: ErrorKind,
        provider: str = "",
        model: str = "",
        status: int | None = None,
        retry_after: float | None = None,
        needed: int | None = None,
        limit: int | None = None,
        body: str = "",
        billed: bool = False,
        input_tokens: int | None = None,
        output_tokens: int | None = None,
    ) -> None:
        self.message, self.kind = said(message), kind
        self.provider, self.model = provider, model
        self.status, self.retry_after = status, retry_after
        self.needed, self.limit = needed, limit
        self.body, self.billed = said(body[:2000]), billed
        self.input_tokens, self.output_tokens = input_tokens, output_tokens
        super().__init__(message)

    def __reduce__(self) -> tuple[object, ...]:
        facts = {k: v for k, v in self.__dict__.items() if k != "message"}
        return (_rebuild_provider_error, (self.message, facts))


def _rebuild_provider_error(message: str, facts: dict[str, object]) -> ProviderError:
    return ProviderError(message, **facts)  # type: ignore[arg-type]


class ValidatorError(EscalatorError):
    """A validator was configured or used wrongly; `validator` is its name."""

    def __init__(self, message: str, *, validator: str) -> None:
        self.message, self.validator = said(message), validator
        super().__init__(f"validator {validator!r}: {message}")


class LedgerError(EscalatorError):
    """The ledger cannot be opened, read or written."""


class SandboxError(EscalatorError):
    """No sandbox of the wanted strength works on this machine."""


class NotAcceptedError(EscalatorError):
    """`Outcome.unwrap()` was called on an outcome that is not accepted; `outcome` is that outcome."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        super().__init__(f"{outcome.status}: {outcome.reason}")


class ChainExhaustedError(NotAcceptedError):
    """Every rung that could be tried was tried, and no answer passed."""


class ReviewNeededError(NotAcceptedError):
    """A person has to decide; the best answer so far is in `outcome`."""


class BudgetExceededError(NotAcceptedError):
    """The cost guard refused the next call. Raise the limit and `resume` the task."""


class StoppedError(NotAcceptedError):
    """The task was stopped: deadline, cancellation, refusal, or a validator that could not run."""
