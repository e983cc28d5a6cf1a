import assert from 'node:assert/strict'
import { test } from 'node:test'
import { printerOf } from '../../api/commands/sql-output.ts'
import { lineageText } from '../../compactor/commands/lineage-text.ts'
import { describeGate } from '../../compactor/gate/show.ts'
import { listReport, listText } from '../../consumers/letters/list.ts'
import { reportText } from '../../consumers/letters/report.ts'
import { type ShownLetter, showText } from '../../consumers/letters/show.ts'
import { diffText } from '../../consumers/replay/report.ts'
import { reportOf, reportText as verifyText } from '../../consumers/verify/report.ts'
import type { GateEntry } from '../../lake/gate-log.ts'
import type { Lineage } from '../../lineage/trace/answer.ts'
import { createTerminal } from '../../ops/up/terminal.ts'
import { errorLine } from '../../runtime/errors.ts'
import { keyText, lineText } from '../../runtime/line-text.ts'
import { logLineText } from '../../runtime/log-lines.ts'
import type { UpStatus } from '../../runtime/up-status.ts'

const hostile = 'a\x1b[2J\nb\r\x9b2J\u202ec'
const safe = 'a\\x1b[2J\\x0ab\\x0d\\x9b2J\\u202ec'

test('what a terminal would obey is shown, and nothing else changes', () => {
  assert.equal(lineText(hostile), safe)
  assert.equal(lineText('\x00\t\x7f\u2028\u2066'), '\\x00\\x09\\x7f\\u2028\\u2066')
  const plain = 'Čapek, 三体, عربي, 👩‍👩‍👧 – “x” \\x1b \u00a0\u00e9'
  assert.equal(lineText(plain), plain)
  assert.deepEqual([keyText(null, 'none'), keyText('', 'none'), keyText('7\n', 'none')], ['none', '""', '7\\x0a'])
})

/** What stands on one line of its own, whatever it holds. */
const isSafe = (text: string, lines: number) => {
  assert.equal(lineText(text.replaceAll('\n', '')), text.replaceAll('\n', ''))
  assert.equal(text.split('\n').length, lines, text)
  assert.ok(text.includes('a\\x1b[2J'), text)
}
const letterCase = (key: string | null) =>
  ({
    id: 'books/t/0/1',
    entity: 'books',
    state: 'open',
    attempts: [],
    discarded: null,
    letter: {
      ...{ reason: hostile, message: hostile, key, topic: 'goodreads.books', origin: { topicId: 't', partition: 0, offset: 1 } },
      ...{ attempt: 1, arrivedMs: 0, refusedMs: 0, sizeBytes: 3, at: { partition: 0, offset: 1 } },
    },
  }) as unknown as Parameters<typeof listReport>[0][number]

test('dead letters are a line each, whoever wrote them', () => {
  isSafe(listText(listReport([letterCase(hostile)], 10)), 6)
  assert.match(listText(listReport([letterCase('')], 10)), /^books\/t\/0\/1 {2}"" /m)
  const [shown] = listReport([letterCase(hostile)], 10).letters
  const letter = { ...shown, headers: { [hostile]: hostile }, value: { title: hostile }, raw: '', raw_key: '', redrive: { possible: true } }
  isSafe(
    showText({ ...letter, redrive: { possible: true, would_be: { state: 'refused', message: hostile } } } as unknown as ShownLetter),
    11,
  )
  const outcome = { state: 'refused' as const, reason: hostile, message: hostile }
  const samples = [{ letter: 'l', key: hostile, outcome }]
  const reason = { entity: 'books', reason: hostile, letters: 1, outcomes: { refused: 1 }, refused_by: { [hostile]: 1 }, samples }
  isSafe(
    reportText({ ok: true, action: 'redrive', dry_run: false, letters: 1, skipped: {}, outcomes: {}, told: [], by_reason: [reason] }),
    6,
  )
})

test('rows, findings and what other programs say break no line either', (t) => {
  const origin = null
  const place = { table: 'silver.books', version: 1, file: 'x', added_by: null }
  const row = { row: { title: hostile, tags: [hostile] }, place, joins: [], origin, notes: [hostile] }
  isSafe(lineageText({ table: 'silver.books', key: hostile, gold: null, rows: [row] } as unknown as Lineage), 6)
  const fields = [{ name: 'title', before: '\x9b', after: hostile }]
  const sample = { sign: '~' as const, key: hostile, partition: 0, offset: 1, fields }
  const letters = {
    come: { [hostile]: 1 },
    go: {},
    samples: [{ sign: '+' as const, key: '', partition: 0, offset: 2, errorClass: hostile }],
  }
  isSafe(diffText({ added: 0, removed: 0, changed: 1, fields: {}, samples: [sample] }, { letters }), 5)
  const check = { id: 'i', table: 't', column: null, verdict: 'fail', measured: 1, threshold: 'x', message: hostile, sampleKeys: [hostile] }
  const hold = { run: 'r', at: 'x', since: 'x', runs: 1, baseVersion: null, inputs: {}, isStaged: true, checks: [check] }
  const state = { hold, releasable: [], releasing: null, waived: [] }
  isSafe(describeGate([{ number: 1, at: 'x', event: {}, state } as unknown as GateEntry], null), 9)
  const damage = [{ table: 'silver.books', fault: hostile }]
  isSafe(verifyText(reportOf([], { seconds: 1, versions: {}, damage, clean: [], hasFields: true })), 7)
  isSafe(logLineText({ at: 'x', level: 'info', text: hostile, fields: { key: hostile } }), 1)
  // A message of several lines is one line of words.
  isSafe(`a\\x1b[2J${errorLine(new Error('x\n y \x1b[2J'))}`, 1)
  const said: string[] = []
  createTerminal((line) => said.push(line))({
    ...{ steps: [{ name: 'kafka', state: 'done', detail: hostile, seconds: null }], stages: [], programs: [] },
  } as unknown as UpStatus)
  isSafe(said.join(''), 2)

  const written: string[] = []
  t.mock.method(process.stdout, 'write', (text: string) => written.push(text))
  const printer = printerOf('table')!
  printer.begin([{ name: hostile, type: 'VARCHAR' }] as unknown as Parameters<typeof printer.begin>[0])
  printer.rows([[hostile], [{ title: hostile }]])
  printer.end()
  t.mock.restoreAll()
  isSafe(written.join(''), 6)
})
