"""The long-lived things behind an `Escalator`: matrix, providers, ledger, sandbox, validators; each built once."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeAlias

from escalator import plugins
from escalator.errors import ConfigError, ProviderError
from escalator.execution.context import TaskContext
from escalator.matrix import Matrix, find_matrix, load_matrix
from escalator.matrix.matrix import is_local

if TYPE_CHECKING:
    from escalator.events import Approve, Event, Sink
    from escalator.ledger import Archive
    from escalator.pricing import PriceBook
    from escalator.providers import Provider
    from escalator.records import ValidatorSpec
    from escalator.sandbox import Sandbox
    from escalator.validators import Validator

MatrixSource: TypeAlias = "str | Path | Mapping[str, Any] | Matrix | None"
Providers: TypeAlias = "Provider | Mapping[str, Provider] | None"

Stamp: TypeAlias = "tuple[str, int, int] | tuple[()]"
"""Path, time and size of a matrix file as it was read; empty where the matrix is not a file."""

LEDGER_ENVIRONMENT = "ESCALATOR_LEDGER"


class ProviderPool:
    """The providers of one matrix, each built when it is first asked. Safe to use from many threads."""

    def __init__(self, matrix: Matrix, given: Providers) -> None:
        self._matrix, self._given, self._lock = matrix, given, RLock()
        self._built: dict[str, Provider] = {}

    def provider(self, name: str) -> Provider:
        """The provider of a name. Raises `ProviderError` of kind "auth" where its key is not set."""
        if self._given is not None and not isinstance(self._given, Mapping):
            return self._given
        if isinstance(self._given, Mapping) and name in self._given:
            return self._given[name]
        with self._lock:
            if name not in self._built:
                self._built[name] = self._build(name)
            return self._built[name]

    def _build(self, name: str) -> Provider:
        from escalator.providers import build

        section = self._matrix.file.providers.get(name)
        if section is None:
            raise ConfigError(
                f"the plan of this task uses the provider {name!r}, which this matrix does not have",
                file=self._matrix.source,
                key="providers",
                hint="resume the task with the matrix it was planned by",
            )
        key = os.environ.get(section.api_key_env) if section.api_key_env else None
        if section.api_key_env and not key:
            raise ProviderError(
                f"the environment variable {section.api_key_env} is not set; export it to use provider {name!r}",
                kind="auth",
                provider=name,
            )
        options: dict[str, object] = dict(section.options)
        if section.headers:
            options["headers"] = section.headers
        return build(
            section.kind,
            name=name,
            base_url=section.base_url,
            api_key=key,
            key_env=section.api_key_env,
            options=options,
            local=is_local(section),
        )

    def close(self) -> None:
        """Give the connections of threads up; what the caller passed in stays open."""
        for provider in self._built.values():
            provider.close()

    async def aclose(self) -> None:
        """The same, with the connections of the running event loop."""
        for provider in self._built.values():
            await provider.aclose()


class Resources:
    """Builds what tasks need when it is first needed, and keeps it."""

    def __init__(
        self,
        matrix: MatrixSource,
        *,
        ledger: str | Path | Archive | None,
        providers: Providers,
        approve: Approve | None,
        on_event: Sink | Iterable[Sink] | None,
        clock: Callable[[], float],
        timer: Callable[[], float],
    ) -> None:
        self._source, self._ledger_source, self._given = matrix, ledger, providers
        self._approve, self._sinks = approve, _sinks(on_event)
        self._clock, self._timer = clock, timer
        self._lock = RLock()
        self._matrix: Matrix | None = None
        self._stamp: Stamp = ()
        self._pools: list[ProviderPool] = []
        self._context: TaskContext | None = None
        self._ledger: Archive | None = None
        self._validators: dict[str, Validator] = {}

    def matrix(self) -> Matrix:
        """The matrix, read again if its file changed since the last task."""
        with self._lock:
            stamp = self._file_stamp()
            if self._matrix is None or stamp != self._stamp:
                self._matrix, self._stamp, self._context = load_matrix(self._source), stamp, None
                # running tasks keep the pool they have
                self._pools.append(ProviderPool(self._matrix, self._given))
            return self._matrix

    def _file_stamp(self) -> Stamp:
        if isinstance(self._source, str | Path | None) and "\n" not in str(self._source or ""):
            path = Path(self._source) if self._source is not None else find_matrix()
            if path is not None and path.exists():
                status = path.stat()
                return (str(path), status.st_mtime_ns, status.st_size)
        return ()

    def provider(self, name: str) -> Provider:
        """The provider of a name in the matrix in force."""
        with self._lock:
            self.matrix()
            pool = self._pools[-1]
        return pool.provider(name)

    def context(
        self, *, approve: Approve | None = None, on_event: Sink | Iterable[Sink] | None = None
    ) -> TaskContext:
        """What a task works with; `approve` and `on_event` are for this task alone."""
        with self._lock:
            matrix = self.matrix()
            if self._context is None:
                self._context = TaskContext(
                    matrix=matrix,
                    books=self.ledger,
                    quotes=_prices,
                    cell=cache(partial(_sandbox, matrix)),
                    provider=self._pools[-1].provider,
                    validator=self.validator,
                    publish=_publisher(self._sinks),
                    approve=self._approve,
                    clock=self._clock,
                    timer=self._timer,
                )
            if approve is None and on_event is None:
                return self._context
            publish = _publisher([*self._sinks, *_sinks(on_event)])
            return replace(self._context, approve=approve or self._approve, publish=publish)

    def validator(self, spec: ValidatorSpec) -> Validator:
        """The validator a spec asks for, built once for each set of options."""
        from escalator import validators

        key = spec.name
        if spec.options:
            key = json.dumps([spec.name, dict(spec.options)], sort_keys=True, default=id)
        with self._lock:
            if key not in self._validators:
                self._validators[key] = validators.build(spec)
            return self._validators[key]

    def ledger_location(self) -> str | Path | None:
        """Where the ledger is, or will be; it is not opened. None for a ledger object of the caller's."""
        target = self._ledger_target()
        return target if isinstance(target, str | Path) else None

    def _ledger_target(self) -> str | Path | Archive:
        """What the caller named, else environment, matrix, the user's state directory."""
        named = self._ledger_source or os.environ.get(LEDGER_ENVIRONMENT)
        return named or _configured(self.matrix()) or state_file()

    def ledger(self) -> Archive:
        """The ledger, opened when a task first needs it."""
        with self._lock:
            if self._ledger is None:
                self._ledger = self._open_ledger(self.matrix())
            return self._ledger

    def _open_ledger(self, matrix: Matrix) -> Archive:
        from escalator.ledger import open_ledger

        section = matrix.file.ledger
        ledger = open_ledger(
            self._ledger_target(),
            durability=section.durability,
            clock=self._clock,
            store_answers=section.store_answers,
        )
        if section.redact is None:
            return ledger
        from escalator.redaction import RedactingLedger

        return RedactingLedger(ledger, plugins.find(section.redact, "redaction", {}, key="ledger.redact"))

    def close(self) -> None:
        """Close what was opened here; what the caller passed in stays open."""
        for pool in tuple(self._pools):
            pool.close()
        self._close_ledger()

    async def aclose(self) -> None:
        """The same, with the connections of the running event loop."""
        for pool in tuple(self._pools):
            await pool.aclose()
        self._close_ledger()

    def _close_ledger(self) -> None:
        """Close outside the lock: the ledger first writes what waits, and who waits for that may want the lock."""
        with self._lock:
            ledger, self._ledger, self._context = self._ledger, None, None
        if ledger is not None and isinstance(self._ledger_source, str | Path | None):
            ledger.close()


