"""A command is the project's own: what it reads before the answer's code is as the base has it."""

import shutil

import pytest

from escalator.flow import drive
from escalator.records import Brief, Candidate, ChangeSet
from escalator.validators.build_files import steering
from escalator.validators.command import command
from validators.sandboxed import no_process, perform

BASE = {
    "solution.py": "def add(a, b):\n    return a - b\n",
    "check.sh": "grep -q 'a + b' solution.py\n",
    "Makefile": "test:\n\tsh check.sh\n",
}
WRONG, RIGHT = "def add(a, b):\n    return 0\n", "def add(a, b):\n    return a + b\n"
TASK = {"solution.py": BASE["solution.py"]}

needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@pytest.fixture
def project(tmp_path):
    """A folder with the files it is called with."""

    def make(files):
        for path, text in files.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
        return tmp_path

    return make


def judge(run, changes, workspace, files=TASK, prompt="Make add() add.", perform=perform, **options):
    brief = Brief(task_id="t", prompt=prompt, files=files, workspace=workspace)
    return drive(command(run=run, **options)(Candidate(brief=brief, changes=ChangeSet(files=changes))), perform)


@needs_make
@pytest.mark.parametrize("path", ["GNUmakefile", "makefile", "Makefile", "check.sh", "test", "test/x.py"])
def test_a_wrong_answer_cannot_pass_by_steering_make(project, path):
    """Neither a make file that is preferred, nor the old one, nor the script it runs, nor a target that is there."""
    text = "test:\n\ttrue\n" if path.endswith("akefile") else "true\n"
    verdict = judge(["make", "test"], {"solution.py": WRONG, path: text}, project(BASE))
    assert verdict.failed
    right = judge("make test", {"solution.py": RIGHT, path: text}, project(BASE))
    assert right.passed
    assert path in right.hint


@needs_make
def test_what_was_done_is_said_to_the_model_and_the_person(project):
    """A failing answer learns that its build file was not used; the evidence lists both kinds."""
    changes = {"solution.py": WRONG, "Makefile": "test:\n\ttrue\n", "GNUmakefile": "test:\n\ttrue\n"}
    verdict = judge("make test", changes, project(BASE))
    assert verdict.evidence["put_back"] == ["Makefile"]
    assert verdict.evidence["left_out"] == ["GNUmakefile"]
    assert "Makefile as before the answer and without GNUmakefile" in verdict.feedback


@needs_make
def test_a_build_file_the_task_hands_over_is_the_answers(project):
    """What was asked to be changed is run as changed, and such a pass counts half."""
    makefile = "test:\n\techo tested\n"
    files = {"Makefile": BASE["Makefile"]}
    verdict = judge("make test", {"Makefile": makefile}, project(BASE), files=files, prompt="Mend the target.")
    assert verdict.passed
    assert verdict.confidence == 0.5
    assert "Makefile" in verdict.hint
    assert judge("make test", {"solution.py": RIGHT}, project(BASE)).confidence == 1.0


STEERING = [
    "GNUmakefile",
    "package.json",
    "sub/package.json",
    "tox.ini",
    "noxfile.py",
    "pyproject.toml",
    "setup.cfg",
    "conftest.py",
    "tests/conftest.py",
    "pytest.ini",
    "build.gradle",
    "build.gradle.kts",
    "CMakeLists.txt",
    "cmake/Find.cmake",
    "justfile",
    "Taskfile.yml",
    "Cargo.toml",
    "build.rs",
    ".cargo/config.toml",
    "jest.config.mjs",
    "vitest.config.ts",
    ".mocharc.yml",
    "tsconfig.build.json",
    "node_modules/jest/index.js",
    "vendor/modules.txt",
    "sitecustomize.py",
    "evil.pth",
    "go.work",
    "pom.xml",
    "phpunit.xml.dist",
    "Rakefile",
    "Directory.Build.props",
]


