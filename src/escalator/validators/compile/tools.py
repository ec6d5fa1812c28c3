"""Finds the compiler or type checker a project itself uses, from its base revision and never from an answer."""

from __future__ import annotations

import os
import shutil
import sys
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from escalator.languages.files import language_of
from escalator.validators.project import base_text

if TYPE_CHECKING:
    from escalator.records import Brief

FATAL = "E9,F63,F7,F82"
"""ruff's rules for Python that cannot run: syntax, wrong comparisons, misplaced words, unknown names."""

_NO_CACHE = "--cache-dir=/dev/null"

_TYPE_CHECKERS = frozenset({"mypy", "pyright", "basedpyright", "ty", "pyrefly"})
"""Given the other files of the task as well, since a change of types breaks callers."""

_INSTALL = {
    "mypy": "Install mypy beside escalator or in the project's .venv.",
    "pyright": "Install pyright.",
    "basedpyright": "Install basedpyright.",
    "ty": "Install ty.",
    "pyrefly": "Install pyrefly.",
    "ruff": "Install ruff.",
    "tsc": "Run the project's own installation (npm ci) so that node_modules holds typescript.",
    "go": "Install Go.",
    "cargo": "Install Rust.",
    "javac": "Install a JDK.",
    "gcc": "Install gcc.",
    "g++": "Install g++.",
    "bash": "Install bash.",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Tool:
    """How one tool is run: `argv`, with `files` appended if it `takes_files`; `form` names how it reports.

    `knows_packages`: the project's own packages are there, so an import that is not found is an error.
    """

    name: str
    argv: tuple[str, ...]
    form: str
    files: tuple[str, ...] = ()
    takes_files: bool = True
    writable: bool = False
    readable: tuple[Path, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    knows_packages: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Missing:
    """The project wants this tool, and it is not here, or cannot be run safely."""

    name: str
    why: str
    hint: str


Find = Callable[[str], str | None]


def finder(brief: Brief) -> Find:
    """Looks for a program in the project's own environment, beside this interpreter, then on PATH."""
    own = [Path(sys.executable).parent]
    if brief.workspace is not None:
        own = [brief.workspace / ".venv/bin", brief.workspace / "node_modules/.bin", *own]

    def find(name: str) -> str | None:
        near = (str(folder / name) for folder in own)
        return next((path for path in near if os.access(path, os.X_OK)), None) or shutil.which(name)

    return find


def tools_for(brief: Brief, changed: Sequence[str], *, only: str | None, find: Find) -> list[Tool | Missing]:
    """The tools that judge these changed files. `only` names one tool to use whatever the project says."""
    by_language: dict[str, list[str]] = {}
    for path in changed:
        if (language := language_of(path)) is not None:
            by_language.setdefault(language.name, []).append(path)
    wanted: list[tuple[str, list[str]]] = []
    for language_name, paths in by_language.items():
        wanted += [(name, paths) for name in _names(language_name, brief)]
    merged: dict[str, list[str]] = {}
    for name, paths in wanted:
        merged.setdefault(name, []).extend(paths)
    if "python" in by_language:
        relatives = [path for path in brief.files if path.endswith((".py", ".pyi"))]
        merged = {name: [*paths, *(relatives if name in _TYPE_CHECKERS else ())] for name, paths in merged.items()}
    if only is not None:
        merged = {only: merged.get(only) or [path for paths in by_language.values() for path in paths]}
    return [_tool(name, tuple(sorted(set(paths))), brief, find) for name, paths in merged.items() if paths]


def _names(language: str, brief: Brief) -> list[str]:
    if language == "python":
        return _python_names(brief)
    if language in {"typescript", "tsx", "declaration"}:
        return ["tsc"] if base_text(brief, "tsconfig.json") is not None else []
    if language == "java" and any(base_text(brief, name) is not None for name in ("pom.xml", "build.gradle")):
        return ["java-build"]
    needs = {"go": "go.mod", "rust": "Cargo.toml"}
    if language in needs and base_text(brief, needs[language]) is None:
        return []
    by_language = {"go": "go", "rust": "cargo", "java": "javac", "c": "gcc", "cpp": "g++", "bash": "bash"}
    return [by_language[language]] if language in by_language else []


def _python_names(brief: Brief) -> list[str]:
    """The type checker and the linter the project configures, else ruff for what cannot run at all."""
    settings = _pyproject(brief)
    names: list[str] = sorted(_TYPE_CHECKERS & settings.keys())
    for file, name in (
        ("mypy.ini", "mypy"),
        (".mypy.ini", "mypy"),
        ("pyrightconfig.json", "pyright"),
        ("pyrefly.toml", "pyrefly"),
        ("ty.toml", "ty"),
    ):
        if base_text(brief, file) is not None and name not in names:
            names.append(name)
    if "mypy" not in names and "[mypy]" in (base_text(brief, "setup.cfg") or ""):
        names.append("mypy")
    configured = "ruff" in settings or any(base_text(brief, name) for name in ("ruff.toml", ".ruff.toml"))
    return [*names, "ruff" if configured else "ruff-fatal"]


def _pyproject(brief: Brief) -> dict[str, object]:
    try:
        settings = tomllib.loads(base_text(brief, "pyproject.toml") or "").get("tool", {})
    except tomllib.TOMLDecodeError:
        return {}
    return settings if isinstance(settings, dict) else {}


def _tool(name: str, files: tuple[str, ...], brief: Brief, find: Find) -> Tool | Missing:
    if name == "java-build":
        return Missing(
            name="javac",
            why="The project is built by Maven or Gradle, whose scripts are not run unasked.",
            hint='Use the command validator, such as {command: {run: "mvn -o -q compile"}}.',
        )
    program = name.removesuffix("-fatal")
    found = _cargo() if program == "cargo" else find(program)
    if found is None:
        hint = _INSTALL.get(program, f"Install {program}.")
        return Missing(name=name, why=f"{program} was not found.", hint=hint)
    if name in {*_TYPE_CHECKERS, "ruff", "ruff-fatal"}:
        return _python_tool(name, found, files, brief)
    return _compiler(name, found, files, brief)


def _python_tool(name: str, found: str, files: tuple[str, ...], brief: Brief) -> Tool:
    venv = brief.workspace / ".venv" if brief.workspace is not None else None
    if venv is None or not (venv / "bin/python").exists():
        venv = None
    python = _python_option(name, venv)
    argv = {
        "mypy": (
            "--no-color-output",
            "--no-error-summary",
            "--show-error-codes",
            "--no-pretty",
            "--cache-dir=/dev/null",
        ),
        "pyright": ("--outputjson",),
        "basedpyright": ("--outputjson",),
        "ty": ("check", "--output-format=concise"),
        "pyrefly": ("check", "--output-format=json"),
        "ruff": ("check", "--no-cache", "--no-fix", "--output-format=json"),
        "ruff-fatal": ("check", "--isolated", "--no-cache", "--output-format=json", f"--select={FATAL}"),
    }[name]
    forms = {"pyright": "pyright", "basedpyright": "pyright", "pyrefly": "pyrefly", "ruff": "ruff"}
    return Tool(
        name=name,
        argv=(found, *argv, *python),
        form="ruff" if name == "ruff-fatal" else forms.get(name, "colons"),
        files=files,
        readable=() if venv is None else (venv, Path(os.path.realpath(venv / "bin/python")).parent.parent),
        knows_packages=venv is not None,
    )


def _python_option(name: str, venv: Path | None) -> tuple[str, ...]:
    """Tells a type checker which Python's packages count: the project's, where it has an environment."""
    options = {
        "mypy": "--python-executable",
        "pyright": "--pythonpath",
        "basedpyright": "--pythonpath",
        "ty": "--python",
        "pyrefly": "--python-interpreter-path",
    }
    return (f"{options[name]}={venv / 'bin/python'}",) if venv is not None and name in options else ()


def _compiler(name: str, found: str, files: tuple[str, ...], brief: Brief) -> Tool:
    if name == "tsc":
        return _tsc(found, files, brief)
    if name == "go":
        return _go(found, files)
    if name == "cargo":
        return _cargo_tool(found, files)
    if name == "javac":
        return _javac(found, files)
    if name == "bash":
        script = 'status=0; for file do "$0" -n "$file" || status=1; done; exit $status'
        return Tool(name=name, argv=("sh", "-c", script, found), form="bash", files=files)
    sources = tuple(path for path in files if not path.endswith((".h", ".hpp", ".hh", ".hxx", ".ipp")))
    options = ("-fsyntax-only", "-fdiagnostics-color=never", "-I.", "-Iinclude", "-Isrc")
    return Tool(name=name, argv=(found, *options), form="colons", files=sources, knows_packages=False)


def _tsc(found: str, files: tuple[str, ...], brief: Brief) -> Tool:
    modules = brief.workspace / "node_modules" if brief.workspace is not None else None
    if modules is None or not modules.is_dir():
        modules = None
    link = "" if modules is None else f"ln -s {quote(str(modules))} node_modules; "
    return Tool(
        name="tsc",
        argv=("sh", "-c", link + 'exec "$0" --noEmit --pretty false -p tsconfig.json', found),
        form="tsc",
        files=files,
        takes_files=False,
        writable=True,
        readable=() if modules is None else (modules,),
        knows_packages=modules is not None,
    )


def _go(found: str, files: tuple[str, ...]) -> Tool:
    cache = Path(os.environ.get("GOMODCACHE") or Path.home() / "go/pkg/mod")
    env = {"GOPROXY": "off", "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}
    return Tool(
        name="go",
        argv=(found, "vet", "./..."),
        form="go",
        files=files,
        takes_files=False,
        writable=True,
        readable=(cache,) if cache.is_dir() else (),
        env={**env, "GOMODCACHE": str(cache)} if cache.is_dir() else env,
    )


def _javac(found: str, files: tuple[str, ...]) -> Tool:
    """A JDK keeps its settings behind links that lead elsewhere; those places are shown too."""
    real = Path(os.path.realpath(found))
    links = [each for each in (real.parent.parent / "conf").rglob("*") if each.is_symlink()]
    options = ("-proc:none", "-Xlint:none", "-implicit:none", "-d", ".", "-sourcepath", ".:src/main/java:src")
    return Tool(
        name="javac",
        argv=(str(real), *options),
        form="colons",
        files=files,
        writable=True,
        readable=tuple({Path(os.path.realpath(each)).parent for each in links}),
    )


def _cargo() -> str | None:
    """The real cargo: behind rustup's stand-in lies a toolchain folder, which can be shown without the home."""
    found = shutil.which("cargo")
    if found is None or not (Path(found).parent / "rustup").exists():
        return found
    home = Path(os.environ.get("RUSTUP_HOME") or Path(found).parent.parent.parent / ".rustup")
    try:
        chosen = tomllib.loads((home / "settings.toml").read_text(encoding="utf-8")).get("default_toolchain", "")
    except (OSError, tomllib.TOMLDecodeError):
        return None
    real = home / "toolchains" / str(chosen) / "bin/cargo"
    return str(real) if chosen and real.exists() else None


def _cargo_tool(found: str, files: tuple[str, ...]) -> Tool:
    toolchain = Path(found).parent.parent
    registry = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo") / "registry"
    has_registry = registry.is_dir()
    link = f'mkdir -p "$HOME/.cargo" && ln -s \'{registry}\' "$HOME/.cargo/registry"; ' if has_registry else ""
    script = link + 'exec "$0" check --offline --quiet --all-targets --message-format=short'
    in_home = toolchain.parent.name == "toolchains"
    return Tool(
        name="cargo",
        argv=("sh", "-c", script, found),
        form="colons",
        files=files,
        takes_files=False,
        writable=True,
        readable=(*((toolchain,) if in_home else ()), *((registry,) if has_registry else ())),
        env={"RUSTC": str(toolchain / "bin/rustc")} if in_home else {},
    )
