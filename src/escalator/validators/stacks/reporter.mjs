// A reporter for `node --test`: one signed record a test, on descriptor 3. The process it runs in never runs the
// code under test, and the key has been read from standard input before that one starts.
import { createHmac } from 'node:crypto';
import { readFileSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';

const KEPT = 6000;
const key = readFileSync(0);
let number = 0;

function say(record) {
  const body = JSON.stringify({ kind: 'test', number: number++, ...record });
  const bytes = Buffer.from(`${createHmac('sha256', key).update(body).digest('hex')} ${body}\n`);
  for (let done = 0; done < bytes.length; ) done += writeSync(3, bytes, done);
}

function told(error) {
  const cause = error?.cause ?? error;
  const text = typeof cause === 'object' && cause !== null ? cause.stack ?? cause.message ?? cause : cause;
  return String(text ?? '').slice(0, KEPT);
}

export default async function* records(events) {
  const above = new Map();
  const printed = new Map();
  for await (const { type, data } of events) {
    const file = data.file === undefined ? '' : resolve(data.file);
    if (type === 'test:stderr') {
      printed.set(file, ((printed.get(file) ?? '') + data.message).slice(-KEPT));
    } else if (type === 'test:start') {
      const titles = above.get(file) ?? [];
      above.set(file, [...titles.slice(0, data.nesting), data.name]);
    } else if (type === 'test:pass' || type === 'test:fail') {
      const titles = [...(above.get(file) ?? []).slice(0, data.nesting), data.name];
      const whole = data.nesting === 0 && resolve(data.name) === file;
      const error = data.details?.error;
      const suite = data.details?.type === 'suite';
      const failed = type === 'test:fail';
      if (suite && (!failed || error?.failureType === 'subtestsFailed')) continue;
      const aside = data.skip !== undefined || data.todo !== undefined;
      say({
        file,
        title: whole ? '' : titles.join(' > '),
        result: aside ? 'skipped' : failed ? 'failed' : 'passed',
        text: whole ? printed.get(file) || told(error) : told(error),
      });
    }
  }
}
