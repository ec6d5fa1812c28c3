"""The project's pytest settings, as far as a judge may trust them: always those of before the answer."""

from __future__ import annotations

import configparser
import shlex
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from escalator.validators.tests.naming import Naming, naming_of

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
    """What is taken over: `ini` is the text of a pytest.ini, `pythonpath` folders of the workspace to import from,
    `plugins` those the tests look as if they use, `arguments` words for pytest's command line, `naming` what
    tests are called.
    """

    ini: str
    pythonpath: tuple[str, ...] = ()
    plugins: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    naming: Naming = field(default_factory=Naming)


def read_settings(workspace: Path | None, sources: Mapping[str, str], tests: Sequence[str] = ()) -> Settings:
    """Take the harmless part of the project's configuration; `sources` are the trusted files by path.

    As pytest does it, the settings are those nearest to the `tests`, upwards from the folder that holds them all:
    a project within a project has its own. Left out is whatever chooses, reports or reruns tests (`addopts`,
    `testpaths`, `minversion`): the tests to be run are named one by one.
    """
    folder, found = _nearest(workspace, tests) if workspace is not None else (".", {})
    paths = [*_words(found.get("pythonpath", ())), *_source_folders(workspace, folder)]
    text = "\n".join([*sources.values(), *map(str, found), str(found.get("addopts", ""))])
    plugins = tuple(name for name, signs in _PLUGIN_SIGNS.items() if any(sign in text for sign in signs))
    prefixes = tuple(_PLUGIN_KEYS[name] for name in plugins if name in _PLUGIN_KEYS)
    kept = {key: value for key, value in found.items() if key in _KEPT or (prefixes and key.startswith(prefixes))}
    options = [word for word in _words(found.get("addopts", ())) if word.startswith("--asyncio-mode=")]
    return Settings(
        ini="[pytest]\n" + "".join(f"{key} = {_ini_value(value)}\n" for key, value in kept.items()),
        pythonpath=tuple(dict.fromkeys(_inside(folder, path) for path in paths if ".." not in path)),
        plugins=plugins,
        arguments=tuple(options) if "pytest_asyncio.plugin" in plugins else (),
        naming=naming_of(found),
    )


def read_naming(workspace: Path, tests: Sequence[str]) -> Naming:
    """What tests are called in the project, by the settings nearest to these."""
    return naming_of(_nearest(workspace, tests)[1])


def _nearest(workspace: Path, tests: Sequence[str]) -> tuple[str, Mapping[str, object]]:
    """The folder nearest to the tests that has settings for pytest, and these; the root if none has."""
    folders = [PurePosixPath(path).parent for path in tests] or [PurePosixPath()]
    common = folders[0]
    while not all(folder.is_relative_to(common) for folder in folders):
        common = common.parent
    for folder in (common, *common.parents):
        found = _section(workspace / folder)
        if found or (workspace / folder / "pytest.ini").is_file():
            return folder.as_posix(), found
    return ".", {}


def _inside(folder: str, path: str) -> str:
    return PurePosixPath(folder, path.strip("/")).as_posix()


def _source_folders(workspace: Path | None, folder: str) -> list[str]:
    """Where a project says that its packages lie, for setuptools, poetry or hatch; below the root as usual."""
    if workspace is None:
        return []
    own = [] if folder == "." else ["src", "."]
    tools = _toml(workspace / folder / "pyproject.toml", ("tool",))
    places = [
        _at(tools, "setuptools", "package-dir", ""),
        *_listed(_at(tools, "setuptools", "packages", "find", "where")),
    ]
    places += [each.get("from") for each in _listed(_at(tools, "poetry", "packages")) if isinstance(each, dict)]
    places += _listed(_at(tools, "hatch", "build", "sources"))
    old = _ini(workspace / folder / "setup.cfg", "options").get("package_dir", "")
    places += [line.partition("=")[2].strip() for line in str(old).splitlines() if line.strip().startswith("=")]
    return [*(place for place in places if isinstance(place, str) and place), *own]


def _at(found: object, *keys: str) -> object:
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


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
    if not path.is_file():
        return {}
    try:
        section: object = tomllib.loads(path.read_text("utf-8", "replace"))
    except tomllib.TOMLDecodeError:
        return {}
    for key in keys:
        section = section.get(key, {}) if isinstance(section, dict) else {}
    return section if isinstance(section, dict) else {}


def _ini(path: Path, section: str) -> Mapping[str, Any]:
    if not path.is_file():
        return {}
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
