"""What a machine lacks is never the answer's fault, and is told with the line that mends it; what an answer lacks is."""

import json

import pytest

from escalator.records import Brief, Isolation, RunResult
from escalator.validators.stacks.golang import Go
from escalator.validators.stacks.node import JEST, NODE, VITEST
from escalator.validators.stacks.rust import Cargo
from escalator.validators.stacks.stack import Bounds, Share, Turn
from escalator.validators.stacks.suite import any_tests
from validators.judging import judged
from validators.needs import needs_node
from validators.stack_layouts import ESM, PLAIN, RIGHT, WRONG
from validators.test_stacks_texts import signed

TURN = Turn(bounds=Bounds(timeout=5, memory=64, writable=False), key="k", word="w1")


def result(report=b"", **more):
    return RunResult(exit_status=1, isolation=Isolation(kind="bwrap"), report=report, **more)


def asked(*packages):
    return Brief(task_id="t", prompt="p", tests={"a.test.js": "".join(f"import '{each}';" for each in packages)})


@pytest.mark.parametrize(
    ("message", "named"),
    [
        ("Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'chai' imported from /workspace/a.test.js", "chai"),
        ("Error: Cannot find module '@team/kit/deep/part'\nRequire stack:\n- /workspace/a.test.js", "@team/kit"),
        ("Cannot find module 'lodash/fp' from 'a.test.js'", "lodash"),
        ('Error: Failed to resolve import "zod" from "a.test.ts". Does the file exist?', "zod"),
    ],
)
def test_a_package_is_named_by_what_must_be_installed(message, named):
    """The part of a package that is imported is not what npm installs; what the tests ask for is certain."""
    lack = NODE.environment(asked("chai", "zod"), message)
    assert f"{named!r}" in lack.why
    assert "npm ci" in lack.mend
    assert lack.certain == (named in {"chai", "zod"})


@pytest.mark.parametrize(
    "message",
    [
        "Cannot find module './slug.js' imported from /workspace/a.test.js",
        "Cannot find module '/workspace/src/slug.js'",
        "Cannot find package '#own' imported from /workspace/a.js",
        "The requested module './slug.mjs' does not provide an export named 'slug'",
        "connect ECONNREFUSED 127.0.0.1:80",
    ],
)
def test_a_module_of_the_project_is_the_answers_to_bring(message):
    """What has a path is no package, and a refused connection may be the answer's own."""
    assert NODE.environment(asked(), message) is None


@pytest.mark.parametrize(
    ("stack", "message", "words"),
    [
        (VITEST, "EROFS: read-only file system, open 'out.txt'", "writable: true"),
        (JEST, "getaddrinfo EAI_AGAIN example.com", "need a network"),
        (Go(), "a.go:3:8: no required module provides package github.com/x/y; to add it:", "go mod download"),
        (Go(), "missing go.sum entry for module providing package x", "go mod download"),
        (Go(), "go: go.mod requires go >= 1.99 (running go 1.19.8)", "newer Go"),
        (Cargo(), "error: no matching package named `serde` found", "cargo fetch"),
        (
            Cargo(),
            "As a reminder, you're using offline mode (--offline)\nyou may need to run without --offline",
            "cargo fetch",
        ),
    ],
)
def test_what_a_tool_chain_lacks_has_a_line_that_mends_it(stack, message, words):
    """Each is recognised by its tool's own words."""
    lack = stack.environment(asked(), message)
    assert words in f"{lack.why} {lack.mend}"


def test_compile_errors_are_the_answers():
    """A name that is not there is for the answer to define."""
    assert Go().environment(asked(), "./a_test.go:3: undefined: Double") is None
    assert Cargo().environment(asked(), "error[E0425]: cannot find function `double`") is None


@pytest.mark.parametrize(
    ("what", "words"), [("node", "Install Node 20 or newer."), ("typescript", "Install Node 22.18 or newer")]
)
def test_an_old_node_says_so_itself(what, words):
    """The launcher knows under which node it runs."""
    records = signed(
        "k", {"kind": "start", "node": "18.0.0", "folder": "/w"}, {"kind": "lacking", "what": what, "why": "Old."}
    )
    reading = NODE.read(Share(root="", tests={}), result(b"\n".join(records)), TURN)
    assert reading.lack.why == "Old."
    assert words in reading.lack.mend


def test_a_report_that_was_not_ended_is_broken():
    """A runner that was killed reports no end; one that never began reports nothing."""
    share = Share(root="", tests={"a.test.js": "test('a')"})
    start, test = signed(
        "k",
        {"kind": "start", "node": "20.1.0", "folder": "/w"},
        {"kind": "test", "number": 0, "file": "/w/a.test.js", "title": "a", "result": "passed", "text": ""},
    )
    reading = NODE.read(share, result(start + b"\n" + test), TURN)
    assert reading.report.tests == {"a.test.js::a": "passed"}
    assert reading.broken == "The runner itself was ended."
    assert NODE.read(share, result(test), TURN).broken == "Nothing was reported."
    assert "do not add up" in NODE.read(share, result(start + b"\nforged"), TURN).broken


def test_a_record_of_the_same_name_is_told_apart():
    """Two tests of one name both count."""
    tests = [
        {"kind": "test", "number": n, "file": "/w/a.test.js", "title": "a", "result": each, "text": "no"}
        for n, each in enumerate(["passed", "failed"])
    ]
    records = signed(
        "k", {"kind": "start", "node": "20.1.0", "folder": "/w"}, *tests, {"kind": "end", "status": 1}
    )
    reading = NODE.read(Share(root="", tests={"a.test.js": "test('a')"}), result(b"\n".join(records)), TURN)
    assert reading.report.tests == {"a.test.js::a": "passed", "a.test.js::a (2)": "failed"}
    assert reading.broken == ""


