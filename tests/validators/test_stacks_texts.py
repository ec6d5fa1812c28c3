"""What the text of a test says is read as its runner will: its tests, its imports, other values to expect."""

import hmac
import json
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalator.languages.parsing import parses
from escalator.records import Brief
from escalator.validators.stacks import javascript, packages
from escalator.validators.stacks.golang import Go
from escalator.validators.stacks.rust import Cargo
from escalator.validators.stacks.stack import Share, nearest
from escalator.validators.stacks.wire import read_wire

TEXT = """\
import { describe, it, test } from 'node:test';
describe('outer', () => {
  const a = 1;
  it('plain', () => {});
  describe("inner's", async () => {
    test(`template`, async () => { await 1; });
    it.skip('skipped', () => {});
  });
  for (const n of [1, 2]) it('in a loop', () => {});
  if (a) it('if it suits', () => {});
  [1].forEach(() => it('of each', () => {}));
  it.each([1])('each %s', () => {});
  it(`number ${a}`, () => {});
  it('with options', { skip: true }, () => {});
  it('with others', { timeout: 5 }, function () {});
});
test.todo('later');
xit('old', () => {});
await test('waited for', () => {});
function helper() { test('not called', () => {}); }
// test('in a comment', () => {});
const said = "test('in a text', () => {})";
"""


def titles(text, path="a.test.js"):
    return {test.title: test.aside for test in javascript.tests_of(path, text)}


def test_tests_are_found_where_the_file_runs_by():
    """Suites give their names to what stands in them; what a loop, a condition or a call decides is not counted on."""
    assert titles(TEXT) == {
        "outer > plain": False,
        "outer > inner's > template": False,
        "outer > inner's > skipped": True,
        "outer > with options": True,
        "outer > with others": False,
        "later": True,
        "old": True,
        "waited for": False,
    }


def test_a_text_that_does_not_parse_defines_nothing_or_something_but_never_breaks():
    """Half a file is no reason to raise."""
    assert titles("test('a', () => {") in ({}, {"a": False})
    assert titles("<<<<") == {}
    assert titles(TEXT, "a.py") == {}


@given(st.text(max_size=80))
def test_any_text_can_be_read(text):
    """Whatever a test file holds, its names, its imports and its twin are told."""
    javascript.tests_of("a.test.ts", text)
    javascript.imports(text)
    assert javascript.twin_text("a.test.mjs", text)[1] == frozenset() or "test" in text


@pytest.mark.parametrize(
    ("statement", "twin"),
    [
        ("assert.equal(f(1), 2);", "assert.equal(f(1), (Math.abs(2) < 2 ** 50 ? 2 + 1 : 2 / 2));"),
        ("assert.equal(2, f(1));", "assert.equal((Math.abs(2) < 2 ** 50 ? 2 + 1 : 2 / 2), f(1));"),
        ("assert.strictEqual(f(), 'a');", "assert.strictEqual(f(), ('a' + \"~\"));"),
        ("strictEqual(f(), true);", "strictEqual(f(), (false));"),
        ("t.assert.deepEqual(f(), [1, 'b']);", "t.assert.deepEqual(f(), ([...[1, 'b'], \"~\"]));"),
        ("expect(f()).toEqual({ a: 1 });", 'expect(f()).toEqual((({...{ a: 1 }, "~": "~"})));'),
        ("await expect(f()).resolves.toBe(null);", 'await expect(f()).resolves.toBe(("~"));'),
        ("assert.equal(f(), undefined, 'told');", "assert.equal(f(), (\"~\"), 'told');"),
    ],
)
def test_what_is_expected_is_changed_in_the_twin(statement, twin):
    """Values that are written out become others, by whichever way they are expected."""
    text, changed = javascript.twin_text("a.test.mjs", f"test('a', async () => {{ {statement} }});")
    assert text == f"test('a', async () => {{ {twin} }});"
    assert changed == {"a"}
    assert parses("javascript", text)


