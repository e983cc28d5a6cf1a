import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Facts, KafkaFacts, LakeFacts } from '../../../api/operate/facts.ts'
import { exitCodeOf, freshnessMs, judge } from '../../../api/operate/judge.ts'
import { statusLines } from '../../../api/operate/show.ts'
import type { GateHold } from '../../../lake/gate-log.ts'
import type { Published } from '../../../lake/published.ts'
import type { StageStatus, UpStatus } from '../../../runtime/up-status.ts'

const NOW_MS = Date.UTC(2026, 10, 29, 12)
const iso = (agoMs: number) => new Date(NOW_MS - agoMs).toISOString()
const OBJECTIVE_MS = 120_000

const table = (name: string, newestAgoMs: number) => ({
  table: name,
  version: 1,
  rows: 10,
  files: 1,
  bytes: 100,
  small_files: 0,
  last_commit_at: iso(newestAgoMs),
  newest_ingestion_at: iso(newestAgoMs),
  complete_through: null,
})
const gold = (throughAgoMs: number) =>
  ({
    version: 7,
    publishedAt: iso(5000),
    completeThrough: iso(throughAgoMs),
    completeThroughByEntity: { books: iso(throughAgoMs) },
  }) as unknown as Published
const lake = (change: Partial<LakeFacts> = {}): LakeFacts => ({
  tables: [table('silver.books', 10_000)],
  gold: gold(5000),
  hold: null,
  runs: [],
  ...change,
})
const kafka = (change: Partial<KafkaFacts> = {}): KafkaFacts => ({
  lags: [{ group: 'readflow.silver', topic: 'goodreads.books', lagRecords: 0 }],
  members: new Map([['readflow.silver', 1]]),
  deadLetters: new Map(),
  lost: [],
  ...change,
})
const stage = (name: StageStatus['name'], change: Partial<StageStatus> = {}): StageStatus => ({
  name,
  state: 'running',
  runs: {
    schedule: 'every 10s',
    isRunning: false,
    last: { startedAt: iso(9000), endedAt: iso(8000), outcome: 'completed', detail: 'did it' },
    nextAt: iso(-2000),
    attempt: 1,
    ended: 3,
  },
  ...change,
})
const up = (change: Partial<UpStatus> = {}): UpStatus => ({
  phase: 'running',
  startedAt: iso(60_000),
  steps: [],
  programs: [{ name: 'consume', state: 'running', restarts: 0, lastError: null, warning: null }],
  stages: [stage('silver'), stage('gold')],
  links: { page: null, brokers: null, registry: null, lake: null },
  source: { uri: 'sandbox:', isGenerated: true },
  ...change,
})
const facts = (change: Partial<Facts> = {}): Facts => ({
  nowMs: NOW_MS,
  up: { answer: up(), fault: null },
  api: { answer: true, fault: null },
  lake: { answer: lake(), fault: null },
  kafka: { answer: kafka(), fault: null },
  registry: { answer: true, fault: null },
  ...change,
})
const found = (change: Partial<Facts>) => {
  const findings = judge(facts(change), { objectiveMs: OBJECTIVE_MS })
  const todos: Record<string, string> = Object.fromEntries(findings.map(({ id, todo }) => [id, todo]))
  return { ids: findings.map(({ id }) => id), first: findings[0], todos, code: exitCodeOf(findings) }
}

test('where all is well nothing is said, and the exit code is 0', () => {
  assert.deepEqual(found({}), { ids: [], first: undefined, todos: {}, code: 0 })
})

test('a stage that fails is wrong, and the command that tries it again is named', () => {
  const last = { startedAt: iso(1), endedAt: iso(1), outcome: 'failed' as const, detail: 'no disk' }
  const failing = stage('silver', { runs: { ...stage('silver').runs!, last, attempt: 4 } })
  const { first, code } = found({ up: { answer: up({ stages: [failing] }), fault: null } })
  assert.equal(code, 1)
  assert.equal(first?.what, 'silver fails, and is tried again (attempt 4): no disk')
  assert.match(first?.todo ?? '', /readflow retry silver/)
})

test('a program that ended for good, one that is started again, and what one warns of', () => {
  const program = (state: 'failed' | 'restarting' | 'running', warning: string | null) => ({
    answer: up({ programs: [{ name: 'consume', state, restarts: 1, lastError: 'no key', warning }] }),
    fault: null,
  })
  const failed = found({ up: program('failed', null) })
  assert.deepEqual([failed.ids, failed.code], [['program-failed'], 1])
  assert.match(failed.first?.todo ?? '', /readflow retry silver/)
  assert.deepEqual(found({ up: program('restarting', null) }).ids, ['program-restarting'])
  assert.deepEqual(found({ up: program('running', 'goodreads.books/0 stands still') }).ids, ['program-warns'])
})

