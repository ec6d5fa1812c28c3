"""A loaded matrix: the file's content as records, ready for planning."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from escalator.errors import ConfigError
from escalator.kinds import at_home, kind_of
from escalator.matrix.reading import Document, KeyPath, overlay, packaged, read_file, read_text
from escalator.records import Model, Price, Tier, Timeouts

if TYPE_CHECKING:
    from escalator.matrix.schema import MatrixFile, ModelSection, ProviderSection, TaskTypeSection


@dataclass(frozen=True)
class Matrix:
    """An escalation matrix. `file` is the validated content, `source` what to call it in messages. `ledger_file`:
    the SQLite file it names, None if it names none.
    """

    file: MatrixFile
    document: Document
    source: str
    ledger_file: Path | None = None

    @cached_property
    def fingerprint(self) -> str:
        """Identifies the content; two files that say the same have the same one."""
        text = json.dumps(self.document.data, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @cached_property
    def models(self) -> Mapping[str, Model]:
        """Every model by name."""
        return {name: self._model(name, section) for name, section in self.file.models.items()}

    def model(self, name: str, *, key: KeyPath = ()) -> Model:
        """One model by name. Raises `ConfigError` with a suggestion if the matrix has none of that name."""
        try:
            return self.models[name]
        except KeyError:
            raise self.error(f"there is no model {name!r}{closest(name, self.models)}", key) from None

    def task_type(self, name: str) -> TaskTypeSection:
        """One task type by name. Raises `ConfigError` with a suggestion if there is none of that name."""
        try:
            return self.file.task_types[name]
        except KeyError:
            text = f"there is no task type {name!r}{closest(name, self.file.task_types)}"
            raise self.error(text, ("task_types",)) from None

    def keeps_local(self, model: Model) -> bool:
        """Whether a model, perhaps of a plan made long ago, is local by this matrix too: the stricter wins."""
        section = self.file.providers.get(model.provider)
        if section is None:
            return model.local
        return model.local and is_local(section) and not _runs_elsewhere(section.kind, model.id)

    def error(self, message: str, key: KeyPath, hint: str = "") -> ConfigError:
        """An error that names file, line and key."""
        return error_at(self.document, self.source, key, message, hint=hint)

    def _model(self, name: str, section: ModelSection) -> Model:
        key = ("models", name)
        if section.provider not in self.file.providers:
            hint = closest(section.provider, self.file.providers)
            raise self.error(f"there is no provider {section.provider!r}{hint}", (*key, "provider"))
        provider = self.file.providers[section.provider]
        local = _is_local_model(provider, section)
        price = _price(section, free=local or provider.simulated)
        if section.options and (price is None or price.input or price.output):
            self._refuse_unbounded(name, section, provider.kind)
        return Model(
            name=name,
            provider=section.provider,
            kind=provider.kind,
            id=section.id,
            tier=Tier(section.tier),
            local=local,
            context=section.context,
            max_output=section.max_output,
            price=price,
            hourly=section.hourly,
            vision=section.vision,
            thinks=section.thinks,
            effort=section.effort,
            temperature=section.temperature,
            simulated=provider.simulated,
            timeouts=Timeouts(**vars(section.timeout)),
            options=section.options,
        )

    def _refuse_unbounded(self, name: str, section: ModelSection, kind: str) -> None:
        """Raise for an option of a paid model that its worst case would not cover."""
        from escalator.matrix.options import unbounded

        found = unbounded(kind, section.options, price_stated=section.price is not None)
        if found is not None:
            option, hint = found
            text = f"the option {option!r} can raise the bill of {name} above what is held for a call"
            raise self.error(text, ("models", name, "options", option), hint)


def _price(section: ModelSection, *, free: bool) -> Price | None:
    if section.price is not None:
        return Price(**vars(section.price))
    return Price(input=Decimal(0), output=Decimal(0)) if free else None


def _is_local_model(provider: ProviderSection, section: ModelSection) -> bool:
    """Whether a model runs on the user's own machines: said so, or its provider does and its id denies it not."""
    if section.local is not None:
        return section.local
    elsewhere = _runs_elsewhere(provider.kind, section.id)
    return is_local(provider) and not elsewhere and not bought_at(provider, section)


def alias_of(matrix: Matrix, model: Model, answered_by: str) -> str:
    """Who sells the model that a gateway at a private address let answer in this one's place; else ""."""
    provider, section = matrix.file.providers.get(model.provider), matrix.file.models.get(model.name)
    if provider is None or section is None or answered_by == model.id:
        return ""
    return bought_at(provider, section, answered_by=answered_by)


def bought_at(provider: ProviderSection, section: ModelSection, *, answered_by: str = "") -> str:
    """Who sells the model behind a gateway at a private address, unless the matrix says where it runs; else ""."""
    unsaid = section.local is None and provider.local is None and not provider.simulated
    if not (unsaid and kind_of(provider.kind).gateway and is_local(provider)):
        return ""
    from escalator.sellers import sold_as

    sold = sold_as(answered_by or section.id)
    return sold.seller if sold is not None else ""


def is_local(provider: ProviderSection) -> bool:
    """Whether a provider runs on the user's own machines: said so, or a local kind at a private address."""
    if provider.local is not None:
        return provider.local
    kind = kind_of(provider.kind)
    return kind.can_be_local and at_home(provider.base_url or kind.base_url)


def _runs_elsewhere(kind: str, model_id: str) -> bool:
    """Whether a local server serves the model from its vendor's machines, as its tag says."""
    tag = model_id.rpartition(":")[2]
    return any(tag == remote or tag.endswith(f"-{remote}") for remote in kind_of(kind).remote_tags)


