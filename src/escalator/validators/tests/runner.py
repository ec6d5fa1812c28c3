"""Runs trusted tests against untrusted code, inside the sandbox: `python -I -B run.py TRUSTED WORKSPACE FD`.

This file is copied beside the tests and imports nothing of escalator; it runs under the project's interpreter,
so it keeps to Python 3.8 and pytest 7. What to do comes as JSON on standard input; what was seen goes out as
lines of JSON on descriptor FD, each with a keyed digest. The order of what happens here is the defence: bind
the functions used later, import pytest and its plug-ins, read the key, and only then let the workspace be
importable, behind everything that is installed.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import json
import os
import sys
from _blake2 import blake2b
from os import path as paths
from time import perf_counter
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

TEXT_LIMIT = 6000


def make_sender(descriptor: int, key: bytes) -> Callable[..., None]:
    """A function that sends one record; each is numbered and signed, and a forked child sends nothing."""
    write, digest, encode, getpid = os.write, blake2b, json.JSONEncoder().encode, os.getpid
    owner, count = getpid(), 0

    def send(**record: Any) -> None:
        nonlocal count
        if getpid() != owner:
            return
        body = encode([count, record]).encode("ascii")
        count += 1
        line = digest(body, key=key, digest_size=16).hexdigest().encode("ascii") + b" " + body + b"\n"
        while line:
            line = line[write(descriptor, line) :]

    return send


class TrustedLoader:
    """Loads a trusted module and remembers it, whatever else is put under its name afterwards."""

    def __init__(self, inner: Any, made: dict[str, ModuleType], given: dict[str, Any], place: str) -> None:
        self.inner, self.made, self.given, self.place = inner, made, given, place

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Leave the making of the module to the loader inside."""
        module: ModuleType | None = self.inner.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Remember the module before any of its code runs, and let it find itself in the project."""
        self.made[module.__name__] = module
        module.__dict__.update(self.given, __file__=self.place)
        self.inner.exec_module(module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class TrustedFinder:
    """Finds trusted modules before any path is searched, and the project's own before what is installed.

    `trusted` maps the names of trusted modules to the files they are read from, `places` to where they belong.
    """

    def __init__(
        self,
        trusted: dict[str, str],
        places: dict[str, str],
        project: frozenset[str],
        *,
        folders: list[str],
        given: dict[str, Any],
    ) -> None:
        self.trusted, self.places, self.project = trusted, places, project
        self.folders, self.given = folders, given
        self.rewriter: Any = None
        self.made: dict[str, ModuleType] = {}
        self._path_finder = importlib.machinery.PathFinder.find_spec
        self._from_file = importlib.util.spec_from_file_location

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Answer for trusted names and the project's own; leave all others to the finders behind."""
        file = self.trusted.get(name)
        if file is not None:
            place = self.places[name]
            package = [place[: -len("/__init__.py")]] if place.endswith("/__init__.py") else None
            spec = self._from_file(name, file, submodule_search_locations=package)
            if spec is not None:
                inner = self.rewriter or spec.loader
                spec.loader = TrustedLoader(inner, self.made, self.given, place)  # type: ignore[assignment]
            return spec
        if path is None and name in self.project:
            spec = self._path_finder(name, self.folders)
            return spec if spec is not None and spec.origin else None
        return None

    def trusted_module(self, name: str) -> ModuleType:
        """Import a trusted module; what untrusted code may have put under its name is not taken."""
        if name not in self.made:
            sys.modules.pop(name, None)
        importlib.import_module(name)
        return self.made[name]

    def go_first(self) -> None:
        """Stand before pytest's own import hook, and let it rewrite the assertions of what is found here."""
        hooks = [hook for hook in sys.meta_path if type(hook).__name__ == "AssertionRewritingHook"]
        self.rewriter = hooks[0] if hooks else None
        sys.meta_path.remove(self)
        sys.meta_path.insert(0, self)


class TrustedModule(pytest.Module):
    """A test module that is imported under the name given to it, from where it is trusted."""

    trusted_name: str
    finder: TrustedFinder
    send: Callable[..., None]

    def _getobj(self) -> ModuleType:
        try:
            module = self.finder.trusted_module(self.trusted_name)
        except BaseException as error:
            self.send(kind="import", id=self.nodeid, error=describe(error))
            raise
        self.config.pluginmanager.consider_module(module)
        return module


