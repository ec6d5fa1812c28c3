"""What a performer works with: the long-lived things every task of one `Escalator` shares."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from escalator.events import Approve, Event
    from escalator.ledger import Archive
    from escalator.matrix import Matrix
    from escalator.pricing import PriceBook
    from escalator.providers import Provider
    from escalator.records import Plan, ValidatorSpec
    from escalator.sandbox import Sandbox
    from escalator.validators import Validator


@dataclass(frozen=True, kw_only=True)
class TaskContext:
    """Providers, ledger, prices, sandbox, clocks and listeners.

    `books` opens the ledger, `cell` makes the sandbox and `quotes` gives the prices when they are first needed.
    `provider` finds the provider of a name, raising `ProviderError` of kind "auth" where its key is missing;
    `validator` builds the validator a spec asks for, raising `ConfigError` where none can be.
    `plans` are those made so far from the matrix, by what of a task they depend on. `located`: when, by the timer,
    a model of a provider was last looked for, and the host it was found on where that is not the user's own.
    `clock` is seconds since the epoch, `timer` a monotonic clock; both are passed in so that tests own time.
    """

    matrix: Matrix
    books: Callable[[], Archive]
    quotes: Callable[[], PriceBook]
    cell: Callable[[], Sandbox]
    provider: Callable[[str], Provider]
    validator: Callable[[ValidatorSpec], Validator]
    publish: Callable[[Event], None]
    plans: dict[Hashable, Plan] = field(default_factory=dict)
    located: dict[tuple[str, str], tuple[float, str]] = field(default_factory=dict)
    approve: Approve | None = None
    clock: Callable[[], float] = time.time
    timer: Callable[[], float] = time.monotonic

    @property
    def ledger(self) -> Archive:
        """The ledger, opened on first use."""
        return self.books()

    @property
    def prices(self) -> PriceBook:
        """What models cost."""
        return self.quotes()

    @property
    def sandbox(self) -> Sandbox:
        """The sandbox, made on first use."""
        return self.cell()
