"""Projects of every common layout: right answers pass, wrong ones fail, and what is missing is told from both."""

from __future__ import annotations

import shutil
import venv
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import pytest

from escalator.records import Brief, Verdict
from escalator.validators.tests.suite import pytest_suite
from validators.judging import judged, needs_bwrap
from validators.projects import PROJECTS, Project

pytestmark = [*needs_bwrap, pytest.mark.slow]

NEEDED = ("pytest", "_pytest", "pluggy", "iniconfig", "packaging", "pygments")


def _written(root: Path, project: Project, *, faulty: bool = False) -> tuple[Path, Brief]:
    """The project on disk and the task of writing its target."""
    inner = root / project.below
    for path, text in project.files.items():
        _write(root / path, text)
    for path, text in {project.target: project.stub, **(project.fault if faulty else {})}.items():
        _write(inner / path, text)
    tests = {path: (inner / path).read_text() for path in project.tests}
    files = {project.target: project.stub}
    return inner, Brief(task_id=root.name, prompt="Write twice().", workspace=inner, files=files, tests=tests)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Verdict, Verdict, Verdict]]:
    """By layout: on a right and a wrong answer, and on the right one where something is missing."""

    def three(name: str) -> tuple[Verdict, Verdict, Verdict]:
        project = PROJECTS[name]
        validator = pytest_suite(timeout=60, rerun_flaky=False, **project.options)  # type: ignore[arg-type]
        _, brief = _written(tmp_path_factory.mktemp("project"), project)
        _, faulty = _written(tmp_path_factory.mktemp("faulty"), project, faulty=True)
        return (
            judged(validator, brief, {project.target: project.right}),
            judged(validator, brief, {project.target: project.wrong}),
            judged(validator, faulty, {project.target: project.right}),
        )

    with ThreadPoolExecutor(3) as pool:
        return dict(zip(PROJECTS, pool.map(three, PROJECTS), strict=True))


@pytest.mark.parametrize("name", PROJECTS)
def test_a_right_answer_passes_and_a_wrong_one_fails(
    verdicts: dict[str, tuple[Verdict, Verdict, Verdict]], name: str
) -> None:
    """And what the model is told of the wrong one names a test."""
    right, wrong, _ = verdicts[name]

    assert right.passed, right
    assert wrong.failed, wrong
    assert "test" in wrong.feedback


@pytest.mark.parametrize("name", PROJECTS)
def test_what_is_missing_is_blamed_on_nobody_and_mended_by_a_line(
    verdicts: dict[str, tuple[Verdict, Verdict, Verdict]], name: str
) -> None:
    """The right answer cannot pass there, and is not failed."""
    *_, faulty = verdicts[name]

    assert faulty.status == "inconclusive", faulty
    assert PROJECTS[name].told in faulty.hint, faulty


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Path, Brief]:
    """A project in a virtual environment of its own, where it lies as an editable installation leaves it."""
    project = PROJECTS["a test that starts an interpreter"]
    tests = project.files["tests/test_core.py"].replace(
        "\n\n\ndef _said",
        "\nfrom importlib.metadata import version\n\n\ndef test_version():\n    assert version('started') == '1.2'\n\n\ndef _said",
        1,
    )
    project = Project(
        files={**project.files, "tests/test_core.py": tests},
        target=project.target,
        tests=project.tests,
        fault={},
        told="",
    )
    root, brief = _written(tmp_path_factory.mktemp("installed"), project)
    venv.create(root / ".venv", symlinks=True)
    (site,) = root.glob(".venv/lib/python3*/site-packages")
    for name in NEEDED:
        found = find_spec(name)
        if found is not None and found.origin is not None:
            shutil.copytree(Path(found.origin).parent, site / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(Path(pytest.__file__).parents[1] / "py.py", site)
    _write(site / "__editable__.started-1.2.pth", f"{root / 'src'}\n")
    _write(site / "started-1.2.dist-info" / "METADATA", "Metadata-Version: 2.1\nName: started\nVersion: 1.2\n")
    return project, root, brief


@pytest.mark.parametrize("inside", [True, False], ids=["its own interpreter", "one that is named"])
def test_an_editable_installation_finds_the_answer(installed: tuple[Project, Path, Brief], inside: bool) -> None:
    """The path in it is there, with the answer in it, for processes that tests start too."""
    project, root, brief = installed
    options = {} if inside else {"python": str(root / ".venv" / "bin" / "python")}
    validator = pytest_suite(timeout=60, rerun_flaky=False, **options)  # type: ignore[arg-type]
    right, wrong = (judged(validator, brief, {project.target: code}) for code in (project.right, project.wrong))

    assert right.passed, right
    assert wrong.failed, wrong


def test_an_environment_without_pytest_is_told_to_get_it(tmp_path: Path) -> None:
    """The tests run elsewhere then, where what is installed for the project is not."""
    project = PROJECTS["a package at the root"]
    tests = "import installed_for_it\n" + project.files["tests/test_core.py"]
    files = {**project.files, "tests/test_core.py": tests}
    lacking = Project(files=files, target=project.target, tests=project.tests, fault={}, told="")
    root, brief = _written(tmp_path, lacking)
    venv.create(root / ".venv", symlinks=True)
    verdict = judged(pytest_suite(timeout=60), brief, {project.target: project.right})

    assert verdict.status == "inconclusive", verdict
    assert f"{root / '.venv' / 'bin' / 'python'} -m pip install pytest" in verdict.hint


def test_an_interpreter_that_is_not_there_is_named(tmp_path: Path) -> None:
    """No other one is taken for it."""
    project = PROJECTS["a package at the root"]
    _, brief = _written(tmp_path, project)
    verdict = judged(pytest_suite(python="/opt/of-nobody/python"), brief, {project.target: project.right})

    assert (verdict.status, verdict.reason) == ("inconclusive", "unavailable")
    assert "/opt/of-nobody/python" in verdict.feedback + verdict.hint + str(verdict)
