"""vitest, jest, go and cargo are started as they are to be, and what they report decides."""

import json

import pytest

from escalator.records import Brief
from escalator.validators.stacks.suite import any_tests
from validators.judging import judged
from validators.needs import needs_cargo, needs_go, needs_node

RUNNER = """\
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
const words = process.argv.slice(2);
const out = words.find((word) => word.startsWith('--outputFile=')).slice(13);
const files = words.filter((word) => /\\.test\\.[cm]?js$/.test(word));
const testResults = [];
for (const file of files) {
  const found = globalThis.found = [];
  const name = path.resolve(file), assertionResults = [];
  try {
    await import(pathToFileURL(name));
    for (const { title, run } of found)
      try { await run(); assertionResults.push({ ancestorTitles: [], title, status: 'passed', failureMessages: [] }); }
      catch (error) { assertionResults.push({ ancestorTitles: [], title, status: 'failed', failureMessages: [String(error)] }); }
    testResults.push({ name, status: 'passed', message: '', assertionResults });
  } catch (error) { testResults.push({ name, status: 'failed', message: String(error), assertionResults: [] }); }
}
console.log('passed'.repeat(3));
fs.writeFileSync(out, JSON.stringify({ testResults }));
process.exit(1);
"""
LIBRARY = """\
const wrong = (got, wanted) => { throw new Error(`expected ${JSON.stringify(got)} to be ${JSON.stringify(wanted)}`); };
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b) || wrong(a, b);
export const expect = (got) => ({
  toBe: (wanted) => same(got, wanted), toEqual: (wanted) => same(got, wanted), toStrictEqual: (wanted) => same(got, wanted),
  toBeTruthy: () => got || wrong(got, true), toBeFalsy: () => !got || wrong(got, false),
  toContain: (one) => got.includes(one) || wrong(got, one), toMatch: (one) => got.includes(one) || wrong(got, one),
  toThrow: () => { try { got(); } catch { return; } wrong('nothing', 'an error'); },
  get rejects() { return { toThrow: async () => { try { await got; } catch { return; } wrong('nothing', 'an error'); } }; },
});
export const it = (title, run) => globalThis.found.push({ title, run });
export const test = it;
Object.assign(globalThis, { it, test, expect });
"""
"""Stand-ins that take the words and write the report of the real ones, which a test-suite does not install."""

PROJECT = {
    "package.json": '{"type": "module", "devDependencies": {"vitest": "*"}}',
    "node_modules/vitest/package.json": '{"name": "vitest", "type": "module", "exports": "./library.mjs"}',
    "node_modules/vitest/vitest.mjs": RUNNER,
    "node_modules/vitest/library.mjs": LIBRARY,
    "src/double.js": "export const double = (n) => n;\n",
    "test/double.test.js": (
        "import { test, expect } from 'vitest';\nimport { double } from '../src/double.js';\n"
        "test('doubles', () => { expect(double(2)).toBe(4); });\n"
    ),
}
DOUBLE = "export const double = (n) => n * 2;\n"


def laid(tmp_path, project, tests, *targets):
    for path, text in project.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return Brief(
        task_id="t",
        prompt="Double it.",
        workspace=tmp_path,
        files={path: project.get(path, "") for path in targets},
        tests={path: project[path] for path in tests},
    )


@pytest.fixture
def vitest(tmp_path):
    return laid(tmp_path, PROJECT, ["test/double.test.js"], "src/double.js")


@needs_node
def test_tests_of_vitest_are_run_by_the_projects_own(vitest):
    """The runner and the library come from the project's packages, and each test is told by its name."""
    right = judged(any_tests(), vitest, {"src/double.js": DOUBLE})
    assert right.passed, right
    assert (right.confidence, right.evidence["runner"]) == (0.9, "vitest")
    assert right.evidence["twin"] == {"tests": 1, "failed": 1}
    wrong = judged(any_tests(), vitest, {"src/double.js": DOUBLE.replace("2", "3")})
    assert wrong.failed
    assert "First: test/double.test.js::doubles" in wrong.feedback
    assert "expected 6 to be 4" in wrong.feedback


