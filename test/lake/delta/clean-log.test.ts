import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { entryName } from '../../../lake/delta/actions.ts'
import { cleanLog } from '../../../lake/delta/clean-log.ts'
import { commit } from '../../../lake/delta/commit.ts'
import { checkpointName } from '../../../lake/delta/log-files.ts'
import { openTable } from '../../../lake/delta/table.ts'
import { openMemoryStore } from '../../../lake/store/memory.ts'
import { field } from '../sample.ts'
import { plain } from './plain.ts'

const DAY_MS = 86_400_000
const START_MS = Date.UTC(2026, 0, 1, 12)

/** A table with a version a day from `START_MS` on, and a checkpoint every five. */
const daily = async (versions: number, configuration: Record<string, string> = {}) => {
  let nowMs = START_MS
  const store = openMemoryStore({ nowMs: () => nowMs })
  const table = openTable(store, 't')
  for (let version = 0; version < versions; version++) {
    nowMs = START_MS + version * DAY_MS
    await commit(table, {
      operation: 'WRITE',
      fields: [field('id', 'long')],
      configuration: { 'delta.checkpointInterval': '5', 'delta.logRetentionDuration': 'interval 10 days', ...configuration },
      adds: [{ path: `f${version}`, partitionValues: {}, size: 1, modificationTime: 1, dataChange: true }],
    })
    await table.settled()
  }
  const names = async () => {
    const found: string[] = []
    for await (const { path } of store.list('t/_delta_log/')) found.push(path.slice(2))
    return found
  }
  return { store, table, names, lastMs: nowMs }
}

describe('log clean-up', () => {
  it('deletes what is expired and covered by a checkpoint, and nothing that a promised version needs', async () => {
    const { store, table, names, lastMs } = await daily(30)
    const whole = await openTable(store, 't').snapshot({ version: 17 })
    // Ten days before the end, cut to the day, is version 18, whose newest checkpoint is that of 15.
    assert.deepEqual(await cleanLog(table, { nowMs: lastMs }), { deletedFiles: 15 + 2, oldestVersion: 15 })
    assert.deepEqual((await names()).slice(0, 2), [checkpointName(15), entryName(15)])
    const reader = openTable(store, 't')
    for (let version = 15; version < 30; version++) assert.equal((await reader.snapshot({ version })).files.size, version + 1)
    assert.deepEqual(plain(await reader.snapshot({ version: 17 })), plain(whole))
    await assert.rejects(reader.snapshot({ version: 14 }), { code: 'lake-not-found', message: /oldest is 15/ })
    assert.equal((await reader.history()).at(-1)?.version, 15)
    assert.deepEqual(await cleanLog(table, { nowMs: lastMs }), { deletedFiles: 0, oldestVersion: 15 })
  })

  it('keeps what the caller still needs', async () => {
    const { store, table, lastMs } = await daily(30)
    assert.equal((await cleanLog(table, { nowMs: lastMs, keepFromVersion: 9 })).oldestVersion, 5)
    assert.equal((await openTable(store, 't').snapshot({ version: 9 })).files.size, 10)
    assert.equal((await cleanLog(table, { nowMs: lastMs, keepFromVersion: 4 })).deletedFiles, 0)
  })

  it('trusts no checkpoint that it can not read', async () => {
    const { store, table, lastMs } = await daily(30)
    await store.put(`t/${checkpointName(15)}`, new Uint8Array(9))
    assert.equal((await cleanLog(table, { nowMs: lastMs })).oldestVersion, 10)
    assert.equal((await openTable(store, 't').snapshot({ version: 17 })).files.size, 18)
  })

  it('does nothing for a table that is not there, young, or keeps its log', async () => {
    const none = openTable(openMemoryStore(), 't')
    assert.deepEqual(await cleanLog(none), { deletedFiles: 0, oldestVersion: -1 })
    const young = await daily(12)
    assert.deepEqual(await cleanLog(young.table, { nowMs: young.lastMs }), { deletedFiles: 0, oldestVersion: 0 })
    const kept = await daily(12, { 'delta.enableExpiredLogCleanup': 'false' })
    assert.equal((await cleanLog(kept.table, { nowMs: kept.lastMs + 99 * DAY_MS })).deletedFiles, 0)
  })

  it('deletes checkpoints in parts, checksums and compacted entries too, and leaves what it does not know', async () => {
    const { store, table, names, lastMs } = await daily(20)
    const old = ['3.checkpoint.0000000001.0000000002.parquet', '2.crc', '1.00000000000000000004.compacted.json']
    for (const name of old) await store.put(`t/_delta_log/${name.padStart(name.length + 19, '0')}`, new Uint8Array(1))
    await store.put('t/_delta_log/notes.txt', new Uint8Array(1))
    await cleanLog(table, { nowMs: lastMs })
    assert.deepEqual(
      (await names()).filter((name) => /crc|compacted|0000000002\.parquet/.test(name)),
      [],
    )
    assert.ok((await names()).includes('_delta_log/notes.txt'))
  })

  it('says which property is no duration', async () => {
    const { table } = await daily(3, { 'delta.logRetentionDuration': 'interval 1 month' })
    await assert.rejects(cleanLog(table), { code: 'lake-invalid', message: /delta\.logRetentionDuration is "interval 1 month"/ })
  })

  it('goes by the units that Spark knows, and keeps an hour at least', async () => {
    for (const [text, oldestVersion] of [
      ['interval 1 week', 20],
      ['240 hours', 15],
      ['INTERVAL 9 DAYS 24 hours', 15],
      ['interval 0 seconds', 25],
    ] as const) {
      const { table, lastMs } = await daily(30, { 'delta.logRetentionDuration': text })
      assert.equal((await cleanLog(table, { nowMs: lastMs })).oldestVersion, oldestVersion, text)
    }
  })
})

