"""Commands that are loaded when they are used, so that each, and `escalator --help`, pays only for itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

import typer
import typer.main
from typer.core import TyperCommand, TyperGroup

if TYPE_CHECKING:
    from typer._click import Command as AnyCommand
    from typer._click import Context, HelpFormatter, Parameter


@dataclass(frozen=True, slots=True)
class Listed:
    """A command as the list of commands has it: "module:attribute" of its Typer app, and what it does."""

    home: str
    says: str


def command_app() -> typer.Typer:
    """A Typer app that holds one command, as the table of a `LazyGroup` names it."""
    return typer.Typer(rich_markup_mode=None, add_completion=False)


def load(listed: Listed) -> AnyCommand:
    """The command itself."""
    module, _, attribute = listed.home.partition(":")
    return typer.main.get_command(getattr(import_module(module), attribute))


class Commands(MutableMapping[str, "AnyCommand"]):
    """Commands by name, each loaded when it is first asked for."""

    def __init__(self, table: Mapping[str, Listed]) -> None:
        self._table, self._loaded = table, dict[str, "AnyCommand"]()

    def __getitem__(self, name: str) -> AnyCommand:
        if name not in self._loaded:
            self._loaded[name] = load(self._table[name])
        return self._loaded[name]

    def __setitem__(self, name: str, command: AnyCommand) -> None:
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        del self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        yield from self._table
        yield from (name for name in self._loaded if name not in self._table)

    def __contains__(self, name: object) -> bool:
        return name in self._table or name in self._loaded

    def __len__(self) -> int:
        return len({*self._table, *self._loaded})


class _Plainly:
    """Takes texts, and options left out, as they are. To convert anything, typer loads pydantic."""

    def get_params(self, ctx: Context) -> list[Parameter]:
        """What is read from the command line, each converted as late as can be."""
        found: list[Parameter] = super().get_params(ctx)  # type: ignore[misc]
        for parameter in found:
            if hasattr(parameter, "get_runtime_param") and not isinstance(parameter.get_runtime_param, _Plain):
                parameter.get_runtime_param = _Plain(parameter)
        return found


class _Plain:
    """Converts as typer does, where there is anything to convert."""

    def __init__(self, parameter: Any) -> None:
        self._wanted = parameter.type_descriptor.annotation
        self._converter = parameter.get_runtime_param

    def __call__(self) -> _Plain:
        return self

    def coerce(self, value: object, param: Parameter, ctx: Context) -> object:
        several = param.multiple or param.nargs == -1
        if value is None:
            return () if several else None
        if type(value) is self._wanted:  # a text, or the default of a number
            return value
        if self._wanted == list[str] and isinstance(value, list | tuple):
            return list(value)
        return self._converter().coerce(value, param=param, ctx=ctx)


class PlainCommand(_Plainly, TyperCommand):
    """A command that is quick to read."""


class PlainGroup(_Plainly, TyperGroup):
    """A group that is quick to read."""


class LazyGroup(PlainGroup):
    """A group whose commands stand in `table`; listing them loads none of them."""

    table: ClassVar[Mapping[str, Listed]] = {}

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = Commands(self.table)

    def format_commands(self, ctx: Context, formatter: HelpFormatter) -> None:
        """The list of commands, from the table."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, listed.says) for name, listed in self.table.items()])
