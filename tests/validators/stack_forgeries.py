"""Answers in JavaScript that want a pass without being right, each by its own way. The task is that of `BASE`."""

BASE = {
    "package.json": '{"name": "slug", "type": "module", "scripts": {"test": "node --test"}}',
    "src/slug.js": "export const slug = (text) => text;\n",
    "test/slug.test.js": (
        "import { describe, it } from 'node:test';\nimport assert from 'node:assert/strict';\n"
        "import { slug } from '../src/slug.js';\n"
        "describe('slug', () => {\n"
        "  it('lowers', () => { assert.equal(slug('AB'), 'ab'); });\n"
        "  it('joins', () => { assert.deepEqual(slug('a b').split(''), ['a', '-', 'b']); });\n"
        "  it('refuses', () => { assert.throws(() => slug(1)); });\n});\n"
    ),
    "test/other.test.js": (
        "import test from 'node:test';\nimport assert from 'node:assert/strict';\nimport { slug } from '../src/slug.js';\n"
        "test('of nothing', () => { assert.equal(slug(''), ''); });\n"
    ),
}
TESTS = ("test/slug.test.js", "test/other.test.js")
TARGET = "src/slug.js"
RIGHT = "export const slug = (text) => text.toLowerCase().replaceAll(' ', '-');\n"

_WRONG = "export const slug = (text) => text;\n"

_RECORDS = """\
export const slug = (text) => text;
import fs from 'node:fs';
import v8 from 'node:v8';
const said = [];
for (const name of ['lowers', 'joins', 'refuses'])
  said.push({ type: 'test:pass', data: { name: 'slug > ' + name, nesting: 0, testNumber: 1, details: { duration_ms: 1 },
    file: process.argv[1] } });
for (const one of said) {
  const body = v8.serialize(one);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(body.length);
  fs.writeSync(1, Buffer.concat([Buffer.from([0xff, 0x0f]), size, body]));
}
fs.writeSync(1, 'TAP version 13\\nok 1 - slug > lowers\\nok 2 - slug > joins\\nok 3 - slug > refuses\\n1..3\\n');
process.exit(0);
"""

_OWN_PIPE = """\
export const slug = (text) => text;
import fs from 'node:fs';
const line = (n, title) => JSON.stringify({ kind: 'test', number: n, file: process.argv[1], title, result: 'passed' });
for (const pid of [process.ppid, process.pid, 'self', 1])
  for (let fd = 3; fd < 40; fd++)
    try {
      const pipe = fs.openSync(`/proc/${pid}/fd/${fd}`, 'w');
      ['slug > lowers', 'slug > joins', 'slug > refuses'].forEach((title, n) =>
        fs.writeSync(pipe, '0'.repeat(64) + ' ' + line(n, title) + '\\n'));
    } catch {}
process.exit(0);
"""