@pytest.mark.parametrize(
    "statement",
    [
        "assert.notEqual(f(), 2);",
        "expect(f()).not.toBe(2);",
        "assert.equal(f(), g());",
        "assert.equal(f(), new Date(1));",
        "assert.equal(f(), 5n);",
        "assert.equal(f(), `a${b}`);",
        "assert.ok(f(2));",
        "if (a) assert.equal(f(), 2);",
        "for (const a of all) assert.equal(a, 2);",
        "if (!a) return; assert.equal(f(), 2);",
        "if (!a) t.skip(); assert.equal(f(), 2);",
        "try { f(); } catch (error) { assert.equal(error.message, 'x'); }",
        "run(() => assert.equal(f(), 2));",
        "expect(f).toBe(1, 2);",
    ],
)
def test_what_a_passing_run_need_not_come_by_is_left_alone(statement):
    """Only what each passing run compares may be expected to fail in the twin."""
    text = f"test('a', (t) => {{ {statement} }});"
    assert javascript.twin_text("a.test.mjs", text) == (text, frozenset())


def test_tests_that_are_set_aside_have_no_twin():
    """A test that is not to run cannot fail."""
    text = "test.skip('a', () => { assert.equal(f(), 2); });"
    assert javascript.twin_text("a.test.mjs", text)[1] == frozenset()


@pytest.mark.parametrize(
    ("text", "answer", "place"),
    [
        ("import { a } from './a.mjs';", "answer.mjs", "test/a.mjs"),
        ("const a = require('../lib/a');", "answer.ts", "lib/a.ts"),
        ("import a from './a.mjs'; import b from './b.mjs';", "answer.mjs", None),
        ("import a from './a.mjs';", "test/a.mjs", None),
        ("import a from '../../a.mjs';", "answer.mjs", None),
        ("import a from 'a';", "answer.mjs", None),
    ],
)
def test_the_place_of_what_tests_import_is_told_where_there_is_one(text, answer, place):
    """Only one module that is not there can be meant."""
    assert javascript.imported_place({"test/a.test.mjs": text}, answer) == place


def test_functions_of_go_are_found():
    """Tests, fuzz tests and examples with an output run; others do not."""
    text = (
        "package a\n\nfunc TestA(t *testing.T) {}\nfunc FuzzB(f *testing.F) {}\nfunc helper(t *testing.T) {}\n"
        "func TestMain(m *testing.M) {}\nfunc ExampleC() {\n\tprintln(1)\n\t// Output: 1\n}\nfunc ExampleD() {\n}\n"
    )
    brief = Brief(task_id="t", prompt="p", tests={"x/a_test.go": text})
    found = Go().defined(brief, Share(root="", tests=brief.tests))
    assert found.ids == ("./x::TestA", "./x::FuzzB", "./x::ExampleC")


def test_functions_of_rust_are_found_with_their_modules():
    """What is ignored is excused, what should panic is expected like any other."""
    text = (
        "#[test]\nfn a() {}\nfn helper() {}\nmod inner {\n    #[test]\n    #[ignore]\n    fn b() {}\n"
        '    #[tokio::test(flavor = "x")]\n    async fn c() {}\n}\n'
    )
    share = Share(root="calc", tests={"calc/tests/t.rs": text})
    found = Cargo().defined(Brief(task_id="t", prompt="p"), share)
    assert set(found.ids) == {"tests/t.rs::a", "tests/t.rs::inner::b", "tests/t.rs::inner::c"}
    assert found.excused == {"tests/t.rs::inner::b"}


@pytest.mark.parametrize(
    ("statement", "twin"),
    [
        ("assert_eq!(f(1), 4);", "assert_eq!(f(1), 3);"),
        ("assert_eq!(0, f(1));", "assert_eq!(1, f(1));"),
        ('assert_eq!(f("a, b"), "x", "told {}", 1);', 'assert_eq!(f("a, b"), "x~", "told {}", 1);'),
        ("assert_eq!(f(), 2.5f32);", "assert_eq!(f(), 1.5f32);"),
        ("assert_eq!(f(), true);", "assert_eq!(f(), false);"),
        ("assert_eq!(f(), g());", None),
        ("assert_eq!(f(), vec![1]);", None),
        ("assert_ne!(f(), 4);", None),
        ("if a { return; } assert_eq!(f(), 4);", None),
        ("for a in b { assert_eq!(a, 4); }", None),
    ],
)
def test_what_rust_expects_is_changed_in_the_twin(statement, twin):
    """A literal becomes another of its type; what a passing run need not come by is left alone."""
    share = Share(root="", tests={"tests/t.rs": f"#[test]\nfn a() {{ {statement} }}\n"})
    made = Cargo().twin(share)
    assert made.texts == ({} if twin is None else {"tests/t.rs": f"#[test]\nfn a() {{ {twin} }}\n"})
    assert made.ids == (frozenset() if twin is None else {"tests/t.rs::a"})