class Reporter:
    """The plug-in that sends one record a phase, the list of collected tests, and the errors of collection."""

    def __init__(
        self, send: Callable[..., None], setup: dict[str, Any], finder: TrustedFinder, current: list[str]
    ) -> None:
        self.send, self.finder, self.current = send, finder, current
        self.names = {place: name for name, place in finder.places.items()}
        self.wanted = frozenset(setup["only"])
        self.raised: dict[str, bool] = {}
        self.made: tuple[Any, Any] = (None, None)

    @pytest.hookimpl(tryfirst=True)
    def pytest_load_initial_conftests(self) -> None:
        """Before any conftest is imported, see to the order of finders."""
        self.finder.go_first()

    def pytest_pycollect_makemodule(self, module_path: Any, parent: Any) -> Any:
        """Collect trusted files as trusted modules."""
        name = self.names.get(str(module_path))
        if name is None:
            return None
        module: Any = TrustedModule.from_parent(parent, path=module_path)
        module.trusted_name, module.finder, module.send = name, self.finder, self.send
        return module

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Keep only the tests asked for, where only some are."""
        if self.wanted:
            items[:] = [item for item in items if not self.wanted.isdisjoint(ways_to_name(item.nodeid))]

    def pytest_collection_finish(self, session: Any) -> None:
        """Send the ids of what will be run."""
        self.send(kind="collected", ids=[item.nodeid for item in session.items])

    def pytest_collectreport(self, report: Any) -> None:
        """Send what could not be collected."""
        if not report.passed:
            self.send(kind="collect", id=report.nodeid, outcome=report.outcome, text=clip(report.longreprtext))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Note which test runs."""
        self.current[0] = nodeid

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: Any) -> Generator[None, Any, None]:
        """Note whether the test raised, before anything can explain it away."""
        outcome = yield
        self.raised[item.nodeid] = outcome.excinfo is not None

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: Any, call: Any) -> Generator[None, Any, None]:
        """Keep the report that was made, with the exception it was made from."""
        outcome = yield
        self.made = (outcome.get_result(), call.excinfo)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Send the phase; of a subtest only its failure."""
        made, excinfo = self.made
        if type(report).__name__ != "TestReport":
            if report.failed:
                self.phase(report, None, threw=True)
            return
        threw = made is not report or excinfo is not None
        if report.when == "call":
            threw = threw or self.raised.get(report.nodeid, True)
        self.phase(report, excinfo if made is report else None, threw=threw)

    def phase(self, report: Any, excinfo: Any, *, threw: bool) -> None:
        """Send one phase of one test."""
        facts: dict[str, Any] = {}
        if report.outcome != "passed":
            crash = getattr(report.longrepr, "reprcrash", None)
            facts = {
                "text": clip(report.longreprtext),
                "message": clip(getattr(crash, "message", "")),
                "output": clip(report.capstdout)[:2000],
                "error": describe(excinfo.value) if excinfo is not None else {},
            }
        self.send(
            kind="phase",
            id=report.nodeid,
            when=report.when,
            outcome=report.outcome,
            xfail=hasattr(report, "wasxfail"),
            threw=threw,
            **facts,
        )


def ways_to_name(test: str) -> list[str]:
    """A test's id, that of its function without parameters, those of its classes and its file."""
    names = test.partition("[")[0].split("::")
    return [test, *("::".join(names[:depth]) for depth in range(1, len(names) + 1))]


