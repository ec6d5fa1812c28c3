"""Tests in JavaScript judge an answer as those in Python do: by node's own runner, out of the answer's reach."""

from dataclasses import replace

import pytest

from escalator import execute
from escalator.records import Brief
from escalator.testing import ScriptedProvider, fenced
from escalator.validators.stacks.suite import any_tests
from validators.judging import judged
from validators.needs import needs_node
from validators.sandboxed import perform
from validators.stack_forgeries import BASE, FILES, FORGERIES, RIGHT, TARGET, TESTS
from validators.stack_layouts import CJS, ESM, LAYOUTS, PLAIN, WRONG
from validators.stack_layouts import RIGHT as GOOD

pytestmark = needs_node


def brief_of(tmp_path, project, tests, target, **more):
    for path, text in project.items():
        place = tmp_path / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    return Brief(
        task_id="t",
        prompt="Make slugs of texts.",
        workspace=tmp_path,
        files={target: project.get(target, "")},
        tests={path: project[path] for path in tests},
        **more,
    )


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_a_right_answer_passes_and_a_wrong_one_fails(tmp_path, layout):
    """In each layout the tests run, the right answer passes, and the wrong one is told which test it fails."""
    brief = brief_of(tmp_path, layout.project, layout.tests, layout.target)
    suite = any_tests(**layout.options)
    right = judged(suite, brief, {layout.target: layout.right})
    assert right.passed, (right.hint, right.feedback, right.evidence)
    assert right.confidence == 0.9
    assert right.evidence["sentinel"] == "failed as it must"
    wrong = judged(suite, brief, {layout.target: layout.wrong})
    assert wrong.failed, wrong
    assert layout.tests[0] in wrong.feedback
    assert len(wrong.feedback) <= 1600


def test_an_answer_that_dies_when_it_is_doubted_goes_to_a_person(tmp_path):
    """Its tests pass, and what they would do with other expected values is not known."""
    runs = []

    def dying_in_the_twin(step):
        runs.append(step.command)
        files = {**step.command.files, **({TARGET: "process.exit(0);\n"} if len(runs) == 3 else {})}
        return perform(replace(step, command=replace(step.command, files=files)))

    brief = brief_of(tmp_path, BASE, TESTS, TARGET)
    verdict = judged(any_tests(timeout=20), brief, {TARGET: RIGHT}, dying_in_the_twin)

    assert len(runs) == 3
    assert (verdict.status, verdict.reason) == ("inconclusive", "suspicious"), verdict


@pytest.fixture(scope="module")
def forged(tmp_path_factory):
    """The task of the forgeries, its run without an answer made once."""
    return any_tests(timeout=20), brief_of(tmp_path_factory.mktemp("forged"), BASE, TESTS, TARGET)


@pytest.mark.parametrize("text", FORGERIES.values(), ids=FORGERIES)
def test_a_forged_answer_does_not_pass(forged, text):
    """What is not right does not pass, whatever it does to the process, the runner or the assertions."""
    verdict = judged(*forged, {TARGET: text})
    assert verdict.failed, verdict


@pytest.mark.parametrize("files", FILES.values(), ids=FILES)
def test_files_beside_the_answer_do_not_make_it_pass(forged, files):
    """Tests, settings and packages that the answer brings or takes away do not count."""
    verdict = judged(*forged, {**files, TARGET: BASE[TARGET] + "// done\n"})
    assert verdict.failed, verdict


def test_the_honest_answer_to_the_forgers_task_passes(tmp_path):
    """The task that is forged can be done."""
    brief = brief_of(tmp_path, BASE, TESTS, TARGET)
    verdict = judged(any_tests(), brief, {TARGET: RIGHT})
    assert verdict.passed, verdict
    assert verdict.evidence["twin"] == {"tests": 3, "failed": 3}


def test_what_the_answer_brings_beside_it_does_not_harm_it(tmp_path):
    """A right answer passes though files of its that steer the runner are left out, and that is told."""
    brief = brief_of(tmp_path, BASE, TESTS, TARGET)
    changes = {TARGET: RIGHT, "package.json": '{"type": "commonjs"}', "test/slug.test.js": "throw 1"}
    verdict = judged(any_tests(), brief, changes)
    assert verdict.passed, verdict
    assert verdict.evidence["put_back"] == ["package.json"]
    assert verdict.evidence["notes"] == ["change to test/slug.test.js left out: it is trusted"]


