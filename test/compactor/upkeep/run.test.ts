import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { checkUpkeep, runUpkeep, type UpkeepOptions } from '../../../compactor/upkeep/run.ts'
import { filePath } from '../../../lake/delta/actions.ts'
import { commit } from '../../../lake/delta/commit.ts'
import { openTable } from '../../../lake/delta/table.ts'
import { publish } from '../../../lake/published.ts'
import { openMemoryStore } from '../../../lake/store/memory.ts'
import { RUNS_ROOT, readNewestDays } from '../../../lineage/runs/read.ts'
import { openRecorder } from '../../../lineage/runs/recorder.ts'
import { createLog, type Log } from '../../../runtime/log.ts'
import { noRuns } from '../../helpers/no-runs.ts'
import { append, fields, partitionColumns, rewriteInMemory, rowsAt, stageRows } from '../../lake/delta/upkeep-lake.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

let tempDir: string
before(async () => {
  tempDir = await mkdtemp(path.join(tmpdir(), 'readflow-upkeep-'))
})
after(() => rm(tempDir, { recursive: true }))

/** Runs upkeep for some hours by a clock of its own; `during` hears of each time that it waits. */
const runFor = async (
  hours: number,
  lake: Pick<UpkeepOptions, 'store' | 'tables'>,
  { during = async () => {}, ...options }: Partial<UpkeepOptions> & { during?: () => Promise<unknown> } = {},
) => {
  const controller = new AbortController()
  const lines: { text: string; [key: string]: unknown }[] = []
  const startMs = Date.now()
  let nowMs = startMs
  const note = (fields: object, text: string) => void lines.push({ ...fields, text })
  await runUpkeep({
    ...lake,
    rewrite: rewriteInMemory(tempDir),
    optimizeIntervalMs: MINUTE_MS,
    targetBytes: 1024 ** 2,
    minFiles: 4,
    vacuumIntervalMs: 6 * HOUR_MS,
    cold: null,
    runs: await noRuns(),
    log: { info: note, warn: note } as unknown as Log,
    nowMs: () => nowMs,
    sleep: async (delayMs) => {
      nowMs += delayMs
      const isTold = await during()
      if (nowMs < startMs + hours * HOUR_MS) return isTold
      controller.abort()
      throw controller.signal.reason
    },
    signal: controller.signal,
    ...options,
  })
  return lines
}

const openLake = (names: readonly string[] = ['silver.books']) => {
  const store = openMemoryStore()
  const tables = names.map((name) => ({ name, table: openTable(store, name.replace('.', '/')), sortBy: ['id'] }))
  const fill = async (name: string, count: number) => {
    const { table } = tables.find((each) => each.name === name)!
    for (let id = 0; id < count; id++) await append(table, [{ id, name, day: 20_000 }])
  }
  return { store, tables, fill }
}

const countsIn = (line: Record<string, unknown> | undefined) => (line?.['counts'] ?? {}) as Record<string, number>