def dotted(key: Iterable[str | int]) -> str:
    """A key path as people write it: `task_types.critical.chain[0]`."""
    text = ""
    for part in key:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def closest(name: str, known: Iterable[str]) -> str:
    """A suggestion for a mistyped name: `; did you mean 'haiku'?`, or the list of what exists."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; known are {', '.join(names)}" if names else ""


def load_matrix(source: str | Path | Mapping[str, object] | Matrix | None = None, *overlays: str | Path) -> Matrix:
    """Load and validate a matrix: a path, YAML text with a line break in it, a mapping, or None to look it up.

    Each of `overlays` is a file laid over the ones before it. Raises `ConfigError` naming file, line and key.
    """
    from escalator.matrix.lookup import find_matrix

    if isinstance(source, Matrix):
        if not overlays:
            return source
        document, name = source.document, source.source
    elif isinstance(source, Mapping):
        document, name = Document(_plain(source)), "the given mapping"
    elif isinstance(source, str) and "\n" in source:
        document, name = read_text(source, "the given text"), "the given text"
    else:
        path = Path(source) if source is not None else find_matrix()
        document, name = (read_file(path), str(path)) if path is not None else (packaged(), "the default matrix")
    for extra in overlays:
        document = overlay(document, read_file(Path(extra)))
        name = f"{name} + {extra}"
    return validated(document, name)


def _plain(source: Mapping[str, object]) -> dict[str, object]:
    data: dict[str, object] = json.loads(json.dumps(source, default=str))
    return data


def validated(document: Document, source: str) -> Matrix:
    """Check a document against the schema and its own names."""
    from escalator.matrix.plain import read_plainly

    file = read_plainly(document.data) or _read_by_pydantic(document, source)
    matrix = Matrix(file=file, document=document, source=source, ledger_file=_ledger_file(file, document))
    _check_task_types(matrix)
    _check_names(matrix)
    return matrix


def _ledger_file(file: MatrixFile, document: Document) -> Path | None:
    """Where the ledger is: a relative path belongs to the folder of the file that names it, so that the books are
    the same wherever a command is given.
    """
    if not file.ledger.path:
        return None
    path, place = Path(file.ledger.path).expanduser(), document.place(("ledger", "path"))
    named_by = Path(place.file) if place is not None else None
    if path.is_absolute() or named_by is None or not named_by.is_file():
        return path
    return named_by.resolve().parent / path


def _read_by_pydantic(document: Document, source: str) -> MatrixFile:
    from pydantic import TypeAdapter, ValidationError

    from escalator.matrix.schema import MatrixFile

    _check_literal_keys(document, source)
    try:
        return TypeAdapter(MatrixFile).validate_python(document.data)
    except ValidationError as error:
        raise _as_config_error(error, document, source) from None


def _check_literal_keys(document: Document, source: str) -> None:
    """Raise for a key that stands in the file itself, before its text can get into any other message."""
    providers = document.data.get("providers")
    for name, section in providers.items() if isinstance(providers, dict) else ():
        if isinstance(section, dict) and "api_key" in section:
            raise error_at(
                document,
                source,
                ("providers", name, "api_key"),
                "keys never stand in the file",
                hint="write api_key_env with the NAME of an environment variable",
            )


def _check_task_types(matrix: Matrix) -> None:
    """Raise for a band that is none, and for a validator that is several."""
    for name, section in matrix.file.task_types.items():
        low, high = section.complexity
        if not 0 <= low <= high <= 10:
            text = "must be two numbers from 0 to 10, the lower one first"
            raise matrix.error(text, ("task_types", name, "complexity"))
        for index, item in enumerate(section.validators):
            if isinstance(item, dict) and len(item) != 1:
                text = "a validator with options is written as {name: {option: value}}"
                raise matrix.error(text, ("task_types", name, "validators", index))


def _check_names(matrix: Matrix) -> None:
    """Raise for any name that is used and not defined."""
    _ = matrix.models
    for name, section in matrix.file.task_types.items():
        for index, rung in enumerate(section.chain):
            wanted = rung if isinstance(rung, str) else rung.model
            matrix.model(wanted, key=("task_types", name, "chain", index))
        checkers = [section.checker] if isinstance(section.checker, str) else section.checker or []
        for checker in checkers:
            if checker not in {"none", "auto"}:
                matrix.model(checker, key=("task_types", name, "checker"))
    guard, classifier = matrix.file.cost_guard, matrix.file.classifier
    if guard.baseline is not None:
        matrix.model(guard.baseline, key=("cost_guard", "baseline"))
    if classifier.llm is not None:
        matrix.model(classifier.llm, key=("classifier", "llm"))
    for name in guard.budgets.task_type:
        if name not in matrix.file.task_types:
            hint = closest(name, matrix.file.task_types)
            key = ("cost_guard", "budgets", "task_type", name)
            raise matrix.error(f"there is no task type {name!r}{hint}", key)


def _as_config_error(error: Any, document: Document, source: str) -> ConfigError:
    """The first thing pydantic found wrong, in our words; the count of the others behind it."""
    from escalator.matrix.explain import explain

    problems = sorted(
        error.errors(include_url=False), key=lambda item: item["type"] != "unexpected_keyword_argument"
    )
    first = problems[0]
    key, message, hint = explain(first)
    if len(problems) > 1:
        message += f" (and {len(problems) - 1} more problem{'s' if len(problems) > 2 else ''})"
    return error_at(document, source, key, message, hint=hint)


def error_at(document: Document, source: str, key: KeyPath, message: str, *, hint: str = "") -> ConfigError:
    """An error that names the file and line where a key stands; `source` where nobody knows."""
    place = document.place(key)
    return ConfigError(
        message,
        file=place.file if place else source,
        line=place.line if place else None,
        key=dotted(key) or None,
        hint=hint,
    )