def kept(changes, workspace=None, files=TASK, run="run it", **brief):
    given = Brief(task_id="t", prompt=brief.pop("prompt", "Fix it."), files=files, workspace=workspace, **brief)
    return steering(Candidate(brief=given, changes=ChangeSet(files=changes)), run)


@pytest.mark.parametrize("path", STEERING)
def test_build_files_of_every_kind_are_the_bases(project, path):
    """A changed one is put back, a new one is left out."""
    assert kept({path: "new"}, project({"a.py": ""})).left_out == (path,)
    assert kept({path: "new"}, project({path: "old"})).put_back == (path,)
    assert kept({path: "old"}, project({path: "old"})) == kept({})


@pytest.mark.parametrize(
    "path",
    ["a.py", "src/makefiles.py", "pkg/build/x.py", "package.py", "docs/tox.md", "configs/app.json", "tasks.py"],
)
def test_product_code_is_the_answers(project, path):
    """Files that no tool reads by itself are judged as the answer leaves them, old or new."""
    assert kept({path: "new"}, project({"b.py": ""})) == kept({})
    assert kept({path: "new"}, project({path: "old"})) == kept({})


@pytest.mark.parametrize(
    "path", ["tests/test_a.py", "a_test.go", "src/a.spec.ts", "__tests__/a.js", "spec/a_spec.rb", "src/ATest.java"]
)
def test_tests_that_were_there_stay_as_they_were(project, path):
    """A test of the project is not the answer's to weaken; a new one is welcome, and asked for it may be changed."""
    root = project({path: "old"})
    assert kept({path: "new"}, root).put_back == (path,)
    assert kept({path: "new"}, root, prompt="Rename add to plus and update the tests.") == kept({})
    assert kept({path: "new"}, root, prompt="Change add so that all tests pass.").put_back == (path,)
    assert kept({path: "new"}, root, files={path: "old"}) == kept({})
    assert kept({f"more/{path}": "new"}, root) == kept({})


@pytest.mark.parametrize(
    ("run", "path"),
    [
        ("sh tools/check.sh", "tools/check.sh"),
        ("./check", "check"),
        ("python -m tools.check", "tools/check.py"),
        ("sh all.sh", "one.py"),
        ("make", "one.py"),
        ("npm test", "runner.js"),
    ],
)
def test_scripts_that_the_command_names_are_the_bases(project, run, path):
    """Directly, as a module, or by way of a script or build file."""
    root = project(
        {
            path: "old",
            "all.sh": "sh two.sh\n",
            "two.sh": "python one.py\n",
            "Makefile": "all:\n\tpython one.py\n",
            "package.json": '{"scripts": {"test": "node runner.js"}}',
            "other.py": "old",
        }
    )
    found = kept({path: "new", "other.py": "new"}, root, run=run)
    assert found.put_back == (path,)


def test_who_asks_for_tests_hands_over_no_settings(project):
    """New tests are asked for, not a conftest.py that decides over the old ones."""
    root = project({"a.py": "", "tests/test_a.py": "old"})
    changes = {"tests/test_b.py": "new", "tests/conftest.py": "new"}
    assert kept(changes, root, prompt="Write tests for a.py.").left_out == ("tests/conftest.py",)


def test_what_the_words_of_the_task_name_is_its_own(project):
    """A new build file that was asked for is used; of an old one only those in the list are handed over."""
    root = project({"a.py": "", "Makefile": "old"})
    prompt = "Add a justfile and see the Makefile."
    assert kept({"justfile": "new"}, root, prompt=prompt) == kept({})
    assert kept({"Makefile": "new"}, root, prompt=prompt).put_back == ("Makefile",)
    assert kept({"justfile": "new"}, root, requirements=("There is a justfile.",)) == kept({})


def test_where_there_is_no_project_all_is_the_answers():
    """Without a base there is nothing to be put back to."""
    assert kept({"Makefile": "new", "package.json": "{}"}, files={}) == kept({}, files={})