describe('upkeep by itself', () => {
  it('has each round that merges anything on record as one run, with the tables that it changed', async () => {
    const { store, tables, fill } = openLake(['silver.books', 'silver.authors', 'silver.reviews'])
    const table = openTable(store, RUNS_ROOT)
    const runs = await openRecorder({ table, program: 'compact', publisher: null, log: createLog('test', 'silent') })
    await fill('silver.books', 4)
    await fill('silver.reviews', 5)
    await runFor(0.1, { store, tables }, { runs, vacuumIntervalMs: 0 })
    await runs.close()
    const found = await readNewestDays(table, await table.snapshot(), 9)
    assert.deepEqual(
      found.map(({ kind, state, outputs }) => [kind, state, outputs]),
      [
        [
          'optimize',
          'completed',
          [
            { type: 'table', name: 'silver.books', version: 4 },
            { type: 'table', name: 'silver.reviews', version: 5 },
          ],
        ],
      ],
    )
    assert.deepEqual([found[0]?.counts['files_removed'], found[0]?.counts['files_added']], [9, 2])
  })

  it('waits no longer after a failure where the clock is put back', async () => {
    const { store, tables, fill } = openLake()
    await fill('silver.books', 4)
    let aheadMs = 2 * HOUR_MS
    let ranMs = 0
    const rewrite: UpkeepOptions['rewrite'] = (...rows) => {
      if (aheadMs > 0) throw new Error('no room')
      return rewriteInMemory(tempDir)(...rows)
    }
    const signal = new AbortController()
    const startMs = Date.now()
    const lines = await runFor(
      1,
      { store, tables },
      {
        ...{ vacuumIntervalMs: 0, rewrite, signal: signal.signal },
        nowMs: () => startMs + ranMs + aheadMs,
        sleep: async (delayMs) => {
          if (ranMs > 0) aheadMs = 0
          ranMs += delayMs
          if (ranMs <= 3 * MINUTE_MS) return false
          signal.abort()
          throw signal.signal.reason
        },
      },
    )
    assert.ok(
      lines.some(({ text }) => text === 'optimized'),
      JSON.stringify(lines),
    )
  })

  it('merges once there are enough small files, says so in one line, and removes the old ones when nobody needs them', async () => {
    const { store, tables, fill } = openLake()
    const { table } = tables[0]!
    await fill('silver.books', 3)
    assert.deepEqual(await runFor(0.1, { store, tables }), [], 'three are not enough')
    await fill('silver.books', 1)
    const rows = await rowsAt(table)
    const [line, ...more] = await runFor(0.1, { store, tables })
    assert.deepEqual(more, [])
    assert.deepEqual(
      [line?.text, line?.['table'], countsIn(line)['files_removed'], countsIn(line)['files_added']],
      ['optimized', 'silver.books', 4, 1],
    )
    assert.deepEqual(await rowsAt(table), rows)
    const later = await runFor(8 * 24, { store, tables })
    const removed = later.filter(({ text }) => text === 'vacuumed').map((each) => countsIn(each)['files'])
    assert.deepEqual([removed[0], removed.reduce<number>((sum, files) => sum + (files as number), 0)], [0, 4])
    assert.deepEqual(await rowsAt(openTable(store, 'silver/books')), rows)
  })

  it('keeps the files of an idle table few while commits come every ten seconds', async () => {
    const { store, tables } = openLake()
    const { table } = tables[0]!
    let id = 0
    let most = 0
    await runFor(
      2,
      { store, tables },
      {
        minFiles: 16,
        during: async () => {
          for (let commits = 0; commits < 6; commits++) await append(table, [{ id: id++, name: '', day: 20_000 }])
          most = Math.max(most, (await table.snapshot()).files.size)
        },
      },
    )
    assert.ok(id > 700)
    assert.ok(most < 40, `${most} files`)
    assert.equal((await rowsAt(table)).length, id)
  })

  it('goes on with other tables where one fails, and leaves that one alone for longer each time', async () => {
    const { store, tables, fill } = openLake(['silver.books', 'silver.authors'])
    await fill('silver.books', 5)
    await fill('silver.authors', 5)
    const broken = tables[0]!.table
    const [file] = (await broken.snapshot()).files.values()
    await store.put(`silver/books/${filePath(file!.path)}`, new Uint8Array(10))
    const told: string[] = []
    const metrics = {
      failed: (task: string) => void told.push(`${task} failed`),
      succeeded: (task: string) => void told.push(`${task} succeeded`),
      removed: (task: string, files: number) => void (files > 0 && told.push(`${task} ${files}`)),
    }
    const lines = await runFor(5, { store, tables }, { vacuumIntervalMs: 0, metrics })
    assert.equal(lines.filter(({ text, table }) => text === 'optimized' && table === 'silver.authors').length, 1)
    assert.deepEqual([...new Set(told)], ['optimize failed', 'optimize 5'], 'no round is a success while a table is left alone')
    const warnings = lines.filter(({ table }) => table === 'silver.books')
    assert.ok(warnings.length >= 5 && warnings.length <= 12, `${warnings.length} warnings`)
    assert.match(String(warnings[0]?.['error']), /Parquet/)
    // Who has mended a table and asks for it does not wait for its time.
    const asked = await runFor(1, { store, tables }, { vacuumIntervalMs: 0, during: async () => true })
    assert.ok(asked.filter(({ table }) => table === 'silver.books').length > 50, `${asked.length} lines`)
  })

  it('does nothing at intervals of 0', async () => {
    const { store, tables, fill } = openLake()
    await fill('silver.books', 9)
    assert.deepEqual(await runFor(1, { store, tables }, { optimizeIntervalMs: 0, vacuumIntervalMs: 0 }), [])
  })

  it('moves old partitions where it is told to', async () => {
    const { store, tables, fill } = openLake()
    await fill('silver.books', 2)
    const cold = { coldAfterMs: 24 * HOUR_MS, folder: 'cold', tempDir }
    const lines = await runFor(1, { store, tables }, { cold })
    assert.deepEqual(
      lines.map((each) => [each.text, countsIn(each)['files']]),
      [
        ['vacuumed', 0],
        ['moved to the cold folder', 2],
      ],
    )
  })

  it('keeps what the published Gold versions name, the newest ten at any age, and removes the older ones', async (t) => {
    const startMs = Date.UTC(2026, 0, 1)
    t.mock.timers.enable({ apis: ['Date'], now: startMs })
    const clock = { ms: startMs }
    const store = openMemoryStore({ nowMs: () => clock.ms })
    const table = openTable(store, 'gold/dim_book')
    const tables = [{ name: 'gold.dim_book', table, sortBy: ['id'] }]
    const wait = (ms: number) => {
      clock.ms += ms
      t.mock.timers.setTime(clock.ms)
    }
    for (let build = 0; build < 15; build++) {
      const removes = [...(await table.snapshot()).files.values()]
      const adds = await stageRows(table, [{ id: build, name: '', day: 20_000 }])
      const { version } = await commit(table, { operation: 'BUILD GOLD', fields, partitionColumns, adds, removes })
      await publish(store, {
        publishId: '',
        publishedAt: '',
        tables: { dim_book: version },
        inputs: {},
        models: null,
        completeThrough: null,
        completeThroughByEntity: {},
      })
      wait(HOUR_MS)
    }
    const readable = async () => {
      const ids: number[] = []
      for await (const { path: object } of store.list('gold/_published/')) {
        const { tables: named } = JSON.parse(new TextDecoder().decode(await store.get(object)))
        const [row] = await rowsAt(openTable(store, 'gold/dim_book'), named.dim_book)
        ids.push(JSON.parse(row!).id)
      }
      return ids
    }
    await runFor(1, { store, tables })
    assert.equal((await readable()).length, 15)
    wait(30 * 24 * HOUR_MS)
    const lines = await runFor(1, { store, tables })
    assert.deepEqual([countsIn(lines[0])['gold_versions'], countsIn(lines[0])['files']], [5, 5])
    assert.deepEqual(await readable(), [5, 6, 7, 8, 9, 10, 11, 12, 13, 14])
  })

  it('refuses settings that would take files from under readers, or do nothing', () => {
    const config = { retainMs: undefined, coldAfterMs: undefined, coldStorageClass: undefined, lakeUrl: 'file:x' }
    checkUpkeep(config)
    assert.throws(() => checkUpkeep({ ...config, retainMs: HOUR_MS }), { code: 'config' })
    assert.throws(() => checkUpkeep({ ...config, coldStorageClass: 'STANDARD_IA' }), { code: 'config' })
    assert.throws(() => checkUpkeep({ ...config, coldStorageClass: 'STANDARD_IA', coldAfterMs: 1 }), {
      code: 'config',
      message: /is a folder/,
    })
    checkUpkeep({ ...config, coldStorageClass: 'STANDARD_IA', coldAfterMs: 1, lakeUrl: 's3://b' })
  })
})