def test_files_without_a_project_are_judged_too():
    """A task of texts alone needs no folder on disk."""
    test = ESM + "import { slug } from './slug.mjs';\n" + PLAIN
    brief = Brief(task_id="t", prompt="p", files={"slug.mjs": WRONG}, tests={"slug.test.mjs": test})
    assert judged(any_tests(), brief, {"slug.mjs": GOOD}).passed
    assert judged(any_tests(), brief, {"slug.mjs": WRONG + "// done"}).failed


def test_the_only_file_of_an_answer_serves_as_what_the_tests_import():
    """Where the task names no file, the answer's one text is what the tests look for."""
    test = ESM + "import { slug } from './lib/slug.mjs';\n" + PLAIN
    brief = Brief(task_id="t", prompt="p", tests={"test.mjs": test})
    verdict = judged(any_tests(), brief, {"answer.mjs": GOOD})
    assert verdict.passed, verdict
    assert verdict.evidence["notes"] == ["answer.mjs served as lib/slug.mjs"]


def test_python_and_javascript_both_judge():
    """Tests in two languages are run by two runners, and an answer must satisfy both."""
    brief = Brief(
        task_id="t",
        prompt="p",
        files={"slug.mjs": WRONG, "slug.py": "def slug(text):\n    return text\n"},
        tests={
            "slug.test.mjs": ESM + "import { slug } from './slug.mjs';\n" + PLAIN,
            "test_slug.py": "from slug import slug\n\n\ndef test_lowers():\n    assert slug('A b') == 'a-b'\n",
        },
    )
    python = "def slug(text):\n    return text.lower().replace(' ', '-')\n"
    both = judged(any_tests(), brief, {"slug.mjs": GOOD, "slug.py": python})
    assert both.passed, both
    assert both.confidence == 0.9
    assert set(both.evidence["runners"]) == {"pytest", "node"}
    half = judged(any_tests(), brief, {"slug.mjs": GOOD})
    assert half.failed
    assert "test_slug.py::test_lowers" in half.feedback
    other = judged(any_tests(), brief, {"slug.py": python})
    assert other.failed
    assert "slug.test.mjs::lowers" in other.feedback
    neither = judged(any_tests(), brief, {"slug.py": "def slug(text):\n    return 1\n"})
    assert "test_slug.py::test_lowers" in neither.feedback
    assert "slug.test.mjs::lowers" in neither.feedback


def test_tests_that_passed_before_prove_half():
    """What passes with and without the answer is no evidence of the change."""
    test = (
        ESM + "import { slug } from './slug.mjs';\ntest('is', () => { assert.equal(typeof slug, 'function'); });\n"
    )
    brief = Brief(task_id="t", prompt="p", files={"slug.mjs": WRONG}, tests={"slug.test.mjs": test})
    verdict = judged(any_tests(), brief, {"slug.mjs": GOOD})
    assert verdict.passed
    assert verdict.confidence == 0.5
    assert verdict.evidence["base"] == "all passed"


def test_a_test_that_ran_before_must_not_be_skipped_now():
    """A test that asks the answer whether to run is not excused where it ran without the answer."""
    test = (
        ESM + "import * as own from './slug.mjs';\n"
        "test('lowers', { skip: own.later ?? false }, () => { assert.equal(own.slug('A b'), 'a-b'); });\n"
        "test('is', () => { assert.ok(own.slug); });\n"
    )
    brief = Brief(task_id="t", prompt="p", files={"slug.mjs": WRONG}, tests={"slug.test.mjs": test})
    verdict = judged(any_tests(), brief, {"slug.mjs": WRONG + "export const later = true;\n"})
    assert verdict.failed
    assert "skipped" in verdict.feedback