test('a lake that is gone is told once, and not as failures of all its stages', () => {
  const failing = (name: Parameters<typeof stage>[0], detail: string) => {
    const { runs } = stage(name)
    return stage(name, { runs: { ...runs!, isRunning: false, nextAt: iso(0), last: { ...runs!.last!, outcome: 'failed', detail } } })
  }
  const gone = 'the folder of the lake file:/l is gone, or empty.'
  const stages = [failing('silver', gone), failing('gold', gone), failing('poll', 'the source answers 500')]
  const answer = up({ stages })
  const empty = { answer: lake({ tables: [], gold: null }), fault: null }
  assert.deepEqual(found({ up: { answer, fault: null }, lake: empty }).ids, ['lake-away', 'stage-failing'])
  const begun = up({ stages: [failing('poll', 'the source answers 500')] })
  assert.deepEqual(found({ up: { answer: begun, fault: null }, lake: empty }).ids, ['stage-failing'])
})

test('a program that was started again and again is noted, with why', () => {
  const again = (restarts: number) => [
    { name: 'consume', state: 'running' as const, restarts, lastError: 'ended by SIGKILL', warning: null },
  ]
  const { first, code } = found({ up: { answer: up({ programs: again(3) }), fault: null } })
  assert.match(first!.what, /^consume was started again 3 times since up began; the last reason: ended by SIGKILL$/)
  assert.equal(code, 0)
  assert.deepEqual(found({ up: { answer: up({ programs: again(2) }), fault: null } }).ids, [])
})

test('of two programs that ended for good each is told with a stage of its own', () => {
  const programs = ['consume', 'compact'].map((name) => ({ name, state: 'failed' as const, restarts: 1, lastError: null, warning: null }))
  const findings = judge(facts({ up: { answer: up({ programs }), fault: null } }), { objectiveMs: OBJECTIVE_MS })
  assert.deepEqual(
    findings.map(({ todo }) => todo),
    ['Mend that, then: readflow retry silver', 'Mend that, then: readflow retry gold'],
  )
})

test('paused by a person is a note, and no fault', () => {
  const { ids, code } = found({ up: { answer: up({ stages: [stage('silver', { state: 'paused' })] }), fault: null } })
  assert.deepEqual([ids, code], [['stage-paused'], 0])
})

test('a stage of a program that hangs is told, with what restarts that', () => {
  const { runs } = stage('silver')
  const silver = stage('silver', { runs: { ...runs!, isRunning: false, nextAt: iso(90_000) } })
  const { first } = found({ up: { answer: up({ stages: [silver] }), fault: null } })
  assert.match(first!.what, /^silver was to run 1m 30s ago/)
  assert.match(first!.todo, /readflow restart consume/)
})

test('a poll that does not begin is told; one that is about to, and one that runs, are not', () => {
  const poll = (lateMs: number, isRunning = false) => {
    const { runs } = stage('poll')
    return found({ up: { answer: up({ stages: [stage('poll', { runs: { ...runs!, isRunning, nextAt: iso(lateMs) } })] }), fault: null } })
  }
  assert.deepEqual([poll(90_000).ids, poll(90_000).code], [['stage-overdue'], 1])
  assert.match(poll(90_000).first!.what, /^poll was to run 1m 30s ago/)
  assert.deepEqual([poll(20_000).ids, poll(-5000).ids, poll(90_000, true).ids], [[], [], []])
})

test('held Gold, records that Kafka lost, a group without members and dead letters', () => {
  const hold = { run: 'abcdef0123', since: iso(60_000), baseVersion: 7, checks: [{ message: 'rows fell by half' }] } as unknown as GateHold
  assert.deepEqual(found({ lake: { answer: lake({ hold }), fault: null } }).ids, ['gold-held'])
  const lost = [{ stage: 'bronze', topic: 'goodreads.books', partition: 2, next: 10, logStart: 25 }]
  const stopped = found({ kafka: { answer: kafka({ lost }), fault: null } })
  assert.equal(stopped.first?.what, 'bronze stands still on goodreads.books/2: Kafka no longer has offsets 10 to 24')
  const lags = [{ group: 'readflow.silver', topic: 'goodreads.authors', lagRecords: 5 }]
  const idle = { answer: kafka({ lags, members: new Map() }), fault: null }
  assert.deepEqual(found({ kafka: idle }).ids, ['group-idle'])
  assert.deepEqual(
    [found({ kafka: idle }).first?.todo, found({ kafka: idle, up: null }).first?.todo],
    ['readflow stages silver; one that hangs: readflow restart consume', 'Start a readflow consume.'],
  )
  const letters = found({ kafka: { answer: kafka({ deadLetters: new Map([['goodreads.books.dlq', 3]]) }), fault: null } })
  assert.deepEqual([letters.ids, letters.code], [['dead-letters'], 0])
})

