// Starts a test runner of the project: links its packages, says which node this is, and how the runner ended.
// Setup comes as JSON on standard input, records go to the descriptor named by the first argument, each signed with
// a key that the code under test is never given.
'use strict';

const { createHmac } = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { spawn } = require('node:child_process');

const report = Number(process.argv[2]);
const trusted = process.argv[3];
const setup = JSON.parse(fs.readFileSync(0, 'utf8'));
const [major, minor] = process.versions.node.split('.').map(Number);

function say(record) {
  const body = JSON.stringify(record);
  const sign = createHmac('sha256', setup.key).update(body).digest('hex');
  const bytes = Buffer.from(`\n${sign} ${body}\n`);
  for (let done = 0; done < bytes.length; ) done += fs.writeSync(report, bytes, done);
}

// The words between node and the files: the runner's program and its options, or those of node itself.
function words() {
  const options = setup.options.map((word) => word.replace('REPORTER', path.join(trusted, 'reporter.mjs')));
  if (setup.program) return [...setup.flags, path.resolve(setup.folder, setup.program), ...options];
  const strips = major > 23 || (major === 23 && minor >= 6) || (major === 22 && minor >= 18);
  return setup.typescript && !strips ? [...options, '--experimental-strip-types'] : options;
}

// From version 21 on what node is given are patterns.
function named(file) {
  return setup.runner === 'node' && major >= 21 ? file.replace(/[[\]{}*?()]/g, '[$&]') : file;
}

// When each file among the tests was last changed: nobody can set back this time.
function stamps(watched, folder = '.', found = new Map()) {
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory() && entry.name !== 'node_modules') stamps(watched, file, found);
    if (!entry.isFile() || !watched.test(file)) continue;
    const { ctimeNs, ino } = fs.statSync(file, { bigint: true });
    found.set(file, `${ctimeNs} ${ino}`);
  }
  return found;
}

function changedSince(before) {
  const now = before.size ? stamps(watched) : before;
  return [...before.keys()].filter((file) => now.get(file) !== before.get(file));
}

function lacking() {
  if (major < 20) return ['node', `Node ${process.versions.node} is too old for these tests.`];
  if (setup.runner === 'node' && setup.typescript && (major < 22 || (major === 22 && minor < 6))) {
    return ['typescript', `Node ${process.versions.node} does not run TypeScript.`];
  }
  return null;
}

say({ kind: 'start', node: process.versions.node, folder: fs.realpathSync(setup.folder) });
const lack = lacking();
if (lack) {
  say({ kind: 'lacking', what: lack[0], why: lack[1] });
  process.exit(1);
}
for (const [place, target] of Object.entries(setup.links)) {
  fs.mkdirSync(path.dirname(place), { recursive: true });
  try {
    fs.symlinkSync(target, place);
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
}
const watched = new RegExp(setup.watched);
const before = setup.watched ? stamps(watched) : new Map();
const child = spawn(process.execPath, [...words(), ...setup.files.map(named)], {
  cwd: path.join(setup.folder, setup.root),
  stdio: ['pipe', 'inherit', 'inherit', report],
});
child.stdin.on('error', () => {});
child.stdin.end(setup.runner === 'node' ? setup.key : '');
child.on('exit', (status, signal) => say({ kind: 'end', status, signal, changed: changedSince(before) }));
