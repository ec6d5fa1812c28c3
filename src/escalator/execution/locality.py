"""Whether a model really runs on the user's own machines: established before a prompt leaves, not inferred."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from escalator.errors import ProviderError
from escalator.execution.budgets import is_free
from escalator.execution.effects import Locate
from escalator.flow import Flow
from escalator.kinds import kind_of, numeric
from escalator.records import Brief, Failure, Model

if TYPE_CHECKING:
    from escalator.execution.context import TaskContext

KEPT_SECONDS = 60.0
"""How long an answer to where a model runs is believed."""

ASKING_SECONDS = 10.0
"""How long a server may take to say where a model runs."""


class Locality:
    """To whom one task may be told. A `local_only` task asks anew where a model runs, whoever asked before."""

    def __init__(self, context: TaskContext, brief: Brief) -> None:
        self._context, self._brief = context, brief
        self._since = context.timer() if brief.local_only else None

    @cached_property
    def _secret(self) -> str:
        """A file of the task that may hold a secret, where the matrix keeps those at home; empty if none does."""
        if self._context.matrix.file.privacy.secrets == "any":
            return ""
        from escalator.workspace import is_secret

        given = {**self._brief.files, **self._brief.tests}
        return next((path for path, text in given.items() if is_secret(path, text)), "")

    def forbidden(self, model: Model) -> Failure | None:
        """Why this task may not use a model, as the matrix in force has it."""
        free_here = model.local and is_free(model)
        matters = self._brief.local_only or free_here or not model.local
        if not matters or self._context.matrix.keeps_local(model):
            return None
        if self._brief.local_only:
            text = f"the task is local_only and {model.name} runs elsewhere"
            return Failure(kind="local_only", message=text, provider=model.provider)
        if self._secret:
            text = (
                f"{self._secret} may hold a secret and {model.name} runs elsewhere; leave the file out, or write "
                "privacy.secrets: any in the matrix"
            )
            return Failure(kind="local_only", message=text, provider=model.provider)
        today = self._context.matrix.models.get(model.name)
        if free_here and today is not None and not is_free(today):
            text = f"{model.name} was free because it was local, and it has moved elsewhere; run the task anew"
            return Failure(kind="unknown_price", message=text, provider=model.provider)
        return None

    def strayed(self, model: Model, *, remaining: float | None) -> Flow[Failure | None]:
        """Why a model that is taken for local may not be used after all: it runs elsewhere, or nobody can tell.

        Only a `local_only` task needs to know for certain; another one is kept from taking a model of somebody
        else's for free.
        """
        step = self._question(model, remaining)
        if step is None:
            return None
        key = (model.provider, model.id)
        at, answer = self._context.located.get(key, (float("-inf"), ""))
        oldest = self._context.timer() - KEPT_SECONDS
        if at < max(oldest, self._since if self._since is not None else oldest):
            found: str | ProviderError = yield step
            if isinstance(found, ProviderError):
                return self._untold(model, found)
            answer = found
            self._context.located[key] = (self._context.timer(), answer)
        return self.elsewhere(model, answer) if answer else None

    def _question(self, model: Model, remaining: float | None) -> Locate | None:
        """What has to be found out, None if nothing."""
        must = self._brief.local_only
        if not model.local or not (must or is_free(model)):
            return None
        try:
            provider = self._context.provider(model.provider)
        except ProviderError:
            return None  # said where the provider is needed
        section = self._context.matrix.file.providers.get(model.provider)
        url = ""
        if section is not None and section.local is None and hasattr(provider, "reach"):
            url = section.base_url or kind_of(section.kind).base_url
        host = urlsplit(url).hostname or ""
        if host == "localhost" or numeric(host) is not None:
            url = ""
        asks = hasattr(provider, "whereabouts") and (must or kind_of(model.kind).remote_tags)
        if not (url or asks):
            return None
        seconds = ASKING_SECONDS if remaining is None else max(min(ASKING_SECONDS, remaining), 0.001)
        return Locate(provider, model.id, url, seconds)

    def elsewhere(self, model: Model, host: str) -> Failure:
        """The failure of a model that another host answers for."""
        where = f"{model.name} is served from {host}, not from this machine"
        yours = ", or state `local: true` on its provider if that is a machine of yours" if numeric(host) else ""
        if self._brief.local_only:
            text = f"{where}, and the task is local_only; use a model that is here{yours}"
            return Failure(kind="local_only", message=text, provider=model.provider)
        text = f"{where}; set `local: false` on its provider and state its price, use a local model{yours}"
        return Failure(kind="unknown_price", message=text, provider=model.provider)

    def _untold(self, model: Model, error: ProviderError) -> Failure | None:
        if not self._brief.local_only or error.kind == "network_blocked":
            return None
        text = f"the task is local_only and nobody could say where {model.name} runs: {error.message}"
        return Failure(kind=error.kind, message=text, provider=model.provider, retry_after=error.retry_after)
