"""The project's pytest settings, as far as a judge may trust them: always those of before the answer."""

from __future__ import annotations

import configparser
import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_KEPT = (
    "markers",
    "filterwarnings",
    "usefixtures",
    "python_classes",
    "python_functions",
    "xfail_strict",
    "strict_xfail",
    "enable_assertion_pass_hook",
    "truncation_limit_lines",
    "empty_parameter_set_mark",
)
_PLUGIN_SIGNS = {
    "pytest_asyncio.plugin": ("pytest_asyncio", "mark.asyncio", "asyncio_mode"),
    "anyio.pytest_plugin": ("mark.anyio", "anyio_backend"),
    "pytest_mock": ("mocker",),
    "pytest_httpx": ("httpx_mock",),
    "pytest_httpserver.pytest_plugin": ("httpserver",),
    "pytest_freezer": ("freezer",),
    "requests_mock.contrib._pytest_plugin": ("requests_mock",),
    "pytest_benchmark.plugin": ("benchmark",),
    "pytest_django.plugin": ("django_db", "DJANGO_SETTINGS_MODULE"),
}
_PLUGIN_KEYS = {
    "pytest_asyncio.plugin": "asyncio_",
    "pytest_django.plugin": "DJANGO_",
    "anyio.pytest_plugin": "anyio_",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What is taken over: `ini` is the text of a pytest.ini, `pythonpath` folders of the workspace,
    `plugins` those the tests look as if they use, `arguments` words for pytest's command line.
    """

    ini: str
    pythonpath: tuple[str, ...] = ()
    plugins: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()


def read_settings(workspace: Path | None, sources: Mapping[str, str]) -> Settings:
    """Take the harmless part of the project's configuration; `sources` are the trusted files by path.

    Left out is whatever chooses, reports or reruns tests (`addopts`, `testpaths`, `minversion`): the tests to be
    run are named one by one.
    """
    found = _section(workspace) if workspace is not None else {}
    text = "\n".join([*sources.values(), *map(str, found), str(found.get("addopts", ""))])
    plugins = tuple(name for name, signs in _PLUGIN_SIGNS.items() if any(sign in text for sign in signs))
    prefixes = tuple(_PLUGIN_KEYS[name] for name in plugins if name in _PLUGIN_KEYS)
    kept = {key: value for key, value in found.items() if key in _KEPT or (prefixes and key.startswith(prefixes))}
    options = [word for word in _words(found.get("addopts", ())) if word.startswith("--asyncio-mode=")]
    return Settings(
        ini="[pytest]\n" + "".join(f"{key} = {_ini_value(value)}\n" for key, value in kept.items()),
        pythonpath=tuple(path.strip("/") for path in _words(found.get("pythonpath", ())) if ".." not in path),
        plugins=plugins,
        arguments=tuple(options) if "pytest_asyncio.plugin" in plugins else (),
    )


def _section(workspace: Path) -> Mapping[str, object]:
    """The first pytest section in the order pytest looks for one; a file that does not parse has none."""
    for name, keys in (
        ("pytest.toml", ("pytest",)),
        ("pytest.ini", ("pytest",)),
        (".pytest.ini", ("pytest",)),
        ("pyproject.toml", ("tool", "pytest", "ini_options")),
        ("pyproject.toml", ("tool", "pytest")),
        ("tox.ini", ("pytest",)),
        ("setup.cfg", ("tool:pytest",)),
    ):
        path = workspace / name
        if not path.is_file():
            continue
        section = _toml(path, keys) if path.suffix == ".toml" else _ini(path, keys[0])
        if section:
            return section
    return {}


def _toml(path: Path, keys: tuple[str, ...]) -> Mapping[str, object]:
    try:
        section: object = tomllib.loads(path.read_text("utf-8", "replace"))
    except tomllib.TOMLDecodeError:
        return {}
    for key in keys:
        section = section.get(key, {}) if isinstance(section, dict) else {}
    return section if isinstance(section, dict) else {}


def _ini(path: Path, section: str) -> Mapping[str, Any]:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(path.read_text("utf-8", "replace"))
    except configparser.Error:
        return {}
    return dict(parser[section]) if parser.has_section(section) else {}


def _words(value: Any) -> list[str]:
    if isinstance(value, str):
        try:
            return shlex.split(value)
        except ValueError:
            return value.split()
    return [str(each) for each in value]


def _ini_value(value: object) -> str:
    if isinstance(value, list):
        return "".join(f"\n    {each}" for each in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return "\n    ".join(str(value).strip().splitlines())
