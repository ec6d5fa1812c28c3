"""The JSON validator: does the answer match the schema, or the pydantic model, the task asks for?"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar

from escalator.languages.faults import describe
from escalator.records import Verdict
from escalator.validators.protocol import broke, failed, passed, skipped, unavailable
from escalator.validators.syntax.readers import read_json

if TYPE_CHECKING:
    from escalator.records import Brief, Candidate
    from escalator.validators.protocol import Validator

_SHOWN = 5
_LARGEST = 4_000_000
_FENCED = re.compile(r"\A\s*```[\w-]*[ \t]*\n(.*?)\n[ \t]*```\s*\Z", re.DOTALL)


def json_schema(*, schema: Mapping[str, object] | None = None, model: str | type | None = None) -> Validator:
    """Judge whether the answer is JSON of the wanted shape.

    `schema`: a JSON Schema (draft 2020-12 unless its "$schema" says otherwise; references to other documents
    are not fetched). `model`: a pydantic model, or any type pydantic can validate, as a class or as
    "package.module:Name". Without either, the task's `response_schema` counts. What is judged is the one JSON
    file the answer changes, else its text, around which one code fence is let pass. Feedback lists up to five
    faults, each with its JSON pointer.
    """
    if schema is not None:
        _check_schema(schema)
    if isinstance(model, str) and ":" not in model:
        raise ValueError(f'model: {model!r} is not "package.module:Name"')
    return _JsonSchema(schema=schema, model=model)


@dataclass(frozen=True, kw_only=True, slots=True)
class _JsonSchema:
    schema: Mapping[str, object] | None
    model: str | type | None
    name: ClassVar[str] = "json_schema"
    cost: ClassVar[str] = "instant"
    quick: ClassVar[bool] = True

    def inapplicable(self, brief: Brief) -> str | None:
        """Why there is nothing to judge in this task, or None."""
        if self.schema is None and self.model is None and brief.response_schema is None:
            return "The task names no response schema."
        return None

    def __call__(self, candidate: Candidate) -> Verdict:
        if (why := self.inapplicable(candidate.brief)) is not None:
            return skipped(self.name, why, "Give the task a response_schema, or the validator a schema or model.")
        where, text = _judged_text(candidate)
        if len(text) > _LARGEST:
            return failed(self.name, feedback=f"{where} has {len(text):,} characters; answer with less JSON.")
        if (fault := read_json(text)) is not None:
            told = describe(where, text, [fault])
            return failed(self.name, feedback=f"Answer with one JSON value and nothing around it.\n{told}")
        try:
            errors = self._errors(text, candidate.brief.response_schema)
        except ImportError as error:
            return unavailable(self.name, f"{error}.", "Install jsonschema, or correct the name of the model.")
        except SchemaUnusableError as error:
            return broke(self.name, str(error), "Correct the schema.")
        if errors:
            return failed(self.name, feedback="\n".join([f"{where} does not match the schema:", *errors]))
        return passed(self.name, evidence={"judged": where})

    def _errors(self, text: str, wanted: Mapping[str, object] | None) -> list[str]:
        errors: list[str] = []
        if self.model is not None:
            errors += _model_errors(_class(self.model), text)
        schema = self.schema if self.schema is not None or self.model is not None else wanted
        if schema is not None:
            errors += schema_errors(schema, json.loads(text.removeprefix("\ufeff"), parse_int=_integer))
        return errors[:_SHOWN]


class SchemaUnusableError(Exception):
    """The schema itself cannot be used."""


def _judged_text(candidate: Candidate) -> tuple[str, str]:
    changed = [(path, text) for path, text in candidate.changes.files.items() if text and path.endswith(".json")]
    if len(changed) == 1:
        return changed[0]
    fenced = _FENCED.match(candidate.answer)
    return "answer", fenced[1] if fenced else candidate.answer.strip()


def _integer(digits: str) -> int | float:
    """An integer as schemas compare it; beyond 4,000 digits only its size class matters."""
    return int(digits) if len(digits) < 4000 else float("inf")


def _class(model: str | type) -> object:
    if not isinstance(model, str):
        return model
    module, _, attribute = model.partition(":")
    found: Any = import_module(module)
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise ImportError(f"{module} has no {attribute}")
        found = getattr(found, part)
    return found


def _model_errors(model: Any, text: str) -> list[str]:
    from pydantic import TypeAdapter, ValidationError

    try:
        TypeAdapter(model).validate_json(text.removeprefix("\ufeff"))
    except ValidationError as error:
        return [f"{_pointer(each['loc'])}: {each['msg']}" for each in error.errors(include_url=False)[:_SHOWN]]
    return []


def schema_errors(schema: Mapping[str, object], instance: object) -> list[str]:
    """Up to a hundred faults of a value, each as "pointer: message". Raises `SchemaUnusableError`."""
    from jsonschema.exceptions import SchemaError
    from referencing.exceptions import Unresolvable

    try:
        validator = _validator(schema)
        validator.check_schema(schema)
        found = list(islice(validator.iter_errors(instance), 100))
    except (SchemaError, Unresolvable, re.error) as error:
        raise SchemaUnusableError(f"The schema cannot be used: {error}") from error
    except RecursionError:
        return ["/: the value nests too deeply"]
    found.sort(key=lambda error: list(map(str, error.absolute_path)))
    return [f"{_pointer(error.absolute_path)}: {_clip(error.message)}" for error in found]


def _validator(schema: Mapping[str, object]) -> Any:
    from jsonschema import Draft202012Validator
    from jsonschema.validators import validator_for
    from referencing import Registry

    kind: Any = validator_for(schema, default=Draft202012Validator)
    return kind(schema, registry=Registry(), format_checker=kind.FORMAT_CHECKER)


def _check_schema(schema: Mapping[str, object]) -> None:
    try:
        from jsonschema.exceptions import SchemaError
    except ImportError:
        return
    try:
        _validator(schema).check_schema(schema)
    except SchemaError as error:
        raise ValueError(f"schema: {error.message} at {_pointer(error.absolute_path)}") from error


def _pointer(path: Iterable[str | int] | Sequence[str | int]) -> str:
    """RFC 6901: the place of a value in a document."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path) or "/"


def _clip(message: str) -> str:
    return message if len(message) <= 300 else f"{message[:140]} ... {message[-140:]}"