test('freshness is the age of what is not in Gold yet, and nothing where all is', () => {
  assert.equal(freshnessMs(facts()), 0)
  const behind = lake({ tables: [table('silver.books', 1000)], gold: gold(200_000) })
  assert.equal(freshnessMs(facts({ lake: { answer: behind, fault: null } })), 200_000)
  assert.deepEqual(found({ lake: { answer: behind, fault: null } }).ids, ['not-fresh'])
  const waiting = kafka({ lags: [{ group: 'readflow.silver', topic: 'goodreads.books', lagRecords: 1 }] })
  assert.equal(
    freshnessMs(facts({ lake: { answer: lake({ gold: gold(20_000) }), fault: null }, kafka: { answer: waiting, fault: null } })),
    20_000,
  )
  const idle = lake({ tables: [table('silver.books', 900_000)], gold: gold(800_000) })
  assert.equal(freshnessMs(facts({ lake: { answer: idle, fault: null } })), 0, 'to what is complete, no time passes')
})

test('what does not answer is wrong; where nobody knows a broker it can not be told; what is wrong goes first', () => {
  const away = { answer: null, fault: 'connection refused' }
  assert.deepEqual([found({ kafka: away }).ids, found({ kafka: away }).code], [['kafka-away'], 1])
  assert.deepEqual(found({ lake: away }).ids, ['lake-away'])
  assert.deepEqual(found({ registry: away }).ids, ['registry-away'])
  const slow = { answer: null, fault: 'no answer within 12 s' }
  assert.deepEqual([found({ lake: slow }).ids, found({ lake: slow }).code], [['lake-slow'], 2], 'too slow is not known')
  const behind = lake({ tables: [table('silver.books', 1000)], gold: gold(200_000) })
  const paused = { answer: up({ stages: [{ ...stage('silver'), state: 'paused' }, stage('gold')] }), fault: null }
  const late = found({ up: paused, lake: { answer: behind, fault: null } })
  assert.match(late.todos['not-fresh'] ?? '', /^silver is paused: readflow resume silver$/)
  assert.deepEqual([late.ids, late.code], [['stage-paused', 'not-fresh'], 0], 'what waits for what a person paused is no fault')
  const running = found({ lake: { answer: behind, fault: null } })
  assert.deepEqual([running.ids, running.code], [['not-fresh'], 1])
  assert.deepEqual(found({ api: away }).ids, ['api-away'])
  assert.deepEqual(found({ up: away }).ids, ['up-silent'])
  assert.deepEqual([found({ up: null, api: null, kafka: null }).ids, found({ up: null, api: null, kafka: null }).code], [['no-brokers'], 2])
  assert.deepEqual([found({ kafka: null, lake: away }).ids, found({ kafka: null, lake: away }).code], [['lake-away', 'no-brokers'], 1])
})

test('where no up tells of its stages, the last run of a kind does', () => {
  const runs = [{ kind: 'build', job: 'build gold', state: 'failed', attempt: 3, error: 'no disk' }] as unknown as LakeFacts['runs']
  assert.deepEqual(found({ up: null, api: null, lake: { answer: lake({ runs }), fault: null } }).ids, ['run-failed'])
})

test('in a terminal the first line says whether all is well, and else what is wrong', () => {
  const lines = (of: Facts) => statusLines(of, judge(of, { objectiveMs: OBJECTIVE_MS }), OBJECTIVE_MS)
  assert.equal(lines(facts())[0], 'All is well.')
  const away = lines(facts({ kafka: { answer: null, fault: 'connection refused' } }))
  assert.equal(away[0], 'WRONG: Kafka does not answer: connection refused')
  assert.ok(away.some((line) => /^Lag +not known: Kafka does not answer$/.test(line)))
  assert.ok(lines(facts()).some((line) => /silver +waiting +8s ago +in 2s +1 +did it/.test(line)))
})
