import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { readCheckpoint, writeCheckpoint } from '../../../lake/delta/checkpoint.ts'
import { cleanLog } from '../../../lake/delta/clean-log.ts'
import { commit } from '../../../lake/delta/commit.ts'
import { readEntries } from '../../../lake/delta/load.ts'
import { listLog } from '../../../lake/delta/log-files.ts'
import { applyEntries, emptySnapshot, type Snapshot } from '../../../lake/delta/snapshot.ts'
import { openTable, type Table } from '../../../lake/delta/table.ts'
import { openMemoryStore } from '../../../lake/store/memory.ts'
import type { ObjectStore } from '../../../lake/store/store.ts'
import { ReadflowError } from '../../../runtime/errors.ts'
import { field } from '../sample.ts'
import { Crash, type CrashPoint, interleaved } from './interleaved.ts'
import { type Attempt, after, type State, stateOf } from './serial.ts'

const ROOT = 't'
const base = [field('id', 'long')]

type Step = { kind: 'append' | 'overwrite' | 'remove' | 'property' | 'column' | 'checkpoint' | 'clean' | 'read'; choice: number }

const attemptOf = ({ kind, choice }: Step, id: string, snapshot: Snapshot): Attempt | null => {
  const outcome = 'open' as const
  const appId = `p${choice % 2}`
  if (kind === 'append') return { kind, id, outcome, path: id, appId, seen: snapshot.txns.get(appId) ?? null }
  if (kind === 'overwrite') return { kind, id, outcome, path: id }
  if (kind === 'property') return { kind, id, outcome, key: `k${choice % 2}`, value: choice % 3 === 0 ? null : id }
  if (kind === 'column') return { kind, id, outcome, name: `c${choice % 3}` }
  const path = [...snapshot.files.keys()][choice % Math.max(1, snapshot.files.size)]
  return kind === 'remove' && path !== undefined ? { kind, id, outcome, path } : null
}

const add = (path: string) => ({ path, partitionValues: {}, size: 1, modificationTime: 1, dataChange: true })

const perform = (table: Table, attempt: Attempt): Promise<Snapshot> => {
  const info = { attempt: attempt.id }
  switch (attempt.kind) {
    case 'append':
      return commit(table, {
        operation: 'WRITE',
        info,
        adds: [add(attempt.path)],
        txns: [{ appId: attempt.appId, version: (attempt.seen ?? 0) + 1 }],
        requires: { txns: [{ appId: attempt.appId, version: attempt.seen }] },
      })
    case 'overwrite':
      return commit(table, { operation: 'WRITE', info, replaces: 'all', adds: [add(attempt.path)] })
    case 'remove':
      return commit(table, { operation: 'DELETE', info, removes: [{ path: attempt.path }] })
    case 'property':
      return commit(table, { operation: 'SET TBLPROPERTIES', info, configuration: { [attempt.key]: attempt.value } })
    case 'column':
      return commit(table, { operation: 'ADD COLUMNS', info, fields: [...base, field(attempt.name, 'string')] })
  }
}

/** A writer's life: its steps one after the other, until it crashes. What it was refused is no fault of it. */
const live = async (table: Table, name: string, steps: readonly Step[], attempts: Attempt[]) => {
  try {
    for (const [index, step] of steps.entries()) {
      if (step.kind === 'clean') await cleanLog(table)
      else if (step.kind === 'read') await openTable(table.store, ROOT).snapshot()
      else if (step.kind === 'checkpoint') await writeCheckpoint(table, await table.snapshot(), Date.now())
      else {
        const attempt = attemptOf(step, `${name}-${index}`, table.known().version < 0 ? await table.snapshot() : table.known())
        if (attempt) attempts.push(attempt)
        if (attempt) await perform(table, attempt).then(...noted(attempt))
      }
    }
    await table.settled()
  } catch (error) {
    if (!(error instanceof Crash)) throw error
  }
}

const noted = (attempt: Attempt) =>
  [
    () => {
      attempt.outcome = 'done'
    },
    (error: unknown) => {
      if (!(error instanceof ReadflowError) || !['lake-fenced', 'lake-conflict'].includes(error.code)) throw error
      attempt.outcome = 'refused'
    },
  ] as const