def test_a_test_that_ran_before_must_not_be_gone():
    """Tests made in a loop over what the answer gives are missed when the loop is empty."""
    test = (
        ESM + "import { slugs } from './slug.mjs';\n"
        "for (const [text, slug] of slugs) test(`of ${text}`, () => { assert.equal(text.toLowerCase(), slug); });\n"
        "test('is', () => { assert.ok(slugs); });\n"
    )
    base = "export const slugs = [['A', 'A']];\n"
    brief = Brief(task_id="t", prompt="p", files={"slug.mjs": base}, tests={"slug.test.mjs": test})
    verdict = judged(any_tests(), brief, {"slug.mjs": "export const slugs = [];\n"})
    assert verdict.failed
    assert "slug.test.mjs::of A" in verdict.feedback


def test_a_hang_is_told_with_the_test_it_hung_in():
    """An endless loop is ended by the clock, and the model is told how far the tests came."""
    brief = Brief(
        task_id="t",
        prompt="p",
        files={"slug.mjs": WRONG},
        tests={"slug.test.mjs": ESM + "import { slug } from './slug.mjs';\n" + PLAIN},
    )
    verdict = judged(any_tests(timeout=4), brief, {"slug.mjs": "export const slug = () => { for (;;); };\n"})
    assert verdict.failed
    assert "longer than 4 s" in verdict.feedback
    assert "slug.test.mjs::lowers" in verdict.feedback


def test_a_hang_without_the_answer_too_is_not_its_fault():
    """Tests that take too long anyway say nothing."""
    test = ESM + "import './slug.mjs';\ntest('slow', () => { for (;;); });\n"
    brief = Brief(task_id="t", prompt="p", files={"slug.mjs": WRONG}, tests={"slug.test.mjs": test})
    verdict = judged(any_tests(timeout=2), brief, {"slug.mjs": GOOD})
    assert verdict.reason == "error"
    assert "Raise the option timeout" in verdict.hint


def test_too_much_memory_is_told_as_that():
    """An answer that fills the heap is told so, not that a process ended."""
    brief = Brief(
        task_id="t",
        prompt="p",
        files={"slug.mjs": WRONG},
        tests={"slug.test.mjs": ESM + "import { slug } from './slug.mjs';\n" + PLAIN},
    )
    hungry = "export const slug = () => { const all = []; for (;;) all.push(new Array(1000).fill({})); };\n"
    verdict = judged(any_tests(memory_mib=64), brief, {"slug.mjs": hungry})
    assert verdict.failed
    assert "64 MiB of memory" in verdict.feedback


def test_a_package_that_is_not_installed_is_not_the_answers_fault(tmp_path):
    """What the tests import and nobody has is named with the line that brings it."""
    test = "import { expect } from 'chai';\n" + ESM + "import { slug } from './slug.mjs';\n" + PLAIN
    brief = brief_of(tmp_path, {"slug.mjs": WRONG, "slug.test.mjs": test}, ("slug.test.mjs",), "slug.mjs")
    verdict = judged(any_tests(), brief, {"slug.mjs": GOOD})
    assert verdict.reason == "unavailable"
    assert "'chai'" in verdict.hint
    assert "npm ci" in verdict.hint


def test_a_package_that_only_the_answer_wants_is_its_fault(tmp_path):
    """An answer is to use what is there."""
    test = ESM + "import { slug } from './slug.mjs';\n" + PLAIN
    brief = brief_of(tmp_path, {"slug.mjs": WRONG, "slug.test.mjs": test}, ("slug.test.mjs",), "slug.mjs")
    verdict = judged(any_tests(), brief, {"slug.mjs": "import _ from 'lodash';\n" + GOOD})
    assert verdict.failed
    assert "lodash" in verdict.feedback


def test_installed_packages_are_there_for_the_tests(tmp_path):
    """A package of the project is found, also one of the project's own that is linked there."""
    project = {
        "package.json": '{"type": "module", "workspaces": ["packages/*"]}',
        "node_modules/wanted/package.json": '{"name": "wanted", "main": "index.js"}',
        "node_modules/wanted/index.js": "module.exports = { slug: 'a-b' };\n",
        "node_modules/@team/kind/package.json": '{"name": "@team/kind", "main": "index.js"}',
        "node_modules/@team/kind/index.js": "module.exports = 'string';\n",
        "packages/slug/package.json": '{"name": "slug", "type": "module", "main": "index.js"}',
        "packages/slug/index.js": WRONG,
        "test/slug.test.js": ESM
        + "import { slug } from 'slug';\nimport wanted from 'wanted';\nimport kind from '@team/kind';\n"
        + "test('lowers', () => { assert.equal(slug('A b'), wanted.slug); assert.equal(typeof slug(''), kind); });\n",
    }
    brief = brief_of(tmp_path, project, ("test/slug.test.js",), "packages/slug/index.js")
    (tmp_path / "node_modules/slug").symlink_to("../packages/slug")
    right = judged(any_tests(), brief, {"packages/slug/index.js": GOOD})
    assert right.passed, right
    assert judged(any_tests(), brief, {"packages/slug/index.js": WRONG + "// done"}).failed
    assert not (tmp_path / "node_modules/.vite").exists()