def test_packages_are_linked_one_by_one(tmp_path):
    """Installed ones lead to where they are, those of the project to its copy, scoped ones below their scope."""
    for path in ("node_modules/plain/x", "node_modules/@team/one/x", "packages/own/node_modules/deep/x"):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).touch()
    (tmp_path / "node_modules/.bin").mkdir()
    (tmp_path / "node_modules/own").symlink_to("../packages/own")
    (tmp_path / "node_modules/@team/two").symlink_to("../../packages/own")
    brief = Brief(task_id="t", prompt="p", workspace=tmp_path, tests={"test/a.test.js": ""})
    found, shown = packages.links(brief, Share(root="", tests=brief.tests))
    assert found == {
        "node_modules/plain": str(tmp_path / "node_modules/plain"),
        "node_modules/@team/one": str(tmp_path / "node_modules/@team/one"),
        "node_modules/own": "../packages/own",
        "node_modules/@team/two": "../../packages/own",
        "packages/own/node_modules/deep": str(tmp_path / "packages/own/node_modules/deep"),
    }
    assert set(shown) == {tmp_path / "node_modules", tmp_path / "packages/own/node_modules"}


def test_a_folder_of_packages_that_lies_elsewhere_is_linked_as_a_whole(tmp_path):
    """A link to a shared folder of packages leads there."""
    (tmp_path / "shared/plain").mkdir(parents=True)
    (tmp_path / "project").mkdir()
    (tmp_path / "project/node_modules").symlink_to(tmp_path / "shared")
    brief = Brief(task_id="t", prompt="p", workspace=tmp_path / "project", tests={"a.test.js": ""})
    found, shown = packages.links(brief, Share(root="", tests=brief.tests))
    assert found == {"node_modules": str(tmp_path / "shared")}
    assert shown == (tmp_path / "shared",)


def test_a_package_is_declared_wherever_it_is_asked_for():
    """The package.json of a folder and those above it count; one that is no JSON says nothing."""
    files = {
        "package.json": json.dumps({"devDependencies": {"vitest": "1"}}),
        "a/package.json": json.dumps({"dependencies": {"left": "1"}, "devDependencies": 3}),
        "a/b/package.json": "{",
    }
    brief = Brief(task_id="t", prompt="p", files=files)
    assert packages.declared(brief, "a/b") == {"vitest", "left"}
    assert packages.declared(brief, "") == {"vitest"}
    assert nearest(brief, "a/c/d.test.js", "package.json") == "a"
    assert nearest(brief, "c/d.test.js", "go.mod") is None


def signed(key, *records):
    lines = []
    for record in records:
        body = json.dumps(record).encode()
        lines.append(hmac.new(key.encode(), body, sha256).hexdigest().encode() + b" " + body)
    return lines


def test_only_what_the_key_signed_is_a_record():
    """Lines of others are kept apart, and a record that is missing or stands twice is noticed."""
    start, one, two = signed("k", {"kind": "start"}, {"kind": "test", "number": 0}, {"kind": "test", "number": 1})
    (forged,) = signed("other", {"kind": "test", "number": 2})
    wire = read_wire(b"\n".join([start, one, two, forged, b"{}"]), "k")
    assert wire.first("start") == {"kind": "start"}
    assert len(wire.tests) == 2
    assert wire.rest == forged.decode() + "\n{}"
    assert read_wire(b"\n".join([start, two]), "k").tests is None
    assert read_wire(b"\n".join([start, one, one]), "k").tests is None
    assert read_wire(b"\n".join([start, start]), "k").first("start") == {}