def test_a_binary_file_that_is_put_back_stays_where_it_is(project, tmp_path):
    """What cannot be read as text is not laid over, so the copy of the workspace keeps it."""
    root = project({"a.py": "x = 1\n"})
    (root / "gradlew").write_bytes(b"\xff\xfe")
    found = kept({"gradlew": "new"}, root)
    assert found.put_back == ("gradlew",)
    assert found.undone({"gradlew": "new", "a.py": "x"}, Brief(task_id="t", prompt="p", workspace=root)) == {
        "a.py": "x"
    }


SHADOWS = [
    ({"solution.py": "x"}, "tests/solution.py", "solution.py"),
    ({"solution.py": "x"}, "src/solution.py", "solution.py"),
    ({"solution.py": "x"}, "solution/__init__.py", "solution.py"),
    ({"src/solution.py": "x"}, "solution.py", "src/solution.py"),
    ({"tests/reference.py": "x"}, "reference/__init__.py", "tests/reference.py"),
    ({"pkg/__init__.py": "", "pkg/a.py": "x"}, "pkg/a/__init__.py", "pkg/a.py"),
    ({"src/a.ts": "x"}, "src/a.js", "src/a.ts"),
    ({"src/a/index.js": "x"}, "src/a.js", "src/a/index.js"),
    ({"a.py": "x"}, "pytest.py", "the installed pytest"),
    ({"a.py": "x"}, "pytest/__init__.py", "the installed pytest"),
    ({"a.py": "x"}, "unittest/__init__.py", "Python's own module unittest"),
    ({"a.py": "x"}, "src/json.py", "Python's own module json"),
    ({"a.py": "x"}, "tests/math.py", "Python's own module math"),
]


@pytest.mark.parametrize(("base", "path", "meant"), SHADOWS)
def test_a_new_module_in_place_of_another_fails(project, base, path, meant):
    """What an import would find instead of what it means is told, and nothing is run."""
    verdict = judge("true", {path: "x = 1\n"}, project(base), files={}, perform=no_process)
    assert verdict.failed
    assert f"{path} would be imported in place of {meant}." in verdict.feedback


@pytest.mark.parametrize(
    ("base", "changes"),
    [
        ({"solution.py": "x"}, {"solution.py": None, "solution/__init__.py": "x"}),
        ({"src/a.js": "x"}, {"src/a.js": None, "src/a.ts": "x"}),
        ({"pkg/__init__.py": ""}, {"pkg/json.py": "x", "pkg/pytest.py": "x"}),
        ({"a.py": "x"}, {"app/types.py": "x", "app/__init__.py": ""}),
        ({"one/solution.py": "x"}, {"two/solution.py": "x"}),
        ({"a.py": "x"}, {"tests/__init__.py": "", "tests/helper.py": "x", "test/x.py": "x"}),
        ({"src/a.ts": "x"}, {"src/a.test.ts": "x", "src/a.css": "x", "src/b.ts": "x"}),
        ({"a.py": "x", "json.py": "x"}, {"json.py": "y"}),
    ],
)
def test_honest_new_files_are_let_pass(project, base, changes):
    """A module that moves, modules of a package, the same name in another folder, and what was there before."""
    assert judge("true", changes, project(base), files={}).passed


def test_a_module_the_task_names_is_let_pass(project):
    """Who asks for queue.py gets it."""
    assert judge("true", {"queue.py": "x = 1\n"}, project({"a.py": ""}), prompt="Write queue.py.", files={}).passed
    assert judge("true", {"queue.py": "x = 1\n"}, project({"a.py": ""}), files={"queue.py": ""}).passed


def test_a_library_of_the_projects_own_environment_has_no_double(project):
    """What is installed in .venv counts as installed."""
    root = project({"a.py": "x", ".venv/lib/python3.12/site-packages/zzlib/__init__.py": ""})
    assert "the installed zzlib" in judge("true", {"zzlib.py": "x"}, root, files={}, perform=no_process).feedback