def test_jest_is_given_what_the_projects_scripts_give_to_node(tmp_path):
    """Modules in jest need a flag of node's; nothing else is taken from the scripts."""
    (tmp_path / "node_modules/jest/bin").mkdir(parents=True)
    (tmp_path / "node_modules/jest/bin/jest.js").touch()
    script = {"scripts": {"test": "NODE_OPTIONS='--experimental-vm-modules --inspect' jest"}}
    (tmp_path / "package.json").write_text(json.dumps(script))
    brief = Brief(task_id="t", prompt="p", workspace=tmp_path, tests={"a.test.js": ""})
    command = JEST.command(brief, Share(root="", tests=brief.tests), {}, TURN)
    assert json.loads(command.stdin)["flags"] == ["--experimental-vm-modules"]
    assert command.writable


@needs_node
def test_tests_in_typescript_run_where_node_can(tmp_path):
    """Types are stripped by node itself, and where it is too old that is said, with the version that does."""
    test = (
        ESM
        + "import { slug } from './slug.ts';\nconst wanted: string = 'a-b';\n"
        + PLAIN.replace("'a-b'", "wanted")
    )
    typed = "export const slug = (text: string): string => text"
    brief = Brief(task_id="t", prompt="p", files={"slug.ts": typed + ";\n"}, tests={"slug.test.ts": test})
    right = judged(any_tests(), brief, {"slug.ts": typed + ".toLowerCase().replaceAll(' ', '-');\n"})
    if right.passed:
        assert judged(any_tests(), brief, {"slug.ts": typed + " + '';\n"}).failed
    else:
        assert right.reason == "unavailable"
        assert "Install Node 22.18 or newer" in right.hint


@needs_node
def test_a_test_that_does_not_parse_is_not_the_answers_fault():
    """No answer could pass it; the verdict is no failure of the model."""
    brief = Brief(
        task_id="t", prompt="p", files={"slug.mjs": WRONG}, tests={"slug.test.mjs": ESM + "test('a', () => {\n"}
    )
    verdict = judged(any_tests(), brief, {"slug.mjs": RIGHT})
    assert verdict.reason == "unavailable"
    assert "do not parse" in verdict.hint


@needs_node
def test_assertions_that_the_project_itself_replaces_prove_nothing(tmp_path):
    """Where tests that must fail pass without the answer too, the tests are to blame."""
    test = "import assert from 'node:assert';\nassert.equal = () => {};\nimport test from 'node:test';\ntest('a', () => {});\n"
    brief = Brief(task_id="t", prompt="p", files={"slug.mjs": WRONG}, tests={"slug.test.mjs": test})
    verdict = judged(any_tests(), brief, {"slug.mjs": RIGHT})
    assert verdict.reason == "error"
    assert "must fail does not" in verdict.hint


@needs_node
def test_packages_of_one_project_are_judged_each_in_its_folder(tmp_path):
    """Tests of two packages are two runs, and each must pass."""
    files = {}
    for name in ("one", "two"):
        files[f"packages/{name}/package.json"] = '{"type": "module"}'
        files[f"packages/{name}/index.js"] = WRONG
    tests = {
        f"packages/{name}/test/a.test.js": ESM + "import { slug } from '../index.js';\n" + PLAIN
        for name in ("one", "two")
    }
    brief = Brief(task_id="t", prompt="p", files=files, tests=tests)
    both = {f"packages/{name}/index.js": RIGHT for name in ("one", "two")}
    assert judged(any_tests(), brief, both).passed
    verdict = judged(any_tests(), brief, {"packages/one/index.js": RIGHT})
    assert verdict.failed
    assert "packages/two/test/a.test.js::lowers" in verdict.feedback


CJS = "const { test } = require('node:test');\nconst assert = require('node:assert');\nconst { slug } = require('./slug.cjs');\n"


@needs_node
@pytest.mark.parametrize(
    "text",
    [
        "require('node:test').test = () => {};\n",
        "const runner = require('node:test');\nrunner.beforeEach((t) => { t.todo?.(); });\n",
        (
            "const runner = require('node:test');\nconst { Test } = runner;\n"
            "Object.getPrototypeOf(Object.getPrototypeOf(runner.test)).call = () => {};\nFunction.prototype.apply = () => {};\n"
        ),
        "const assert = require('node:assert');\nmodule.constructor._load = () => new Proxy(() => {}, { get: () => () => {} });\n",
        "require.cache[require.main.filename].exports = {};\nprocess.exitCode = 0;\nprocess.on('beforeExit', () => process.exit(0));\n",
        (
            "const assert = require('node:assert');\nassert.AssertionError.prototype.constructor = null;\n"
            "for (const name of Object.keys(assert)) if (typeof assert[name] === 'function') assert[name] = async () => {};\n"
        ),
        "Promise.prototype.then = function () { return this; };\n",
        "process.stdout.write = () => true;\nprocess.stderr.write = () => true;\nsetImmediate(() => process.abort());\n",
    ],
    ids=[
        "no test",
        "all to do",
        "prototypes",
        "loader",
        "before the exit",
        "async assertions",
        "promises",
        "silence",
    ],
)
def test_answers_in_commonjs_that_forge_do_not_pass(text):
    """Whatever is replaced before or while the tests run, what is wrong does not pass."""
    brief = Brief(
        task_id="t",
        prompt="p",
        files={"slug.cjs": "exports.slug = (text) => text;\n"},
        tests={"slug.test.cjs": CJS + PLAIN},
    )
    verdict = judged(any_tests(timeout=15), brief, {"slug.cjs": "exports.slug = (text) => text;\n" + text})
    assert verdict.failed, verdict