@needs_node
@pytest.mark.parametrize(
    "text",
    [
        "export const double = (n) => n; process.exit(0);\n",
        (
            "import fs from 'node:fs'; export const double = (n) => n;\n"
            "for (let fd = 3; fd < 20; fd++) try { fs.writeSync(fd, JSON.stringify({ testResults: [{ name: 'test/double.test.js',"
            " status: 'passed', assertionResults: [{ title: 'doubles', status: 'passed' }] }] })); } catch {}\nprocess.exit(0);\n"
        ),
        (
            "import fs from 'node:fs'; export const double = (n) => n;\n"
            "for (let fd = 3; fd < 20; fd++) try { fs.writeSync(fd, '{\"testResults\": []}'); } catch {}\n"
        ),
        "export const double = (n) => n; JSON.stringify = () => '{\"testResults\": []}';\n",
        (
            "export const double = (n) => n; for (const one of globalThis.found) one.run = () => {};\n"
            "setTimeout(() => { for (const one of globalThis.found) one.run = () => {}; });\n"
        ),
        "export const double = (n) => n; globalThis.expect = () => new Proxy({}, { get: () => () => {} });\n",
    ],
    ids=["exit", "report and exit", "report twice", "no report", "tests made empty", "expect replaced"],
)
def test_a_forged_report_of_vitest_does_not_pass(vitest, text):
    """An answer that shares the runner's process still has to fail the tests that must fail."""
    assert judged(any_tests(), vitest, {"src/double.js": text}).failed


@needs_node
def test_settings_and_mocks_that_an_answer_brings_are_left_out(vitest):
    """What the runner reads by itself is the project's."""
    changes = {
        "vitest.config.js": "export default { test: { include: [] } };\n",
        "__mocks__/vitest.js": "export const expect = () => {};\n",
        "node_modules/vitest/vitest.mjs": "process.exit(0);\n",
        "src/double.js": DOUBLE,
    }
    verdict = judged(any_tests(), vitest, changes)
    assert verdict.passed, verdict
    assert "vitest.config.js" in verdict.evidence["left_out"]


@needs_node
def test_a_runner_that_cannot_start_is_not_the_answers_fault(tmp_path):
    """What the runner says with and without the answer is told to a person."""
    broken = {**PROJECT, "node_modules/vitest/vitest.mjs": "throw new Error('no preset of that name');\n"}
    brief = laid(tmp_path, broken, ["test/double.test.js"], "src/double.js")
    verdict = judged(any_tests(), brief, {"src/double.js": DOUBLE})
    assert verdict.reason == "unavailable"
    assert "no preset of that name" in verdict.hint


@needs_node
def test_tests_of_jest_need_no_imports(tmp_path):
    """Where the project asks for jest, tests that use what jest gives them are jest's."""
    project = {
        "package.json": '{"devDependencies": {"jest": "*"}}',
        "node_modules/jest/package.json": '{"name": "jest"}',
        "node_modules/jest/bin/jest.js": "import('./run.mjs');\n",
        "node_modules/jest/bin/run.mjs": LIBRARY + RUNNER,
        "double.js": "exports.double = (n) => n;\n",
        "double.test.js": "const { double } = require('./double');\ntest('doubles', () => { expect(double(2)).toBe(4); });\n",
    }
    brief = laid(tmp_path, project, ["double.test.js"], "double.js")
    right = judged(any_tests(), brief, {"double.js": "exports.double = (n) => n * 2;\n"})
    assert right.passed, right
    assert right.evidence["runner"] == "jest"
    assert judged(any_tests(), brief, {"double.js": "exports.double = (n) => n * 3;\n"}).failed


GO = {
    "go.mod": "module example.com/calc\n\ngo 1.18\n",
    "calc/double.go": "package calc\n\nfunc Double(n int) int { return n }\n",
    "calc/double_test.go": (
        'package calc\n\nimport "testing"\n\nfunc TestDouble(t *testing.T) {\n'
        '\tt.Run("two", func(t *testing.T) {\n\t\tif got := Double(2); got != 4 {\n'
        '\t\t\tt.Fatalf("got %d", got)\n\t\t}\n\t})\n}\n'
    ),
    "calc/other_test.go": 'package calc\n\nimport "testing"\n\nfunc TestOther(t *testing.T) { t.Fatal("not asked for") }\n',
}
GO_RIGHT = "package calc\n\nfunc Double(n int) int { return n * 2 }\n"


@needs_go
def test_tests_in_go_are_run_by_go(tmp_path):
    """The tests of the files that judge are run, others of the package are not."""
    brief = laid(tmp_path, GO, ["calc/double_test.go"], "calc/double.go")
    judge = any_tests(timeout=120)
    right = judged(judge, brief, {"calc/double.go": GO_RIGHT})
    assert right.passed, right
    assert (right.confidence, right.evidence["runner"], right.evidence["counts"]) == (0.9, "go", {"passed": 2})
    wrong = judged(judge, brief, {"calc/double.go": GO_RIGHT.replace("2", "3")})
    assert wrong.failed
    assert "./calc::TestDouble/two" in wrong.feedback
    assert "got 6" in wrong.feedback
    unbuilt = judged(
        judge, brief, {"calc/double.go": "package calc\n\nfunc Double(n string) string { return n }\n"}
    )
    assert unbuilt.failed
    assert "cannot use 2" in unbuilt.feedback


