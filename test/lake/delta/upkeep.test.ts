import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { type AddFile, filePath } from '../../../lake/delta/actions.ts'
import { cleanLog } from '../../../lake/delta/clean-log.ts'
import { commit } from '../../../lake/delta/commit.ts'
import { moveCold } from '../../../lake/delta/lifecycle.ts'
import { optimize } from '../../../lake/delta/optimize.ts'
import { openTable, type Table } from '../../../lake/delta/table.ts'
import { vacuum } from '../../../lake/delta/vacuum.ts'
import { openMemoryStore } from '../../../lake/store/memory.ts'
import type { ObjectStore } from '../../../lake/store/store.ts'
import { append, fields, partitionColumns, rewriteInMemory, rowsAt, stageRows } from './upkeep-lake.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const START_MS = Date.UTC(2026, 10, 23)
const FIRST_DAY = START_MS / DAY_MS
const optimizeLimits = { sortBy: ['id'], targetBytes: 1024 ** 2 }

let tempDir: string
before(async () => {
  tempDir = await mkdtemp(path.join(tmpdir(), 'readflow-upkeep-'))
})
after(() => rm(tempDir, { recursive: true }))

type Step =
  | { do: 'append'; days: number[] }
  | { do: 'remove' | 'replace'; which: number }
  | { do: 'stage' | 'commit-staged' | 'clean-log' | 'vacuum' | 'move-cold' }
  | { do: 'optimize'; minFiles: number; isSettled: boolean }
  | { do: 'wait'; hours: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      days: fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 3 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('remove' as const, 'replace' as const), which: fc.nat(20) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constantFrom('stage' as const, 'commit-staged' as const, 'clean-log' as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('vacuum' as const, 'move-cold' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('optimize' as const), minFiles: fc.integer({ min: 2, max: 4 }), isSettled: fc.boolean() }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      hours: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 20, max: 100 })),
    }),
  },
)

/** A table whose clocks are all the test's own, and what every version of it held when it was made. */
const createWorld = (clock: { nowMs: number }) => {
  const store = openMemoryStore({ nowMs: () => clock.nowMs })
  const table = openTable(store, 't')
  const versions: { rows: string[]; madeMs: number }[] = []
  const staged: { add: AddFile; atMs: number }[] = []
  let vacuumedMs = Number.NEGATIVE_INFINITY
  let nextId = 0
  const rowsOn = (days: readonly number[]) => days.map((day) => ({ id: nextId, name: `row ${nextId++}`, day: FIRST_DAY + day }))
  const liveFile = async (which: number) => {
    const files = [...(await table.snapshot()).files.values()]
    return files.length === 0 ? null : files[which % files.length]!
  }

  const create = async () => {
    await commit(table, { operation: 'CREATE TABLE', fields, partitionColumns, configuration: { 'delta.checkpointInterval': '5' } })
    versions.push({ rows: [], madeMs: clock.nowMs })
  }

  const run = async (next: Step): Promise<void> => {
    const known = table.known().version
    switch (next.do) {
      case 'append':
        await append(table, rowsOn(next.days))
        break
      case 'remove':
      case 'replace': {
        const file = await liveFile(next.which)
        if (!file) return
        const adds = next.do === 'replace' ? await stageRows(table, rowsOn([0])) : []
        await commit(table, { operation: 'REPLAY', removes: [file], adds, requires: { live: [file.path] } })
        break
      }
      case 'stage':
        for (const add of await stageRows(table, rowsOn([1]))) staged.push({ add, atMs: clock.nowMs })
        return
      case 'commit-staged': {
        const [oldest] = staged.splice(0, 1)
        if (oldest && clock.nowMs - oldest.atMs < DAY_MS)
          await commit(table, { operation: 'WRITE', fields, partitionColumns, adds: [oldest.add] })
        break
      }
      case 'optimize':
        await optimize(table, {
          ...optimizeLimits,
          minFiles: next.minFiles,
          ...(next.isSettled ? { settledBeforeMs: clock.nowMs - DAY_MS } : {}),
          rewrite: rewriteInMemory(tempDir),
        })
        break
      case 'move-cold':
        await moveCold(table, { coldAfterMs: DAY_MS, folder: 'cold', tempDir, nowMs: clock.nowMs })
        break
      case 'vacuum':
        await vacuum(table, { nowMs: clock.nowMs })
        vacuumedMs = clock.nowMs
        return
      case 'clean-log':
        await table.settled()
        await cleanLog(table, { nowMs: clock.nowMs })
        return
      case 'wait':
        clock.nowMs += next.hours * HOUR_MS
        return
    }
    const isUpkeep = next.do === 'optimize' || next.do === 'move-cold'
    for (let version = known + 1; version <= table.known().version; version++) {
      const rows = await rowsAt(table, version)
      if (isUpkeep) assert.deepEqual(rows, versions.at(-1)?.rows, `${next.do} changed the rows of version ${version}`)
      versions.push({ rows, madeMs: clock.nowMs })
    }
  }

  /** What was the newest version within the retention before the last vacuum holds what it held; staged files are there. */
  const check = async (): Promise<void> => {
    const reader = openTable(store, 't')
    for (const [version, { rows }] of versions.entries()) {
      const replacedMs = versions[version + 1]?.madeMs ?? Number.POSITIVE_INFINITY
      if (replacedMs >= vacuumedMs - 7 * DAY_MS) assert.deepEqual(await rowsAt(reader, version), rows, `version ${version}`)
    }
    for (const { add, atMs } of staged) if (clock.nowMs - atMs < DAY_MS) assert.ok(await store.get(`t/${filePath(add.path)}`))
  }

  /** Long after everything only what the newest version has is left. */
  const checkEnd = async (): Promise<void> => {
    clock.nowMs += 8 * DAY_MS
    await run({ do: 'vacuum' })
    await check()
    const present: string[] = []
    for await (const object of store.list('t/'))
      if (object.path.endsWith('.parquet') && !object.path.includes('_delta_log')) present.push(object.path)
    assert.deepEqual(present, [...(await table.snapshot()).files.values()].map((file) => `t/${filePath(file.path)}`).sort())
  }
  return { create, run, check, checkEnd }
}

