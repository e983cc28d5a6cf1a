import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { type AddFile, encodeActions, entryName } from '../../../lake/delta/actions.ts'
import { writeCheckpoint } from '../../../lake/delta/checkpoint.ts'
import { commit } from '../../../lake/delta/commit.ts'
import { checkpointName, LAST_CHECKPOINT } from '../../../lake/delta/log-files.ts'
import { openTable, type Table } from '../../../lake/delta/table.ts'
import { openMemoryStore } from '../../../lake/store/memory.ts'
import type { ObjectStore } from '../../../lake/store/store.ts'
import { ReadflowError } from '../../../runtime/errors.ts'
import { field } from '../sample.ts'
import { plain } from './plain.ts'

const ROOT = 'silver/books'
const add = (path: string): AddFile => ({
  path,
  partitionValues: { day: path < 'f5' ? '2026-11-22' : null },
  size: 2 ** 40,
  modificationTime: 5,
  dataChange: true,
  stats: '{"numRecords":1}',
  ...(path === 'f1' ? { tags: { digest: 'x' } } : {}),
})

const write = async (table: Table, versions: number, interval = 5) => {
  for (let version = 0; version < versions; version++)
    await commit(table, {
      operation: 'WRITE',
      fields: [field('id', 'long'), field('day', 'date')],
      partitionColumns: ['day'],
      configuration: { 'delta.checkpointInterval': String(interval) },
      adds: [add(`f${version}`)],
      removes: version % 3 === 2 ? [{ path: `f${version - 1}` }] : [],
      txns: [{ appId: 'p', version }],
    })
  await table.settled()
}

const namesIn = async (store: ObjectStore) => {
  const names: string[] = []
  for await (const { path } of store.list(`${ROOT}/_delta_log/`)) names.push(path.slice(`${ROOT}/`.length))
  return names
}

const opened = (store: ObjectStore) => {
  const reads: string[] = []
  const watched: ObjectStore = {
    ...store,
    get: (path) => {
      reads.push(path.slice(`${ROOT}/`.length))
      return store.get(path)
    },
  }
  return { table: openTable(watched, ROOT), reads }
}

const dropEntriesBefore = async (store: ObjectStore, version: number) => {
  for (let old = 0; old < version; old++) await store.delete(`${ROOT}/${entryName(old)}`)
}

