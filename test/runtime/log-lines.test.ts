import assert from 'node:assert/strict'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { durationText } from '../../runtime/duration-text.ts'
import { asLogLine, lastLines, parseLogLine, stageLogLines } from '../../runtime/log-lines.ts'
import { createRedactor } from '../../runtime/redact-text.ts'

const secret = 'sesame-open-now-0123'
const redact = createRedactor({ GOODREADS_API_KEY: secret, PATH: '/usr/bin', SHORT_KEY: 'abc' })
const line = (fields: object) =>
  JSON.stringify({ level: 'info', time: '2026-11-29T10:00:00.000Z', program: 'consume', msg: 'said', ...fields })

test('a secret is shown in no line: by its value, its place in an address, or the name of its field', () => {
  assert.equal(redact(`asked with ${secret} abc`), 'asked with [secret] abc')
  assert.equal(redact('http://me:pass@host:8081/x?key=123&page=2'), 'http://[secret]@host:8081/x?key=[secret]&page=2')
  assert.equal(redact('Authorization: Bearer rf_0123456789'), 'Authorization: Bearer [secret]')
  const parsed = parseLogLine(line({ password: 'x1', nested: { apiKey: secret }, url: 'http://u:p@h/', count: 3 }), redact)
  assert.deepEqual(parsed?.fields, { password: '[secret]', nested: '{"apiKey":"[secret]"}', url: 'http://[secret]@h/', count: 3 })
})

test('the last words of a program are a line, a stack trace and half a line are none', () => {
  const kept = (text: string) => asLogLine(text, { program: 'consume', nowMs: 0, redact })
  const lastWords = parseLogLine(kept(`consume: The lake is away, says ${secret}.`), redact)
  assert.deepEqual(
    [lastWords?.level, lastWords?.text, lastWords?.at],
    ['fatal', 'The lake is away, says [secret].', '1970-01-01T00:00:00.000Z'],
  )
  assert.equal(parseLogLine(kept('(node:1) Warning: old'), redact)?.level, 'warn')
  assert.equal(kept(line({ msg: 'as it is' })), line({ msg: 'as it is' }))
  assert.equal(parseLogLine('    at async run (file.ts:1:1)', redact), null)
  assert.equal(parseLogLine('{"level":"info","ti', redact), null)
  assert.equal(parseLogLine(line({ msg: 'x'.repeat(9000) }), redact)?.text.length, 501)
})

test('of a file its end is read, and of the lines those of the stage or of none', async (t) => {
  const dir = await mkdtemp(path.join(tmpdir(), 'readflow-log-'))
  t.after(() => rm(dir, { recursive: true }))
  const file = path.join(dir, 'consume.log')
  assert.deepEqual(await lastLines(file), [])
  await writeFile(file, `${[line({ msg: 'a', stage: 'bronze' }), line({ msg: 'b', stage: 'silver' }), line({ msg: 'c' })].join('\n')}\n`)
  const texts = async (limit: number) => (await stageLogLines({ logDir: dir, stage: 'silver', limit }, redact)).map(({ text }) => text)
  assert.deepEqual(await texts(10), ['b', 'c'])
  assert.deepEqual(await texts(1), ['c'])
  assert.deepEqual(await lastLines(file, 150), [line({ msg: 'c' })], 'what is cut is no line')
  await rename(file, `${file}.1`)
  await writeFile(file, `${line({ msg: 'd' })}\n`)
  assert.deepEqual(await texts(3), ['b', 'c', 'd'], 'a file that was begun a moment ago goes on from the one before')
})

test('durations as people type them', () => {
  assert.deepEqual([0, 999, 1000, 61_000, 3_600_000, 90_000_000].map(durationText), ['0ms', '999ms', '1s', '1m 1s', '1h', '1d 1h'])
})