def clip(text: object) -> str:
    """At most `TEXT_LIMIT` characters, the end kept longest."""
    whole = str(text)
    if len(whole) <= TEXT_LIMIT:
        return whole
    return whole[: TEXT_LIMIT // 3] + "\n...\n" + whole[-2 * TEXT_LIMIT // 3 :]


def describe(error: BaseException) -> dict[str, str]:
    """Type, message and the fields that tell a missing dependency from a wrong answer."""
    facts = {"type": type(error).__name__, "message": clip(error), "where": innermost(error)}
    facts["passed"] = "\n".join(dict.fromkeys(passed(error)))
    if isinstance(error, ImportError):
        facts["module"] = error.name or ""
    if isinstance(error, SyntaxError):
        facts["file"] = str(error.filename or "")
    return facts


PLACES: list[str] = []
"""Where the project and the trusted modules lie, once that is known."""


def passed(error: BaseException) -> Iterator[str]:
    """The files of the project that an error came through, as the project has them."""
    trace = error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        yield from (file[len(place) + 1 :] for place in PLACES if file.startswith(place + "/"))
        trace = trace.tb_next


def innermost(error: BaseException) -> str:
    """The file of the deepest frame that is not the import machinery."""
    where, trace = "", error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        where = where if file.startswith("<frozen importlib") or file == __file__ else file
        trace = trace.tb_next
    return where


def load_plugins(names: Iterable[str], optional: Iterable[str]) -> tuple[list[Any], list[str]]:
    """Import plug-ins by module or entry point name while only trusted places are importable."""
    found: list[Any] = []
    missing: list[str] = []
    for name in names:
        try:
            found.append(importlib.import_module(name))
        except ImportError:
            points = entry_points(name)
            if points:
                found.append(points[0].load())
            elif name not in optional:
                missing.append(name)
    return found, missing


def entry_points(name: str) -> list[Any]:
    """The installed pytest plug-ins that publish this name."""
    from importlib.metadata import distributions

    return [
        point
        for distribution in distributions()
        for point in distribution.entry_points
        if point.group == "pytest11" and point.name == name
    ]


def read_all(descriptor: int) -> bytes:
    """Everything that can be read from a descriptor."""
    chunks: list[bytes] = []
    while True:
        chunk = os.read(descriptor, 65536)
        if not chunk:
            return b"".join(chunks)
        chunks.append(chunk)


def digest_of(files: Iterable[str]) -> str:
    """One digest over the contents of files, in the order given."""
    whole = blake2b(digest_size=16)
    for name in files:
        handle = os.open(name, os.O_RDONLY)
        whole.update(read_all(handle))
        os.close(handle)
    return whole.hexdigest()


def arguments(trusted: str, root: str, setup: dict[str, Any]) -> list[str]:
    """The command line for pytest: named files of the project, the trusted settings, nothing found by itself."""
    quiet = ["-q", "--no-header", "--no-summary", "--tb=short", "--color=no"]
    unused = ["cacheprovider", "junitxml", "pastebin", "doctest", "stepwise", "setuponly", "setupplan"]
    off = [word for name in unused for word in ("-p", "no:" + name)]
    places = ["-c", below(trusted, "pytest.ini"), "--rootdir", root, "--confcutdir", root]
    conftest = [] if setup["conftest"] else ["--noconftest"]
    return [
        *quiet,
        "--continue-on-collection-errors",
        *off,
        *places,
        *conftest,
        *setup["arguments"],
        *(below(root, name) for name in setup["files"]),
    ]


def load(file: str) -> Any:
    """A module of ours that lies beside this file, under no name that others could find it by."""
    spec: Any = importlib.util.spec_from_file_location("escalator_program", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def below(root: str, name: str) -> str:
    """A relative POSIX path as an absolute one under `root`."""
    return paths.normpath(root + "/" + name)


def main(trusted: str, workspace: str, descriptor: int) -> None:
    """Prepare, run, send the end record, and leave at once: nothing registered for exit is run."""
    begun, clock, digest, exit_now, flush = perf_counter(), perf_counter, digest_of, os._exit, sys.stdout.flush
    os.set_inheritable(descriptor, False)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    setup = json.loads(read_all(0))
    send = make_sender(descriptor, bytes.fromhex(setup.pop("key")))
    send(kind="start", python=".".join(map(str, sys.version_info[:3])), pytest=pytest.__version__)
    plugins, missing = load_plugins(setup["plugins"], setup["optional_plugins"])
    if missing:
        send(kind="plugins", missing=missing)
        exit_now(3)

    modules = {name: below(trusted + "/root", file) for name, file in setup["modules"].items()}
    places = {name: below(workspace, file) for name, file in setup["modules"].items()}
    folders = [below(workspace, name) for name in setup["paths"]]
    current = [""]
    given = load(trusted + "/checks.py").make_checks(send, load(trusted + "/encoding.py"), current)
    PLACES.extend([workspace, trusted + "/root"])
    project = frozenset(setup["project"]) - frozenset(sys.modules)
    finder = TrustedFinder(modules, places, project, folders=folders, given=given)
    sys.meta_path.insert(0, finder)
    sys.path += folders
    os.environ["PYTHONPATH"] = os.pathsep.join(folders)  # for interpreters that tests start
    checked = [modules[name] for name in sorted(modules)]
    words = arguments(trusted + "/root", workspace, setup)

    status = int(pytest.main(words, plugins=[Reporter(send, setup, finder, current), *plugins]))
    send(kind="end", status=status, digest=digest(checked), seconds=round(clock() - begun, 4))
    flush()
    exit_now(status)


if __name__ == "__main__":
    _given, sys.argv = sys.argv[1:], sys.argv[:1]
    main(_given[0], _given[1], int(_given[2]))