describe('checkpoints', () => {
  it('are written every so many commits, and read in place of the log before them', async () => {
    const store = openMemoryStore()
    const writer = openTable(store, ROOT)
    await write(writer, 13)
    assert.deepEqual(
      (await namesIn(store)).filter((name) => !name.endsWith('.json')),
      [checkpointName(5), checkpointName(10), LAST_CHECKPOINT],
    )
    const { table, reads } = opened(store)
    assert.deepEqual(plain(await table.snapshot()), plain(writer.known()))
    assert.deepEqual(reads, [LAST_CHECKPOINT, checkpointName(10), entryName(11), entryName(12)])
  })

  it('hold at every version what the log says, with nothing before them', async () => {
    const store = openMemoryStore()
    const table = openTable(store, ROOT)
    await write(table, 12)
    const whole = openTable(store, ROOT)
    for (let version = 0; version < 12; version++) {
      const expected = plain(await whole.snapshot({ version }))
      const copy = openMemoryStore()
      for await (const { path } of store.list(`${ROOT}/_delta_log/`))
        if (path.endsWith('.json')) await copy.put(path, await store.get(path))
      await writeCheckpoint({ store: copy, root: ROOT }, await openTable(copy, ROOT).snapshot({ version }), Date.now())
      await dropEntriesBefore(copy, version + 1)
      assert.deepEqual(plain(await openTable(copy, ROOT).snapshot({ version })), expected)
    }
  })

  it('are the same bytes whoever writes them', async () => {
    const store = openMemoryStore()
    const table = openTable(store, ROOT)
    await write(table, 11)
    const nowMs = Date.now()
    const written = async (snapshot = table.known()) => {
      await writeCheckpoint(table, snapshot, nowMs)
      return Buffer.from(await store.get(`${ROOT}/${checkpointName(snapshot.version)}`)).toString('base64')
    }
    const fromMemory = await written()
    await store.delete(`${ROOT}/${checkpointName(10)}`)
    const fromCheckpoint = await written(await openTable(store, ROOT).snapshot())
    await store.delete(`${ROOT}/${checkpointName(5)}`)
    assert.equal(fromCheckpoint, fromMemory)
    assert.equal(await written(await openTable(store, ROOT).snapshot({ version: 10 })), fromMemory)
  })

  it('keep removed files until the table no longer keeps them', async () => {
    const table = openTable(openMemoryStore(), ROOT)
    await write(table, 4)
    const { deletionTimestamp } = table.known().tombstones.get('f1')!
    const kept = async (nowMs: number) => {
      await writeCheckpoint(table, table.known(), nowMs)
      await dropEntriesBefore(table.store, 4)
      return [...(await openTable(table.store, ROOT).snapshot()).tombstones.keys()]
    }
    assert.deepEqual(await kept(deletionTimestamp! + 7 * 86_400_000 - 1), ['f1'])
    assert.deepEqual(await kept(deletionTimestamp! + 7 * 86_400_000), [])
  })

  it('and tables that stay open forget the files whose time is over', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
    const table = openTable(openMemoryStore(), ROOT)
    await write(table, 4)
    t.mock.timers.tick(8 * 86_400_000)
    await commit(table, { operation: 'DELETE', removes: [{ path: 'f2' }] })
    while (table.known().version < 99) await commit(table, { operation: 'WRITE' })
    assert.deepEqual([...table.known().tombstones.keys()], ['f1', 'f2'])
    await commit(table, { operation: 'WRITE' })
    assert.deepEqual([...table.known().tombstones.keys()], ['f2'])
    assert.deepEqual([...(await openTable(table.store, ROOT).snapshot()).tombstones.keys()], ['f2'])
  })

  it('that can not be written are a warning and no failed commit, and are tried again', async () => {
    const memory = openMemoryStore()
    let isFull = true
    const warnings: unknown[] = []
    const store: ObjectStore = {
      ...memory,
      put: async (path, bytes) => {
        if (isFull) throw new ReadflowError('lake-unavailable', 'full')
        return memory.put(path, bytes)
      },
    }
    const table = openTable(store, ROOT, { warn: (error) => warnings.push(error) })
    await write(table, 6)
    assert.equal(warnings.length, 1)
    assert.equal(table.known().version, 5)
    isFull = false
    await write(table, 1)
    assert.ok((await namesIn(memory)).includes(checkpointName(6)))
  })
})