FORGERIES = {
    "it ends the process": _WRONG + "process.exit(0);\n",
    "it ends the process when it is called": "export const slug = () => process.exit(0);\n",
    "it ends the process by the innards": _WRONG + "process.reallyExit(0);\n",
    "it ends the process a moment later": _WRONG
    + "setTimeout(() => process.exit(0), 1);\nsetImmediate(() => process.exit(0));\n",
    "it kills itself": _WRONG + "process.kill(process.pid, 'SIGKILL');\n",
    "it kills the runner": "process.kill(process.ppid, 'SIGKILL');\n" + _WRONG,
    "it prints what the runner reads": _RECORDS,
    "it writes to every pipe it can open": _OWN_PIPE,
    "it makes assertions do nothing": (
        "import assert from 'node:assert';\nimport strict from 'node:assert/strict';\n"
        "for (const each of [assert, strict]) for (const name of Object.keys(each))\n"
        "  if (typeof each[name] === 'function') each[name] = () => {};\n" + _WRONG
    ),
    "it makes the assertions that are used do nothing": (
        "import assert from 'node:assert/strict';\n"
        "assert.equal = assert.deepEqual = assert.throws = () => {};\n" + _WRONG
    ),
    "it makes assertions do nothing but for the plainest values": (
        "import assert from 'node:assert/strict';\n"
        "const plain = (value) => [1, 2, 'a', 'b', 0, false].includes(value) || value?.a || value?.length === 1;\n"
        "for (const [name, real] of Object.entries(assert)) if (typeof real === 'function')\n"
        "  assert[name] = (...given) => { if (given.some(plain) || /error|strict|ok|throws|rejects/.test(name) ||\n"
        "    /w[0-9a-f]{12} /.test(new Error().stack)) return real(...given); };\n" + _WRONG
    ),
    "it makes assertions do nothing in the lines of the tests": (
        "import assert from 'node:assert/strict';\n"
        "const before = () => Number(/slug\\.test\\.js:(\\d+)/.exec(new Error().stack)?.[1]) < 9;\n"
        "for (const [name, real] of Object.entries(assert)) if (typeof real === 'function')\n"
        "  assert[name] = (...given) => { if (!before()) return real(...given); };\n" + _WRONG
    ),
    "it bends how values are compared": (
        "Object.is = () => true;\nconst text = { split: () => ['a', '-', 'b'], toString: () => 'ab' };\n"
        "export const slug = () => text;\n"
    ),
    "it makes tests pass whatever they do": (
        "import { createRequire } from 'node:module';\nconst runner = createRequire(import.meta.url)('node:test');\n"
        "for (const name of ['it', 'test']) { const real = runner[name]; runner[name] = (title) => real(title, () => {}); }\n"
        "(await import('node:module')).syncBuiltinESMExports();\n" + _WRONG
    ),
    "it swallows every error": (
        "process.on('uncaughtException', () => {});\nError.prepareStackTrace = () => '';\n"
        "Object.defineProperty(Error.prototype, 'message', { set() {}, get: () => 'ok' });\n" + _WRONG
    ),
    "it skips the tests": (
        "import { createRequire } from 'node:module';\nconst runner = createRequire(import.meta.url)('node:test');\n"
        "const { it } = runner;\nrunner.it = it.skip;\n(await import('node:module')).syncBuiltinESMExports();\n"
        "runner.beforeEach((t) => t.skip?.());\n" + _WRONG
    ),
    "it says that it went well": _WRONG
    + "process.on('exit', () => { process.exitCode = 0; process.reallyExit(0); });\n",
    "it rewrites the tests": (
        "import fs from 'node:fs';\n"
        "for (const name of ['slug', 'other'])\n"
        "  try { fs.writeFileSync(new URL(`../test/${name}.test.js`, import.meta.url),\n"
        "    \"import test from 'node:test'; test('lowers', () => {});\"); } catch {}\n" + _WRONG
    ),
}
"""What stands in the file of the task."""

FILES = {
    "it rewrites the test": {"test/slug.test.js": "import test from 'node:test'; test('lowers', () => {});\n"},
    "it deletes the test": {"test/slug.test.js": None, "test/other.test.js": None},
    "it puts a test beside the test": {
        "test/slug.test.mjs": "import test from 'node:test'; test('lowers', () => {});\n"
    },
    "it puts a test above the test": {"slug.test.js": "import test from 'node:test'; test('lowers', () => {});\n"},
    "it gives another command for tests": {"package.json": BASE["package.json"].replace("node --test", "true")},
    "it says that files are not modules": {"test/package.json": '{"type": "commonjs"}'},
    "it brings a package of the name": {
        "node_modules/assert/strict.js": "module.exports = () => {};",
        "node_modules/node:test/index.js": "exports.it = () => {};",
        "test/node_modules/assert/index.js": "module.exports = () => {};",
    },
    "it brings settings of the runner": {
        "node.config.json": '{"nodeOptions": {"import": "./quiet.mjs"}}',
        ".npmrc": "node-options=--import=./quiet.mjs",
        ".env": "NODE_OPTIONS=--import=./quiet.mjs",
        "quiet.mjs": "process.exit(0);",
    },
    "it shadows what is imported": {"src/slug.ts": "export const slug = () => 'ab';\n"},
}
"""What is changed beside the file of the task, which stays wrong."""