@needs_go
def test_answers_in_go_that_forge_do_not_pass(tmp_path):
    """Neither an early end with a printed report, nor a TestMain of the answer's."""
    said = "=== RUN   TestDouble\\n=== RUN   TestDouble/two\\n--- PASS: TestDouble (0.00s)\\n    --- PASS: TestDouble/two (0.00s)\\nPASS\\n"
    prints = (
        'package calc\n\nimport "os"\n\nfunc Double(n int) int { return n }\n\n'
        f'func init() {{ os.Stdout.WriteString("{said}"); os.Exit(0) }}\n'
    )
    brief = laid(tmp_path, GO, ["calc/double_test.go"], "calc/double.go")
    judge = any_tests(timeout=120)
    assert judged(judge, brief, {"calc/double.go": prints}).failed
    main = 'package calc\n\nimport (\n\t"os"\n\t"testing"\n)\n\nfunc TestMain(m *testing.M) { os.Exit(0) }\n'
    changes = dict.fromkeys(["calc/main_test.go", "calc/other_test.go", "calc/double_test.go"], main)
    assert judged(judge, brief, {"calc/double.go": GO["calc/double.go"] + "// done\n", **changes}).failed


@needs_go
def test_files_in_go_need_no_module():
    """A task of texts alone gets a module of its own."""
    tests = {"double_test.go": GO["calc/double_test.go"]}
    brief = Brief(task_id="t", prompt="p", files={"double.go": GO["calc/double.go"]}, tests=tests)
    assert judged(any_tests(timeout=120), brief, {"double.go": GO_RIGHT}).passed


CARGO = {
    "Cargo.toml": '[package]\nname = "calc"\nversion = "0.1.0"\nedition = "2021"\n',
    "src/lib.rs": "pub fn double(n: i32) -> i32 { n }\n",
    "tests/double.rs": (
        "use calc::double;\n\n#[test]\nfn doubles() {\n    assert_eq!(double(2), 4);\n}\n\n"
        '#[test]\n#[ignore]\nfn slow() {}\n\n#[test]\n#[should_panic]\nfn panics() { panic!("as it should") }\n'
    ),
}
CARGO_RIGHT = "pub fn double(n: i32) -> i32 { n * 2 }\n"


@needs_cargo
def test_tests_in_rust_are_run_by_cargo(tmp_path):
    """The files in tests are built against the crate as the answer leaves it."""
    brief = laid(tmp_path, CARGO, ["tests/double.rs"], "src/lib.rs")
    judge = any_tests(timeout=120)
    right = judged(judge, brief, {"src/lib.rs": CARGO_RIGHT})
    assert right.passed, right
    assert (right.confidence, right.evidence["runner"]) == (0.9, "cargo")
    assert right.evidence["counts"] == {"passed": 2, "skipped": 1}
    wrong = judged(judge, brief, {"src/lib.rs": CARGO_RIGHT.replace("* 2", "* 3")})
    assert wrong.failed
    assert "tests/double.rs::doubles" in wrong.feedback
    assert "left: 6" in wrong.feedback
    unbuilt = judged(judge, brief, {"src/lib.rs": "pub fn twice(n: i32) -> i32 { n }\n"})
    assert unbuilt.failed
    assert "unresolved import" in unbuilt.feedback


@needs_cargo
@pytest.mark.parametrize(
    "text",
    [
        (
            "#[derive(Debug)]\npub struct All;\nimpl PartialEq<i32> for All { fn eq(&self, _: &i32) -> bool { true } }\n"
            "pub fn double(_: i32) -> All { All }\n"
        ),
        'pub fn double(n: i32) -> i32 { println!("test doubles ... ok"); std::process::exit(n - 2) }\n',
        "#[macro_export]\nmacro_rules! assert_eq { ($($x:tt)*) => {} }\npub fn double(n: i32) -> i32 { n }\n",
    ],
    ids=["equal to everything", "ends the process", "a macro of the name"],
)
def test_answers_in_rust_that_forge_do_not_pass(tmp_path, text):
    """Neither a type that equals everything, nor an early end, nor a macro in place of another."""
    brief = laid(tmp_path, CARGO, ["tests/double.rs"], "src/lib.rs")
    assert judged(any_tests(timeout=120), brief, {"src/lib.rs": text}).failed


@needs_cargo
def test_a_crate_that_is_not_there_is_unavailable(tmp_path):
    """What was not fetched is named with the line that fetches it."""
    project = {**CARGO, "Cargo.toml": CARGO["Cargo.toml"] + '\n[dependencies]\nno-such-crate-here = "1"\n'}
    brief = laid(tmp_path, project, ["tests/double.rs"], "src/lib.rs")
    verdict = judged(any_tests(timeout=120), brief, {"src/lib.rs": CARGO_RIGHT})
    assert verdict.reason == "unavailable"
    assert "cargo fetch" in verdict.hint


