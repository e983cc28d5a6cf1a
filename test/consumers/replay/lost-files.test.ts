import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ReplayContext } from '../../../consumers/replay/context.ts'
import { findLost } from '../../../consumers/replay/lost-files.ts'
import { newPartitionWork, newWork } from '../../../consumers/replay/work.ts'
import { progressId, startId } from '../../../consumers/sink/ledger.ts'
import { filePath } from '../../../lake/delta/actions.ts'
import { commit } from '../../../lake/delta/commit.ts'
import { openTable } from '../../../lake/delta/table.ts'
import { openMemoryStore } from '../../../lake/store/memory.ts'
import { append } from '../../lake/delta/upkeep-lake.ts'

/** A table of six files that says of two partitions that it has all from offset 10 on. */
const newTable = async () => {
  const store = openMemoryStore()
  const table = openTable(store, 'silver/books')
  for (let id = 0; id < 6; id++) await append(table, [{ id, name: 'a', day: 20_000 }])
  const progress = (partition: number, topicId = 't') => progressId({ stage: 'silver', clusterId: 'c', topicId, partition })
  const txns = [0, 1].flatMap((partition) => [
    { appId: progress(partition), version: 100 },
    { appId: startId(progress(partition)), version: 10 },
  ])
  await commit(table, { operation: 'PROGRESS', txns })
  const lostOf = async (ranges: [partition: number, from: number, to: number | null][], request = '') => {
    const partitions = ranges.map(([partition, from, to]) =>
      newPartitionWork({ partition, from, to, position: from, undelivered: 0, epoch: null, beganAt: 100 }),
    )
    const work = newWork({
      ...{ kind: 'replay', topic: 'books', topicId: 't', clusterId: 'c' },
      tableId: '',
      code: '',
      partitions,
      fields: [],
    })
    const entry = { table: 'silver.books', request, work } as ReplayContext['entry']
    return (await findLost({ layer: 'silver', table, entry }, await table.snapshot())).map(({ path }) => path)
  }
  return { store, table, progress, lostOf }
}
const whole: [number, number, null][] = [
  [0, 10, null],
  [1, 10, null],
]

test('a file is lost where it is gone, of another size, or begins or ends as no Parquet does', async () => {
  const { store, table, lostOf } = await newTable()
  const files = [...(await table.snapshot()).files.values()].map(({ path }) => path)
  assert.deepEqual(await lostOf(whole), [])
  const at = (index: number) => `silver/books/${filePath(files[index]!)}`
  const bytes = await store.get(at(0))
  await store.delete(at(0))
  await store.put(at(1), new Uint8Array(0))
  await store.put(at(2), new Uint8Array(bytes.length))
  await store.put(at(3), new Uint8Array([...bytes.slice(0, -100), ...new Uint8Array(92).fill(7), ...bytes.slice(-8)]))
  await store.put(at(4), new Uint8Array([...bytes, 0]))
  await store.put(at(5), new Uint8Array([0, ...bytes.slice(1)]))
  assert.deepEqual(await lostOf(whole), files)
})

test('a replay that does not derive all of a table with a lost file is refused, with what helps', async () => {
  const { store, table, progress, lostOf } = await newTable()
  const [file] = (await table.snapshot()).files.values()
  await store.delete(`silver/books/${filePath(file!.path)}`)
  assert.equal((await lostOf(whole)).length, 1)
  const part = {
    code: 'lake-not-found',
    message: /^1 of the files of silver\.books are gone/,
    hint: /: readflow replay silver\.books --from/,
  }
  await assert.rejects(lostOf([[0, 10, null]]), part)
  await assert.rejects(lostOf([whole[0]!, [1, 11, null]]), part)
  await assert.rejects(lostOf([whole[0]!, [1, 10, 50]]), part)
  const all = '--from earliest --to latest'
  await assert.rejects(lostOf([whole[0]!, [1, 11, null]], all), { hint: /^Bring them back from a backup: not all records/ })
  // Of a topic that was deleted and made anew, the rows of the old one are in no record any more.
  await commit(table, { operation: 'PROGRESS', txns: [{ appId: progress(0, 'older'), version: 5 }] })
  await assert.rejects(lostOf(whole, all), { hint: /^Bring them back from a backup: not all records/ })
})