def test_tests_that_write_into_the_project_ask_for_the_option():
    """The copy is read-only unless the caller says that tests may write."""
    test = (
        "import fs from 'node:fs';\n" + ESM + "import { slug } from './slug.mjs';\n"
        "test('writes', () => { fs.writeFileSync('out.txt', slug('A b')); assert.equal(fs.readFileSync('out.txt', 'utf8'), 'a-b'); });\n"
    )
    brief = Brief(task_id="t", prompt="p", files={"slug.mjs": WRONG}, tests={"slug.test.mjs": test})
    assert judged(any_tests(writable=True), brief, {"slug.mjs": GOOD}).passed
    if judged(any_tests(), brief, {"slug.mjs": GOOD}).isolation.kind == "bwrap":
        verdict = judged(any_tests(), brief, {"slug.mjs": GOOD})
        assert verdict.reason == "unavailable"
        assert "writable: true" in verdict.hint


def test_a_test_changed_while_it_runs_is_found_out():
    """Where tests may write, a test file that was changed by the run fails the answer."""
    test = CJS + "const { slug } = require('./slug.cjs');\ntest('lowers', () => { assert.ok(slug('A b')); });\n"
    brief = Brief(task_id="t", prompt="p", files={"slug.cjs": "exports.slug = 1;"}, tests={"slug.test.cjs": test})
    writes = "require('fs').appendFileSync(__dirname + '/slug.test.cjs', '//');\nexports.slug = () => 'a-b';\n"
    verdict = judged(any_tests(writable=True), brief, {"slug.cjs": writes})
    assert verdict.failed
    assert "changed slug.test.cjs" in verdict.feedback


def test_tests_for_a_runner_that_is_not_there_say_how_to_get_it(tmp_path):
    """vitest, jest and others are named with what brings them."""
    cases = {
        "import { test, expect } from 'vitest';\ntest('a', () => expect(1).toBe(1));\n": "vitest",
        "import { test, expect } from '@jest/globals';\ntest('a', () => expect(1).toBe(1));\n": "jest",
        "describe('a', () => { it('b', () => { expect(1).toBe(1); }); });\n": "node:test",
        "import test from 'ava';\ntest('a', (t) => t.pass());\n": "ava",
    }
    for text, name in cases.items():
        brief = brief_of(tmp_path, {"a.mjs": "", "a.test.mjs": text}, ("a.test.mjs",), "a.mjs")
        verdict = judged(any_tests(), brief, {"a.mjs": "export const a = 1;\n"})
        assert verdict.reason == "unavailable"
        assert name in verdict.hint
        assert any_tests().unavailable(brief) == verdict.hint


def test_a_right_answer_in_javascript_is_accepted():
    """A task whose tests are JavaScript ends in acceptance, as one in Python does, and a wrong answer does not."""
    options = {
        "files": {"slug.mjs": WRONG},
        "tests": {"slug.test.mjs": ESM + "import { slug } from './slug.mjs';\n" + PLAIN},
        "validators": ["syntax", "tests", {"command": {"run": "node --test", "memory_mb": None}}],
        "ledger": ":memory:",
    }
    good = ScriptedProvider(lambda _: fenced(GOOD, path="slug.mjs"))
    outcome = execute("Let slug() lower a text and join words by hyphens.", providers=good, **options)
    assert outcome.status == "accepted", outcome.reason
    bad = ScriptedProvider(lambda _: fenced(WRONG + "export const more = 1;\n", path="slug.mjs"))
    assert execute("Let slug() lower a text.", providers=bad, **options).status != "accepted"