describe('a table with checkpoints', () => {
  const written = async () => {
    const store = openMemoryStore()
    const writer = openTable(store, ROOT)
    await write(writer, 18)
    return { store, expected: plain(writer.known()) }
  }
  const read = async (store: ObjectStore) => plain(await openTable(store, ROOT).snapshot())

  it('is read where the pointer to the last one is missing, torn, stale or wrong', async () => {
    const { store, expected } = await written()
    await dropEntriesBefore(store, 6)
    for (const text of [
      '',
      '{"version":1',
      'null',
      '{"version":"x"}',
      '{"version":5,"size":1}',
      '{"version":999,"size":1}',
      '{"version":-1}',
    ]) {
      await store.put(`${ROOT}/${LAST_CHECKPOINT}`, new TextEncoder().encode(text))
      assert.deepEqual(await read(store), expected)
    }
    await store.delete(`${ROOT}/${LAST_CHECKPOINT}`)
    assert.deepEqual(await read(store), expected)
  })

  it('is read from an older one, or from the log, where one is torn or corrupt', async () => {
    const { store, expected } = await written()
    const whole = await store.get(`${ROOT}/${checkpointName(15)}`)
    const damaged = [
      new Uint8Array(0),
      whole.subarray(0, whole.length >> 1),
      whole.map((byte, index) => (index > 4 && index < 900 ? 0xff : byte)),
    ]
    for (const bytes of damaged) {
      await store.put(`${ROOT}/${checkpointName(15)}`, bytes)
      assert.deepEqual(await read(store), expected)
    }
    await store.put(`${ROOT}/${checkpointName(10)}`, new Uint8Array(3))
    await store.put(`${ROOT}/${checkpointName(5)}`, new Uint8Array(3))
    assert.deepEqual(await read(store), expected)
    await dropEntriesBefore(store, 1)
    await assert.rejects(read(store), { code: 'lake-invalid', message: /no checkpoint .* can be read/ })
  })

  it('says so where an entry after the checkpoint is missing', async () => {
    const { store } = await written()
    await store.delete(`${ROOT}/${entryName(16)}`)
    await assert.rejects(read(store), { code: 'lake-invalid', message: /lacks version 16/ })
  })

  it('is read from a checkpoint in parts, and never from one that lacks a part', async () => {
    const { store, expected } = await written()
    const part = (number: number, parts: number) =>
      `${ROOT}/_delta_log/00000000000000000015.checkpoint.${String(number).padStart(10, '0')}.${String(parts).padStart(10, '0')}.parquet`
    const { encodeParquet } = await import('../../../lake/parquet/write.ts')
    const { toCheckpointRows } = await import('../../../lake/delta/checkpoint-rows.ts')
    const { checkpointActions } = await import('../../../lake/delta/checkpoint.ts')
    const actions = checkpointActions(await openTable(store, ROOT).snapshot({ version: 15 }), Date.now())
    await store.delete(`${ROOT}/${checkpointName(15)}`)
    await store.put(part(1, 2), encodeParquet(await toCheckpointRows(actions.slice(0, 4))))
    await store.put(part(1, 3), encodeParquet(await toCheckpointRows(actions.slice(0, 2))))
    assert.deepEqual(await read(store), expected)
    await store.put(part(2, 2), encodeParquet(await toCheckpointRows(actions.slice(4))))
    await dropEntriesBefore(store, 16)
    await store.delete(`${ROOT}/${checkpointName(10)}`)
    await store.delete(`${ROOT}/${checkpointName(5)}`)
    assert.deepEqual(await read(store), expected)
  })

  it('is refused where it has only checkpoints of newer protocols, and where its protocol is newer', async () => {
    const { store } = await written()
    for (const version of [5, 10, 15]) await store.delete(`${ROOT}/${checkpointName(version)}`)
    await store.put(`${ROOT}/_delta_log/00000000000000000015.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json`, new Uint8Array(1))
    await dropEntriesBefore(store, 16)
    await assert.rejects(read(store), { code: 'lake-invalid', message: /V2 checkpoints/ })
    const newer = await written()
    await newer.store.put(`${ROOT}/${entryName(18)}`, encodeActions([{ protocol: { minReaderVersion: 3, minWriterVersion: 7 } }]))
    await assert.rejects(read(newer.store), { code: 'lake-invalid', message: /reader version 3/ })
  })

  /** One who has read the table, slept for an hour, and missed that its log was cleaned up behind a checkpoint. */
  const sleptThrough = async (t: TestContext) => {
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
    const store = openMemoryStore()
    const sleeper = openTable(store, ROOT)
    const writer = openTable(store, ROOT)
    await write(writer, 3)
    await sleeper.snapshot()
    await write(writer, 20)
    await dropEntriesBefore(store, 20)
    t.mock.timers.tick(3_600_000)
    return { sleeper, writer }
  }

  it('is read on by one who slept while the log was cleaned up behind a checkpoint', async (t) => {
    const { sleeper, writer } = await sleptThrough(t)
    assert.deepEqual(plain(await sleeper.snapshot()), plain(writer.known()))
  })

  it('takes the commit of one who slept at its end, never behind the checkpoint', async (t) => {
    const { sleeper } = await sleptThrough(t)
    assert.equal((await commit(sleeper, { operation: 'WRITE', adds: [add('late')] })).version, 23)
  })
})

describe('time travel', () => {
  it('goes to any version that the log still leads to, and names the oldest one otherwise', async () => {
    const store = openMemoryStore()
    const table = openTable(store, ROOT)
    await write(table, 18)
    const before = plain(await openTable(store, ROOT).snapshot({ version: 12 }))
    await dropEntriesBefore(store, 10)
    await store.delete(`${ROOT}/${checkpointName(5)}`)
    assert.deepEqual(plain(await openTable(store, ROOT).snapshot({ version: 12 })), before)
    await assert.rejects(openTable(store, ROOT).snapshot({ version: 9 }), {
      code: 'lake-not-found',
      message: /version 9 any more; its oldest is 10/,
    })
    assert.deepEqual(
      (await openTable(store, ROOT).history()).map(({ version }) => version),
      [17, 16, 15, 14, 13, 12, 11, 10],
    )
  })
})