describe('time travel by time', () => {
  it('gives the version that was the newest then', async () => {
    const { store } = await daily(12)
    const at = async (timestampMs: number) => (await openTable(store, 't').snapshot({ timestampMs })).version
    assert.equal(await at(START_MS), 0)
    assert.equal(await at(START_MS + 7 * DAY_MS), 7)
    assert.equal(await at(START_MS + 8 * DAY_MS - 1), 7)
    assert.equal(await at(START_MS + 999 * DAY_MS), 11)
    await assert.rejects(at(START_MS - 1), {
      code: 'lake-not-found',
      message: /no version of 2026-01-01T11:59.*oldest version 0 is of 2026-01-01T12/,
    })
  })

  it('goes by times that only grow, and by what a clean-up has left', async () => {
    let nowMs = START_MS
    const store = openMemoryStore({ nowMs: () => nowMs })
    const table = openTable(store, 't')
    for (const hour of [0, 5, 3, 4, 9]) {
      nowMs = START_MS + hour * 3_600_000
      await commit(table, { operation: 'WRITE', fields: [field('id', 'long')] })
    }
    const at = async (timestampMs: number) => (await openTable(store, 't').snapshot({ timestampMs })).version
    assert.equal(await at(START_MS + 4 * 3_600_000), 0)
    assert.equal(await at(START_MS + 5 * 3_600_000), 1)
    assert.equal(await at(START_MS + 5 * 3_600_000 + 2), 3)
    const cleaned = await daily(30)
    await cleanLog(cleaned.table, { nowMs: cleaned.lastMs })
    const later = openTable(cleaned.store, 't')
    assert.equal((await later.snapshot({ timestampMs: START_MS + 16 * DAY_MS })).version, 16)
    await assert.rejects(later.snapshot({ timestampMs: START_MS + 14 * DAY_MS }), { code: 'lake-not-found', message: /oldest version 15/ })
  })
})
