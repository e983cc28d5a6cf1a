import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { durationText } from '../../runtime/duration-text.ts'
import { lastLines, parseLogLine, stageLogLines } from '../../runtime/log-lines.ts'
import { createRedactor } from '../../runtime/redact-text.ts'

const secret = 'sesame-open-now-0123'
const redact = createRedactor({ GOODREADS_API_KEY: secret, PATH: '/usr/bin', SHORT_KEY: 'abc' })
const line = (fields: object) =>
  JSON.stringify({ level: 'info', time: '2026-11-29T10:00:00.000Z', program: 'consume', msg: 'said', ...fields })

test('a secret is shown in no line: by its value, its place in an address, or the name of its field', () => {
  assert.equal(redact(`asked with ${secret} abc`), 'asked with [secret] abc')
  assert.equal(redact('http://me:pass@host:8081/x?key=123&page=2'), 'http://[secret]@host:8081/x?key=[secret]&page=2')
  assert.equal(redact('Authorization: Bearer rf_0123456789'), 'Authorization: Bearer [secret]')
  const parsed = parseLogLine(line({ password: 'x1', nested: { apiKey: secret }, url: 'http://u:p@h/', count: 3 }), 'consume', redact)
  assert.deepEqual(parsed?.fields, { password: '[secret]', nested: '{"apiKey":"[secret]"}', url: 'http://[secret]@h/', count: 3 })
})

test('the last words of a program are a line, a stack trace and half a line are none', () => {
  assert.equal(parseLogLine('consume: The lake is away.', 'consume', redact)?.text, 'The lake is away.')
  assert.equal(parseLogLine('    at async run (file.ts:1:1)', 'consume', redact), null)
  assert.equal(parseLogLine('{"level":"info","ti', 'consume', redact), null)
  assert.equal(parseLogLine(line({ msg: 'x'.repeat(9000) }), 'consume', redact)?.text.length, 501)
})

test('of a file its end is read, and of the lines those of the stage or of none', async (t) => {
  const dir = await mkdtemp(path.join(tmpdir(), 'readflow-log-'))
  t.after(() => rm(dir, { recursive: true }))
  const file = path.join(dir, 'consume.log')
  assert.deepEqual(await lastLines(file), [])
  await writeFile(file, `${[line({ msg: 'a', stage: 'bronze' }), line({ msg: 'b', stage: 'silver' }), line({ msg: 'c' })].join('\n')}\n`)
  const texts = async (limit: number) =>
    (await stageLogLines({ file, program: 'consume', stage: 'silver', limit }, redact)).map(({ text }) => text)
  assert.deepEqual(await texts(10), ['b', 'c'])
  assert.deepEqual(await texts(1), ['c'])
  assert.deepEqual(await lastLines(file, 150), [line({ msg: 'c' })], 'what is cut is no line')
})

test('durations as people type them', () => {
  assert.deepEqual([0, 999, 1000, 61_000, 3_600_000, 90_000_000].map(durationText), ['0ms', '999ms', '1s', '1m 1s', '1h', '1d 1h'])
})