describe('upkeep', () => {
  it('changes no answer at any version that is still retained, whatever was done in whatever order', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: START_MS })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const clock = {
          ms: START_MS,
          get nowMs() {
            return this.ms
          },
          set nowMs(ms: number) {
            this.ms = ms
            t.mock.timers.setTime(ms)
          },
        }
        clock.nowMs = START_MS
        const world = createWorld(clock)
        await world.create()
        for (const next of steps) {
          clock.nowMs += 1000
          await world.run(next)
          if (['vacuum', 'clean-log', 'optimize', 'move-cold'].includes(next.do)) await world.check()
        }
        await world.checkEnd()
      }),
      { numRuns: 20 },
    )
  })

  it('lets two optimizers, a mover and a writer work at once: what the writer wrote is there, each row once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(6), { minLength: 97, maxLength: 97 }), fc.nat(1000), async (delays, seed) => {
        const plain = openMemoryStore()
        let calls = 0
        const open = (): Table =>
          openTable(
            delayed(plain, () => delays[calls++ % delays.length]!),
            't',
          )
        const first = openTable(plain, 't')
        for (let id = 0; id < 6; id++) await append(first, [{ id, name: 'before', day: FIRST_DAY + (id % 2) }])
        const writer = open()
        const wrote = async () => {
          for (let id = 100; id < 103; id++) await append(writer, [{ id, name: 'meanwhile', day: FIRST_DAY }])
          const [file] = [...(await first.snapshot()).files.values()].filter((_, index) => index === seed % 6)
          // As a replay does: it looks again where somebody rewrote what it replaces.
          if (file)
            await commit(writer, { operation: 'REPLAY', removes: [file] }).catch((error) => assert.equal(error.code, 'lake-conflict'))
        }
        const optimizer = () => optimize(open(), { ...optimizeLimits, minFiles: 2, rewrite: rewriteInMemory(tempDir) })
        const moving = moveCold(open(), { coldAfterMs: 0, folder: 'cold', tempDir, nowMs: START_MS + 5 * DAY_MS })
        await Promise.all([wrote(), optimizer(), optimizer(), moving])

        const { version } = await first.snapshot()
        const history = (await first.history()).reverse()
        let rows: string[] = []
        for (let at = 0; at <= version; at++) {
          const now = await rowsAt(first, at)
          assert.equal(new Set(now).size, now.length, `version ${at} has a row twice`)
          if (['OPTIMIZE', 'MOVE COLD'].includes(history[at]!.operation)) assert.deepEqual(now, rows)
          rows = now
        }
        for (let id = 100; id < 103; id++) assert.ok(rows.some((row) => row.includes(`"id":${id},`)))
        // Nothing that was given up is left behind.
        const objects: string[] = []
        for await (const { path: object } of plain.list('t/')) if (!object.includes('_delta_log')) objects.push(object)
        const { files, tombstones } = await first.snapshot()
        assert.deepEqual(new Set(objects), new Set([...files.keys(), ...tombstones.keys()].map((name) => `t/${filePath(name)}`)))
      }),
      { numRuns: 12 },
    )
  })
})

/** The store with each call put off by some turns of the event loop, so that those who work at once meet in any order. */
const delayed = (store: ObjectStore, turns: () => number): ObjectStore => {
  const later =
    <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      for (let left = turns(); left > 0; left--) await nextTurn()
      return call(...args)
    }
  return { ...store, get: later(store.get), putFile: later(store.putFile), putIfAbsent: later(store.putIfAbsent) }
}
