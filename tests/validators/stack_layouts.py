"""Small projects in JavaScript and TypeScript: each with a right answer and one that is wrong."""

from dataclasses import dataclass, field

WRONG = "export const slug = (text) => text;\n"
RIGHT = "export const slug = (text) => text.toLowerCase().replaceAll(' ', '-');\n"
WRONG_CJS = "exports.slug = (text) => text;\n"
RIGHT_CJS = "exports.slug = (text) => text.toLowerCase().replaceAll(' ', '-');\n"
ESM = "import test from 'node:test';\nimport assert from 'node:assert/strict';\n"
CJS = "const test = require('node:test');\nconst assert = require('node:assert/strict');\n"
PLAIN = "test('lowers', () => {\n  assert.equal(slug('A b'), 'a-b');\n});\n"


@dataclass(frozen=True, kw_only=True)
class Layout:
    """`project`: files on disk. `tests`: which of them judge. `target`: what the answer writes."""

    project: dict[str, str]
    tests: tuple[str, ...]
    target: str
    right: str = RIGHT
    wrong: str = WRONG
    options: dict = field(default_factory=dict)


LAYOUTS = {
    "modules by their ending": Layout(
        project={"slug.mjs": WRONG, "slug.test.mjs": ESM + "import { slug } from './slug.mjs';\n" + PLAIN},
        tests=("slug.test.mjs",),
        target="slug.mjs",
    ),
    "modules by the package": Layout(
        project={
            "package.json": '{"name": "slug", "type": "module"}',
            "src/slug.js": WRONG,
            "test/slug.test.js": ESM + "import { slug } from '../src/slug.js';\n" + PLAIN,
        },
        tests=("test/slug.test.js",),
        target="src/slug.js",
    ),
    "CommonJS": Layout(
        project={
            "package.json": '{"name": "slug", "main": "index.js"}',
            "index.js": WRONG_CJS,
            "test/slug.js": CJS + "const { slug } = require('..');\n" + PLAIN,
        },
        tests=("test/slug.js",),
        target="index.js",
        right=RIGHT_CJS,
        wrong=WRONG_CJS,
    ),
    "CommonJS by its ending, in a package of modules": Layout(
        project={
            "package.json": '{"type": "module"}',
            "lib/slug.cjs": WRONG_CJS,
            "lib/slug.spec.cjs": CJS + "const { slug } = require('./slug.cjs');\n" + PLAIN,
        },
        tests=("lib/slug.spec.cjs",),
        target="lib/slug.cjs",
        right=RIGHT_CJS,
        wrong=WRONG_CJS,
    ),
    "suites in suites": Layout(
        project={
            "slug.mjs": WRONG,
            "slug.test.mjs": (
                "import { describe, it, before } from 'node:test';\nimport assert from 'node:assert';\n"
                "import { slug } from './slug.mjs';\n"
                "describe('slug', () => {\n  let text;\n  before(() => { text = 'A b'; });\n"
                "  describe('of a text', () => {\n"
                "    it('lowers', () => assert.strictEqual(slug(text), 'a-b'));\n"
                "    it('is a string', () => { assert.equal(typeof slug(text), 'string'); });\n  });\n});\n"
            ),
        },
        tests=("slug.test.mjs",),
        target="slug.mjs",
    ),
    "tests made in loops": Layout(
        project={
            "slug.mjs": WRONG,
            "slug.test.mjs": ESM
            + "import { slug } from './slug.mjs';\n"
            + "const table = [['A', 'a'], ['A b', 'a-b'], ['', '']];\n"
            + "for (const [text, wanted] of table) {\n"
            + "  test(`slug of ${JSON.stringify(text)}`, () => assert.equal(slug(text), wanted));\n}\n"
            + "table.forEach(([text], at) => test(`row ${at}`, () => assert.ok(slug(text) !== undefined)));\n",
        },
        tests=("slug.test.mjs",),
        target="slug.mjs",
    ),
    "tests that wait": Layout(
        project={
            "slug.mjs": "export const slug = async (text) => text;\n",
            "slug.test.mjs": ESM
            + "import { slug } from './slug.mjs';\n"
            + "test('lowers', async () => {\n  assert.deepEqual([await slug('A b')], ['a-b']);\n});\n"
            + "test('by steps', async (t) => {\n  await t.test('first', async () => {\n"
            + "    await new Promise((done) => setTimeout(done, 5));\n"
            + "    assert.equal(await slug('Q'), 'q');\n  });\n});\n",
        },
        tests=("slug.test.mjs",),
        target="slug.mjs",
        right="export const slug = async (text) => text.toLowerCase().replaceAll(' ', '-');\n",
        wrong="export const slug = async (text) => text;\n",
    ),
    "helpers and data beside the tests": Layout(
        project={
            "src/slug.mjs": WRONG,
            "test/helpers.mjs": "export const check = (assert, got, wanted) => assert.equal(got, wanted);\n",
            "test/data/cases.json": '[["A b", "a-b"]]',
            "test/slug.test.mjs": ESM
            + "import { readFileSync } from 'node:fs';\nimport { slug } from '../src/slug.mjs';\n"
            + "import { check } from './helpers.mjs';\n"
            + "const cases = JSON.parse(readFileSync(new URL('data/cases.json', import.meta.url)));\n"
            + "test('cases', () => { for (const [text, wanted] of cases) check(assert, slug(text), wanted); });\n",
        },
        tests=("test/slug.test.mjs",),
        target="src/slug.mjs",
    ),
    "a package of a larger project, read from its folder": Layout(
        project={
            "package.json": '{"private": true, "workspaces": ["packages/*"]}',
            "packages/slug/package.json": '{"name": "slug", "type": "module"}',
            "packages/slug/wanted.txt": "a-b",
            "packages/slug/index.js": WRONG,
            "packages/slug/test/index.test.js": ESM
            + "import { readFileSync } from 'node:fs';\nimport { slug } from '../index.js';\n"
            + "test('lowers', () => assert.equal(slug('A b'), readFileSync('wanted.txt', 'utf8')));\n",
        },
        tests=("packages/slug/test/index.test.js",),
        target="packages/slug/index.js",
    ),
    "a module that is still to be written": Layout(
        project={"slug.test.mjs": ESM + "import { slug } from './lib/slug.mjs';\n" + PLAIN},
        tests=("slug.test.mjs",),
        target="lib/slug.mjs",
    ),
    "a script that only asserts": Layout(
        project={
            "slug.js": WRONG_CJS,
            "check.js": "const assert = require('assert');\nassert.equal(require('./slug').slug('A b'), 'a-b');\n",
        },
        tests=("check.js",),
        target="slug.js",
        right=RIGHT_CJS,
        wrong=WRONG_CJS,
    ),
    "a program that is started": Layout(
        project={
            "bin/slug.js": "console.log(process.argv[2]);\n",
            "test/cli.test.js": CJS
            + "const { execFileSync } = require('node:child_process');\n"
            + "const run = (text) => execFileSync(process.execPath, ['bin/slug.js', text], { encoding: 'utf8' });\n"
            + "test('lowers', () => { assert.equal(run('A b').trim(), 'a-b'); });\n",
        },
        tests=("test/cli.test.js",),
        target="bin/slug.js",
        right="console.log(process.argv[2].toLowerCase().replaceAll(' ', '-'));\n",
        wrong="console.log(process.argv[2]);\n",
    ),
    "tests that skip themselves, and one to do": Layout(
        project={
            "slug.mjs": WRONG,
            "slug.test.mjs": ESM
            + "import { slug } from './slug.mjs';\n"
            + PLAIN
            + "test.skip('later', () => assert.equal(1, 2));\ntest.todo('some day');\n"
            + "test('elsewhere', { skip: true }, () => assert.equal(1, 2));\n",
        },
        tests=("slug.test.mjs",),
        target="slug.mjs",
    ),
    "names with brackets and quotes": Layout(
        project={
            "app/[slug].mjs": WRONG,
            "app/[slug].test.mjs": ESM
            + "import { slug } from './[slug].mjs';\n"
            + "test('it\\'s \"low\" [a] > b :: c', () => { assert.equal(slug('A b'), 'a-b'); });\n",
        },
        tests=("app/[slug].test.mjs",),
        target="app/[slug].mjs",
    ),
    "errors that are expected": Layout(
        project={
            "slug.mjs": WRONG,
            "slug.test.mjs": ESM
            + "import { slug } from './slug.mjs';\n"
            + "test('refuses', () => { assert.throws(() => slug(1), TypeError); });\n"
            + "test('rejects', async () => { await assert.rejects(async () => slug(null), TypeError); });\n",
        },
        tests=("slug.test.mjs",),
        target="slug.mjs",
    ),
}