@cache
def _prices() -> PriceBook:
    from escalator.pricing import PriceBook

    return PriceBook()


def _publisher(sinks: list[Sink]) -> Callable[[Event], None]:
    """Hands events to the sinks; what does it is loaded with the first event."""

    @cache
    def publisher() -> Callable[[Event], None]:
        from escalator.events import Publisher

        return Publisher(sinks)

    def publish(event: Event) -> None:
        publisher()(event)

    return publish


def _sandbox(matrix: Matrix) -> Sandbox:
    from escalator.sandbox import Sandbox

    section = matrix.file.sandbox
    return Sandbox(
        isolation=section.isolation,
        allow_unsandboxed=section.allow_unsandboxed,
        min_isolation=section.min_isolation,
        share=section.share,
    )


def state_file() -> Path:
    """The ledger in the user's state directory."""
    from platformdirs import user_state_path

    return user_state_path("escalator", appauthor=False) / "ledger.sqlite"


def _configured(matrix: Matrix) -> str | Path | None:
    section = matrix.file.ledger
    if section.url_env:
        url = os.environ.get(section.url_env)
        if not url:
            raise ConfigError(
                f"the environment variable {section.url_env} is not set",
                file=matrix.source,
                key="ledger.url_env",
                hint="export it with the postgresql:// URL of the ledger",
            )
        return url
    return matrix.ledger_file


def _sinks(given: Sink | Iterable[Sink] | None) -> list[Sink]:
    if given is None:
        return []
    return [given] if callable(given) else list(given)
