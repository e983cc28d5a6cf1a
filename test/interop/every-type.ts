import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { createRewrite } from '../../compactor/upkeep/rewrite.ts'
import { commitTimes } from '../../lake/delta/commit-times.ts'
import { listLog, logFileOf } from '../../lake/delta/log-files.ts'
import { openTable, type Table } from '../../lake/delta/table.ts'
import { openStore } from '../../lake/store/open.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { openDuckDb } from '../../runtime/duckdb.ts'
import { minioSkip } from '../helpers/minio.ts'
import { tempDataDir } from '../helpers/stack.ts'
import { assertSameAnswer, ourAnswer } from './answer.ts'
import { partitionColumns, type Step, writeEveryTable } from './every-table.ts'
import type { Reader, ReaderName } from './readers.ts'
import { describeReaders, sharedMinio } from './shared.ts'

const root = 'silver/every'
/** The same without the log before its last checkpoint. */
const cleanedRoot = 'silver/cleaned'

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
interface Lake {
  store: ObjectStore
  /** Where other readers find a table. */
  urlOf: (root: string) => string
  table: Table
  cleaned: Table
  steps: Step[]
}

const places = ['a folder', 'MinIO'] as const
type Place = (typeof places)[number]

/** For Spark, which takes its time, and where a request does: the steps after which a table is most unlike before. */
const tellingSteps: Record<Place, string[]> = {
  'a folder': ['created', 'inner fields added', 'a file replaced', 'compacted', 'appended after'],
  MinIO: ['compacted', 'appended after'],
}

const checks = (name: ReaderName, place: Place, given: () => Lake & { reader: Reader }) => {
  const isSlow = name === 'Spark' || place === 'MinIO'
  const asked = (steps: readonly Step[]) => (isSlow ? steps.filter(({ what }) => tellingSteps[place].includes(what)) : steps)

  it('has the same schema and rows at every version', async () => {
    const { reader, store, urlOf, table, steps } = given()
    for (const { version, what } of asked(steps)) {
      const expected = await ourAnswer(store, root, await table.snapshot({ version }))
      assertSameAnswer(await reader.ask('rows', { table: urlOf(root), version }), expected, `version ${version}, ${what}`)
    }
    assertSameAnswer(await reader.ask('rows', { table: urlOf(root) }), await ourAnswer(store, root, await table.snapshot()), 'newest')
  })

  it('has them where the log begins with a checkpoint', async () => {
    const { reader, store, urlOf, cleaned } = given()
    const expected = await ourAnswer(store, cleanedRoot, cleaned.known())
    assertSameAnswer(await reader.ask('rows', { table: urlOf(cleanedRoot) }), expected, `version ${cleaned.known().version}`)
  })

  // The other two have no words for it.
  if (name === 'delta-rs')
    it('has the same progress of a writer', async () => {
      const { reader, urlOf, table } = given()
      for (const [appId, version] of (await table.snapshot()).txns)
        assert.equal(await reader.ask<number>('progress', { table: urlOf(root), appId }), version)
    })

  // DuckDB's extension has neither time travel by time, nor history, nor details.
  if (name === 'DuckDB') return

  it('travels to the same version by time', async () => {
    const { reader, store, urlOf, table, steps } = given()
    // Spark refuses a time after the last commit.
    const last = steps.at(-1)!.version
    for (const { version, timestampMs } of asked(steps).filter((each) => each.version < last)) {
      assert.equal((await table.snapshot({ timestampMs })).version, version)
      const expected = await ourAnswer(store, root, await table.snapshot({ version }))
      assertSameAnswer(await reader.ask('rows', { table: urlOf(root), timestampMs }), expected, `version ${version} by time`)
    }
  })

  it('has the same history', async () => {
    const { reader, store, urlOf, table } = given()
    const ours = await table.history()
    // delta-rs goes by the writer's clock. Spark goes by the store's, which S3 tells in whole seconds, each later than the one before.
    const unitMs = place === 'MinIO' ? 1000 : 1
    const { entries } = await listLog({ store, root })
    const stored = commitTimes(
      entries.map(({ version, modifiedMs }) => ({ version, modifiedMs: Math.floor(modifiedMs / unitMs) * unitMs })),
    )
    const times = ours.map(({ version, timestampMs }) => (name === 'Spark' ? stored[version]!.timestampMs : timestampMs))
    assert.deepEqual(
      await reader.ask<Told[]>('history', { table: urlOf(root) }),
      ours.map(({ version, operation }, index) => ({ version, operation, timestampMs: times[index] })),
    )
  })

  it('has the same metadata', async () => {
    const { reader, urlOf, table } = given()
    const detail = await reader.ask<Detail>('detail', { table: urlOf(root) })
    const { metadata, files } = await table.snapshot()
    assert.deepEqual(JSON.parse(detail.schema), JSON.parse(metadata!.action.schemaString))
    assert.deepEqual(detail.partitionColumns, partitionColumns)
    assert.deepEqual(detail.properties, metadata!.configuration)
    assert.deepEqual([detail.id, detail.createdMs, detail.files], [metadata!.id, metadata!.createdMs, files.size])
  })
}

describe('a table with every type, read by others', () => {
  let folder: Awaited<ReturnType<typeof tempDataDir>>
  const lakes = new Map<Place, Lake>()
  const skip: Record<Place, string | false> = { 'a folder': false, MinIO: minioSkip() }

  before(async () => {
    folder = await tempDataDir()
    lakes.set('a folder', await writeLake(`file:${folder.dir}/lake`, (name) => `${folder.dir}/lake/${name}`, 20))
    const minio = await sharedMinio()
    // S3 says when an object was made in whole seconds.
    if (minio) lakes.set('MinIO', await writeLake(minio.lakeUrl('every'), (name) => `s3://${minio.bucket}/every/${name}`, 1100))
  })
  after(async () => {
    for (const { store } of lakes.values()) await store.close()
    await folder.remove()
  })

  const writeLake = async (lakeUrl: string, urlOf: Lake['urlOf'], pauseMs: number): Promise<Lake> => {
    const store = openStore(lakeUrl)
    const [table, cleaned] = [openTable(store, root), openTable(store, cleanedRoot)]
    const steps = await writeEveryTable(table, { pauseMs, rewrite: createRewrite({ openDuckDb, tempDir: folder.dir }) })
    const checkpoint = (await listLog(table)).checkpoints.at(-1)!
    for await (const { path: from } of store.list(`${root}/`)) {
      const file = logFileOf(from)
      if (!file || file.version >= checkpoint.version) await store.put(`${cleanedRoot}${from.slice(root.length)}`, await store.get(from))
    }
    await cleaned.snapshot()
    return { store, urlOf, table, cleaned, steps }
  }

  describeReaders((name, readerOf) => {
    for (const place of places)
      describe(`in ${place}`, { skip: skip[place] }, () => {
        checks(name, place, () => ({ reader: readerOf(), ...lakes.get(place)! }))
      })
  })
})
