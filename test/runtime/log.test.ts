import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { createLog } from '../../runtime/log.ts'
import { countsOf, logFields } from '../../runtime/log-fields.ts'
import { createRepeats } from '../../runtime/log-repeats.ts'

const keeping = (env: NodeJS.ProcessEnv = {}) => {
  const said: Record<string, unknown>[] = []
  let now = 0
  const destination = { write: (line: string) => void said.push(JSON.parse(line)) }
  const log = createLog('poll', 'info', { env, nowMs: () => now, destination })
  const pass = (ms: number) => {
    now += ms
  }
  return { log, said, pass }
}

test('a line has time, level, program, text and the fields of its log', () => {
  const { log, said } = keeping()
  log
    .child({ run_id: 'r1', poll_id: 'r1' })
    .info({ topic: 'goodreads.books', ranges: [{ partition: 0, from_offset: 1, to_offset: 3 }] }, 'done')
  const [{ time, ...rest } = {}] = said
  assert.match(String(time), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  assert.deepEqual(rest, {
    ...{ level: 'info', program: 'poll', run_id: 'r1', poll_id: 'r1', topic: 'goodreads.books' },
    ...{ ranges: [{ partition: 0, from_offset: 1, to_offset: 3 }], msg: 'done' },
  })
})

test('a field that is misspelled or of another type does not compile, written out or spread', () => {
  const { log } = keeping()
  const spread = { topic: 't', partitoin: 1 }
  // @ts-expect-error
  log.info({ partitoin: 1 }, 'a misspelled field')
  // @ts-expect-error
  log.info({ ...spread }, 'a misspelled field that was spread')
  // @ts-expect-error
  log.child({ runId: 'x' })
  // @ts-expect-error
  log.warn({ partition: 'one' }, 'another type')
})

test('no secret of the environment and no key is in a line, however it got there', () => {
  const { log, said } = keeping({ GOODREADS_API_KEY: 'sesame"open\\now', AWS_SECRET_ACCESS_KEY: 'minio-secret-1' })
  const error = 'asked http://u:pw@host/x?key=abc with sesame"open\\now and minio-secret-1, Bearer rf_0123456789'
  log.warn({ error, url: 'http://h/?key=abc' }, `key sesame"open\\now`)
  assert.doesNotMatch(JSON.stringify(said), /sesame|minio-secret|key=abc|u:pw|rf_0/)
  assert.equal(said[0]?.['url'], 'http://h/?key=[secret]')
})

test('a fault that lasts is told at once, then less and less; news are told at once', () => {
  const { log, said, pass } = keeping()
  for (let second = 0; second < 3600; second++) {
    log.warn({ stage: 'silver', error: 'No broker answers.', retry_in_ms: second, run_id: `r${second}` }, 'waiting')
    if (second === 1000) log.warn({ stage: 'bronze', error: 'No broker answers.' }, 'waiting')
    log.info({}, 'looked')
    pass(1000)
  }
  const warnings = said.filter(({ level }) => level === 'warn')
  assert.ok(warnings.length >= 10 && warnings.length <= 20, `${warnings.length} lines in an hour`)
  assert.equal(warnings.filter(({ stage }) => stage === 'bronze').length, 1)
  const left = warnings.reduce((sum, { repeated }) => sum + (repeated === undefined ? 0 : Number(repeated)), 0)
  assert.ok(left > 2900 && left + warnings.length <= 3601, `${left} are counted as left out`)
  assert.equal(said.filter(({ level }) => level === 'info').length, 3600, 'what is no fault is told each time')
  pass(6 * 60_000)
  log.warn({ stage: 'silver', error: 'No broker answers.' }, 'waiting')
  assert.deepEqual([said.at(-1)?.['level'], said.at(-1)?.['repeated']], ['warn', undefined], 'after a while it is new again')
})

test('each request that failed is told', () => {
  const { log, said } = keeping()
  for (let n = 0; n < 50; n++) log.error({ request_id: `q${n}`, path: '/v1/books', error: 'lake' }, 'request failed')
  assert.equal(said.length, 50)
})

test('what is known of repeats stays small', () => {
  const repeats = createRepeats(() => 0)
  for (let n = 0; n < 10_000; n++) assert.equal(repeats(`fault ${n}`), 0)
  assert.equal(repeats('fault 1'), 0, 'was forgotten')
  assert.equal(repeats('fault 9999'), null, 'is known')
})

test('numbers of a result get names of logs', () => {
  assert.deepEqual(countsOf({ filesRemoved: 2, commits: 1, kind: 'x' }), { files_removed: 2, commits: 1 })
})

test('docs/logs.md has each field with its type, and no other', () => {
  const text = readFileSync(new URL('../../docs/logs.md', import.meta.url), 'utf8')
  const rows = [...text.matchAll(/^\| `(\w+)` \| (\w+) \| \S/gm)].map(([, name, type]) => [name, type])
  const base = ['time', 'level', 'program', 'msg'].map((name) => [name, 'text'])
  assert.deepEqual(rows, [...base, ...Object.entries(logFields)])
})