const steps = fc.array(
  fc.record<Step>({
    kind: fc.constantFrom('append', 'append', 'overwrite', 'remove', 'property', 'column', 'checkpoint', 'clean', 'read'),
    choice: fc.nat(11),
  }),
  { minLength: 1, maxLength: 5 },
)
const writer = fc.record({
  steps,
  /** What it does after a month in which it slept. */
  later: steps,
  crash: fc.option(fc.record<CrashPoint>({ call: fc.nat(40), isAfter: fc.boolean() }), { nil: null }),
})

/** Every version that the log still promises is what the commits, one after the other, give; however it is read. */
const check = async (store: ObjectStore, attempts: readonly Attempt[], states: Map<number, State>) => {
  const place = { store, root: ROOT }
  const listing = await listLog(place)
  const byId = new Map(attempts.map((attempt) => [attempt.id, attempt]))
  for (const { version } of listing.entries) {
    const [actions] = await readEntries(place, version, version)
    const info = actions!.find((action) => 'commitInfo' in action)!.commitInfo
    if (states.has(version)) continue
    const attempt = byId.get(info['attempt'] as string)
    assert.ok(attempt, 'an entry that nobody tried')
    assert.notEqual(attempt.outcome, 'refused')
    states.set(version, after(states.get(version - 1)!, attempt))
  }
  const committed = listing.newestVersion
  assert.equal(states.size, committed + 1)
  for (const checkpoint of listing.checkpoints) {
    const snapshot = await readCheckpoint(place, checkpoint)
    assert.deepEqual(stateOf(snapshot!), states.get(checkpoint.version))
  }
  for (let version = listing.oldestVersion; version <= committed; version++) {
    const snapshot = await openTable(store, ROOT).snapshot({ version })
    assert.deepEqual(stateOf(snapshot), states.get(version))
    if (listing.oldestVersion > 0) continue
    const replayed = applyEntries(emptySnapshot, await readEntries(place, 0, version))
    assert.deepEqual([...snapshot.tombstones], [...replayed.tombstones])
    assert.deepEqual([...snapshot.files], [...replayed.files])
  }
  assert.equal((await openTable(store, ROOT).snapshot()).version, committed)
}

const MONTH_MS = 40 * 86_400_000

it('writers at once, checkpoints, clean-up and crashes at any call give what some serial order gives, at every version', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.UTC(2026, 0, 1) })
  // Who comes second tries again at once: the order is the scheduler's.
  t.mock.method(Math, 'random', () => 0)
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.array(writer, { minLength: 2, maxLength: 3 }), async (scheduler, writers) => {
      const store = openMemoryStore()
      const configuration = { 'delta.checkpointInterval': '3', 'delta.deletedFileRetentionDuration': 'interval 999 weeks' }
      const created = await commit(openTable(store, ROOT), { operation: 'CREATE TABLE', fields: base, configuration })
      const states = new Map([[0, stateOf(created)]])
      const attempts: Attempt[] = []
      const tables = writers.map(({ crash }) => openTable(interleaved(store, scheduler, crash), ROOT))
      const phase = async (name: string, stepsOf: (index: number) => readonly Step[]) => {
        const lives = tables.map((table, index) => live(table, `${name}${index}`, stepsOf(index), attempts))
        await scheduler.waitFor(Promise.all(lives))
        await check(store, attempts, states)
      }
      await phase('a', (index) => writers[index]!.steps)
      t.mock.timers.tick(MONTH_MS)
      await phase('b', (index) => writers[index]!.later)
      const done = attempts.filter(({ outcome }) => outcome === 'done').length
      const open = attempts.filter(({ outcome }) => outcome === 'open').length
      const commits = states.size - 1
      assert.ok(commits >= done && commits <= done + open, `${commits} commits, where ${done} were told of and ${open} never knew`)
    }),
    { numRuns: Number(process.env['READFLOW_PROPERTY_RUNS'] ?? 40) },
  )
})
