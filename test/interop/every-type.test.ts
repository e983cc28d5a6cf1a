import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { createRewrite } from '../../compactor/upkeep/rewrite.ts'
import { entryName } from '../../lake/delta/actions.ts'
import { listLog, logFileOf } from '../../lake/delta/log-files.ts'
import { openTable, type Table } from '../../lake/delta/table.ts'
import { openStore } from '../../lake/store/open.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { openDuckDb } from '../../runtime/duckdb.ts'
import { tempDataDir } from '../helpers/stack.ts'
import { assertSameAnswer, ourAnswer } from './answer.ts'
import { partitionColumns, type Step, writeEveryTable } from './every-table.ts'
import { type Reader, type ReaderName, readerNames, readerSkip, startReader } from './readers.ts'

const root = 'silver/every'
const cleanedRoot = 'silver/cleaned'

/** For Spark, which takes its time: the steps after which a table is most unlike before. */
const telling = (steps: readonly Step[]) =>
  steps.filter(({ what }) => ['created', 'inner fields added', 'a file replaced', 'compacted', 'appended after'].includes(what))

interface Told {
  version: number
  operation: string
  timestampMs: number
}
interface Detail {
  id: string
  partitionColumns: string[]
  createdMs: number
  properties: Record<string, string>
  files: number
  schema: string
}

describe('a table with every type, read by others', () => {
  let folder: Awaited<ReturnType<typeof tempDataDir>>
  let store: ObjectStore
  let table: Table
  let cleaned: Table
  let path: string
  let steps: Step[]
  before(async () => {
    folder = await tempDataDir()
    store = openStore(`file:${folder.dir}`)
    table = openTable(store, root)
    path = `${folder.dir}/${root}`
    cleaned = openTable(store, cleanedRoot)
    steps = await writeEveryTable(table, { pauseMs: 20, rewrite: createRewrite({ openDuckDb, tempDir: folder.dir }) })
    // A copy without what came before its last checkpoint.
    const checkpoint = (await listLog({ store, root })).checkpoints.at(-1)!
    for await (const { path: from } of store.list(`${root}/`)) {
      const file = logFileOf(from)
      if (file && file.version < checkpoint.version) continue
      await store.put(`${cleanedRoot}${from.slice(root.length)}`, await store.get(from))
    }
    await cleaned.snapshot()
  })
  after(async () => {
    await store.close()
    await folder.remove()
  })

  /** When the store has it that a log entry was written, in whole milliseconds. */
  const storedMs = async (version: number): Promise<number> => {
    for await (const info of store.list(`${root}/${entryName(version)}`)) return Math.floor(info.modifiedMs)
    throw new Error(`no entry ${version}`)
  }

  const withReader = (name: ReaderName, checks: (reader: Reader) => void) =>
    describe(name, { skip: readerSkip(name) }, () => {
      let reader: Reader
      before(() => {
        reader = startReader(name)
      })
      after(() => reader.close())
      checks({ name, ask: (op, job) => reader.ask(op, job), close: async () => {} })
    })

  for (const name of readerNames)
    withReader(name, (reader) => {
      it('gives the same schema and rows at every version', async () => {
        for (const { version, what } of name === 'Spark' ? telling(steps) : steps) {
          const expected = await ourAnswer(store, root, await table.snapshot({ version }))
          assertSameAnswer(await reader.ask('rows', { table: path, version }), expected, `version ${version}, ${what}`)
        }
        assertSameAnswer(await reader.ask('rows', { table: path }), await ourAnswer(store, root, await table.snapshot()), 'newest')
      })

      it('gives them where the log begins with a checkpoint', async () => {
        const { version } = cleaned.known()
        const expected = await ourAnswer(store, cleanedRoot, cleaned.known())
        assertSameAnswer(await reader.ask('rows', { table: `${folder.dir}/${cleanedRoot}` }), expected, `version ${version}`)
      })

      if (name === 'DuckDB') return
      it('travels to the same version by time', async () => {
        // Spark refuses a time after the last commit.
        for (const { version, timestampMs } of name === 'Spark' ? telling(steps).slice(0, -1) : steps.slice(0, -1)) {
          const expected = await ourAnswer(store, root, await table.snapshot({ version }))
          assertSameAnswer(await reader.ask('rows', { table: path, timestampMs }), expected, `version ${version} by time`)
        }
      })

      it('tells the same history', async () => {
        const told = await reader.ask<Told[]>('history', { table: path })
        const ours = await table.history()
        // Spark goes by the time at which the store has the entry, the others by the writer's.
        const times = await Promise.all(ours.map(async ({ version, timestampMs }) => (name === 'Spark' ? storedMs(version) : timestampMs)))
        assert.deepEqual(
          told,
          ours.map(({ version, operation }, index) => ({ version, operation, timestampMs: times[index] })),
        )
      })

      it('tells the same of the table', async () => {
        const detail = await reader.ask<Detail>('detail', { table: path })
        const { metadata, files } = await table.snapshot()
        assert.deepEqual(JSON.parse(detail.schema), JSON.parse(metadata!.action.schemaString))
        assert.deepEqual(detail.partitionColumns, partitionColumns)
        assert.deepEqual(detail.properties, metadata!.configuration)
        assert.deepEqual([detail.id, detail.createdMs, detail.files], [metadata!.id, metadata!.createdMs, files.size])
      })
    })
})
