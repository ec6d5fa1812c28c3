"""What steers the tools of a JavaScript project is told from what the project is."""

import json

import pytest

from escalator.records import Brief, Candidate, ChangeSet
from escalator.validators.build_files import steering


def kept(tmp_path, project, changed, command="npm test"):
    for path, text in project.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    brief = Brief(task_id="t", prompt="Correct it.", workspace=tmp_path)
    changes = ChangeSet(files=dict.fromkeys(changed, "changed"))
    return steering(Candidate(brief=brief, changes=changes), command)


@pytest.mark.parametrize("key", ["main", "module", "types", "browser"])
def test_what_a_package_offers_is_the_answers(tmp_path, key):
    """The entry of a package is named in its package.json, and is the product all the same."""
    project = {
        "package.json": json.dumps({key: "./index.js", "bin": {"it": "cli.js"}}),
        "index.js": "",
        "cli.js": "",
    }
    assert kept(tmp_path, project, ["index.js", "cli.js"]).put_back == ()


def test_a_script_that_runs_the_tests_is_not(tmp_path):
    """What the scripts of a package name is as before the answer, also where it is offered as well."""
    scripts = {"test": "node ./run.js && node check.js"}
    project = {"package.json": json.dumps({"main": "run.js", "scripts": scripts}), "run.js": "", "check.js": ""}
    assert kept(tmp_path, project, ["run.js", "check.js"]).put_back == ("run.js", "check.js")


@pytest.mark.parametrize("place", ["./setup.js", "<rootDir>/setup.js", "setup.js"])
def test_what_settings_name_is_as_before_the_answer(tmp_path, place):
    """A file that the runner's settings load before the tests is not the answer's."""
    project = {"jest.config.js": f"module.exports = {{ setupFiles: ['{place}'] }};", "setup.js": ""}
    assert kept(tmp_path, project, ["setup.js"], "jest.config.js").put_back == ("setup.js",)


def test_a_package_json_that_does_not_parse_is_read_by_its_words(tmp_path):
    """Whatever stands in it may be what a tool does."""
    project = {"package.json": '{"scripts": {"test": "node run.js"},}', "run.js": ""}
    assert kept(tmp_path, project, ["run.js"]).put_back == ("run.js",)