def test_a_command_may_run_what_it_likes(tmp_path):
    """A stated command takes all tests of the task, and its report decides."""
    check = 'printf "1..1\\n" >/dev/fd/$1; if grep -q right answer.txt; then printf "ok 1 it\\n" >/dev/fd/$1; '
    check += 'else printf "not ok 1 it\\n  # no\\n" >/dev/fd/$1; fi\n'
    brief = laid(tmp_path, {"check.sh": check, "answer.txt": "old"}, ["check.sh"], "answer.txt")
    judge = any_tests(command="sh check.sh {report}", format="tap")
    right = judged(judge, brief, {"answer.txt": "right"})
    assert right.passed, right
    assert right.evidence["base"] == "1 of 1 failed"
    wrong = judged(judge, brief, {"answer.txt": "new", "check.sh": 'printf "1..1\\nok 1 it\\n" >/dev/fd/$1'})
    assert wrong.failed
    assert "not ok 1 it" in wrong.feedback


@pytest.mark.parametrize(
    ("path", "text", "package", "runner"),
    [
        ("a_test.go", "package a", {}, "go"),
        ("tests/a.rs", "", {}, "cargo"),
        ("tests/it/main.rs", "", {}, "cargo"),
        ("src/a.rs", "#[test] fn a() {}", {}, None),
        ("tests/helper/mod.rs", "", {}, None),
        ("a.test.js", "import test from 'node:test'", {}, "node"),
        ("a.test.cjs", "const { test } = require('node:test')", {"jest": "1"}, "node"),
        ("a.test.ts", "import { it } from 'vitest'", {}, "vitest"),
        ("a.test.ts", "import { it } from '@jest/globals'", {"vitest": "1"}, "jest"),
        ("a.test.js", "it('a', () => {})", {"jest": "1"}, "jest"),
        ("a.test.js", "describe('a', () => {})", {"vitest": "1", "jest": "1"}, "vitest"),
        ("check.js", "const assert = require('assert'); assert(1)", {}, "node"),
        ("tests/helper.js", "const assert = require('assert'); module.exports = 1", {}, None),
        ("tests/helper.js", "export const a = 1;", {}, None),
        ("tests/data.json", "{}", {}, None),
        ("tests/test_a.py", "def test_a(): pass", {}, None),
        ("a.test.js", "import test from 'tape'", {}, "?"),
        ("a.test.js", "describe('a', () => {})", {"mocha": "1"}, "?"),
    ],
)
def test_the_runner_is_told_by_the_file_and_the_project(path, text, package, runner):
    """Imports first, then what the project asks for; helpers and data are no tests; others are named."""
    from escalator.validators.stacks.choose import chosen

    files = {"package.json": json.dumps({"devDependencies": package})} if package else {}
    found = chosen(Brief(task_id="t", prompt="p", files=files, tests={path: text}))
    told = [each.stack.name if each.stack else "?" for each in found]
    assert told == ([runner] if runner else [])


def test_a_runner_that_is_named_runs_what_it_can():
    """The option overrides what the files say, and leaves other languages out."""
    from escalator.validators.stacks.choose import chosen

    tests = {"a.test.js": "it('a', () => {})", "b_test.go": "package b", "test_c.py": "def test_c(): pass"}
    brief = Brief(task_id="t", prompt="p", tests=tests)
    for runner, paths in {"jest": ["a.test.js"], "go": ["b_test.go"], "pytest": [], "cargo": []}.items():
        found = chosen(brief, runner)
        assert [path for each in found for path in each.share.tests] == paths
        assert all(each.stack and each.stack.name == runner for each in found)


@needs_node
def test_a_helper_of_the_tests_changed_while_they_run_is_found_out(tmp_path):
    """Where packages are linked the copy can be written: what one test file's process changes, others would load."""
    project = {
        "package.json": '{"type": "module"}',
        "node_modules/plain/package.json": '{"name": "plain"}',
        "test/check.js": "import assert from 'node:assert';\nexport const check = (a, b) => assert.equal(a, b);\n",
        "src/double.js": "export const double = (n) => n;\n",
    }
    for name in ("one", "two"):
        project[f"test/{name}.test.js"] = (
            "import test from 'node:test';\nimport { double } from '../src/double.js';\n"
            f"test('{name}', async () => {{ const {{ check }} = await import('./check.js'); check(double(2), 4); }});\n"
        )
    brief = laid(tmp_path, project, ["test/one.test.js", "test/two.test.js"], "src/double.js")
    assert judged(any_tests(), brief, {"src/double.js": DOUBLE}).passed
    forged = (
        "import fs from 'node:fs';\nexport const double = (n) => n;\n"
        "fs.writeFileSync(new URL('../test/check.js', import.meta.url), 'export const check = () => {};');\n"
    )
    verdict = judged(any_tests(), brief, {"src/double.js": forged})
    assert verdict.failed
    assert "changed test/check.js" in verdict.feedback
