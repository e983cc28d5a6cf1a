import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type BuildOptions, type BuildResult, buildGold } from '../../compactor/build.ts'
import { deriveGold, type Inputs } from '../../compactor/derive.ts'
import { inputColumns } from '../../compactor/inputs.ts'
import { goldNames } from '../../compactor/tables.ts'
import type { Field } from '../../lake/columns/column.ts'
import { commit } from '../../lake/delta/commit.ts'
import { openTable } from '../../lake/delta/table.ts'
import { tableSql } from '../../lake/sql.ts'
import { openLocalFiles } from '../../lake/store/local-files.ts'
import { openStore } from '../../lake/store/open.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { type DuckDb, openDuckDb } from '../../runtime/duckdb.ts'
import { createLog } from '../../runtime/log.ts'
import { entityNames } from '../../schemas/catalogue.ts'
import type { EntityName } from '../../schemas/records.ts'
import { goldRelations, withRelations } from '../helpers/gold.ts'
import { createSilverTable, type Row, type Silver } from './silver.ts'

const log = createLog('test', 'error')
const string = { kind: 'string' } as const
const kinds: Record<string, Field['type']> = {
  VARCHAR: { kind: 'string' },
  BIGINT: { kind: 'long' },
  DOUBLE: { kind: 'double' },
  BOOLEAN: { kind: 'boolean' },
  TIMESTAMPTZ: { kind: 'timestamp' },
  DATE: { kind: 'date' },
  'VARCHAR[]': { kind: 'list', element: string },
}
const lists: Record<string, [string, Field['type']][]> = {
  authors: [
    ['author_id', string],
    ['name', string],
    ['role', string],
  ],
  shelves: [
    ['name', string],
    ['count', { kind: 'long' }],
  ],
}
const fieldOf = ([name, type]: readonly [string, string]): Field => ({
  name,
  nullable: true,
  type: kinds[type] ?? {
    kind: 'list',
    element: { kind: 'struct', fields: (lists[name] ?? []).map(([field, of]) => ({ name: field, type: of, nullable: true })) },
  },
})

export interface Lake {
  dir: string
  store: ObjectStore
  duckdb: DuckDb
  /** Adds rows as one file a table; with `replaces`, in the place of the table's files that it says yes to. */
  addSilver: (silver: Silver, replaces?: (file: { path: string }) => boolean) => Promise<void>
  build: (store?: ObjectStore, options?: Partial<BuildOptions>) => Promise<BuildResult>
  /** Rows of a query in which `{table}` names a Gold table as it is published. */
  query: (sql: string) => Promise<Row[]>
  versions: () => Promise<Record<string, number>>
  /** Derives everything anew from the newest Silver; gives the schema in which the tables of that Gold are. */
  rebuild: () => Promise<string>
}

/** A lake in a folder of its own, with Silver tables that a test fills, and the builds of Gold over them. */
export const withLake = async (use: (lake: Lake) => Promise<void>) => {
  const dir = await mkdtemp(path.join(tmpdir(), 'readflow-gold-'))
  const tempDir = path.join(dir, 'tmp')
  const store = openStore(`file:${path.join(dir, 'lake')}`)
  const duckdb = await openDuckDb()
  let files = 0
  const addSilver: Lake['addSilver'] = async (silver, replaces) => {
    for (const [entity, rows] of Object.entries(silver) as [EntityName, Row[]][]) {
      await createSilverTable(duckdb, entity, rows)
      const local = path.join(tempDir, `${entity}.parquet`)
      await duckdb.run(`COPY raw_${entity} TO '${local}' (FORMAT PARQUET)`)
      const { size } = await stat(local)
      const file = `part-${files++}.parquet`
      await store.putFile(`silver/${entity}/${file}`, local)
      await commit(openTable(store, `silver/${entity}`), {
        operation: 'WRITE',
        fields: inputColumns[entity].map(fieldOf),
        adds: [
          {
            path: file,
            partitionValues: {},
            size,
            modificationTime: 0,
            dataChange: true,
            stats: JSON.stringify({ numRecords: rows.length }),
          },
        ],
        ...(replaces ? { replaces } : {}),
      })
    }
  }
  const query = async (sql: string) => duckdb.rows(withRelations(sql, await goldRelations(store)))
  const versions = async () =>
    Object.fromEntries(
      await Promise.all(goldNames.map(async (name) => [name, (await openTable(store, `gold/${name}`).snapshot()).version] as const)),
    )
  let rebuilt = 0
  const rebuild = async () => {
    const inputs = Object.fromEntries(
      await Promise.all(
        entityNames.map(async (entity) => {
          const snapshot = await openTable(store, `silver/${entity}`).snapshot()
          const localPath = (file: string) => store.localPath(`silver/${entity}/${file}`) ?? ''
          const relation = snapshot.version < 0 ? null : `(${tableSql({ snapshot, localPath })})`
          return [entity, { relation, columns: new Set(inputColumns[entity].map(([name]) => name)) }] as const
        }),
      ),
    ) as unknown as Inputs
    await deriveGold({ duckdb, inputs })
    const schema = `rebuilt_${rebuilt++}`
    await duckdb.run(`CREATE SCHEMA ${schema}`)
    for (const name of goldNames) await duckdb.run(`CREATE TABLE ${schema}.${name} AS FROM ${name}`)
    return schema
  }
  try {
    await mkdir(tempDir)
    const files = openLocalFiles({ store, dir: path.join(dir, 'cache'), maxBytes: 0 })
    const build: Lake['build'] = (target = store, options = {}) =>
      buildGold({ store: target, files, openDuckDb, tempDir, log, nowMs: Date.now, ...options })
    await use({ dir, store, duckdb, addSilver, build, query, versions, rebuild })
    assert.deepEqual(await readdir(tempDir), [], 'a build leaves nothing in its temporary folder')
  } finally {
    await duckdb.close()
    await store.close()
    await rm(dir, { recursive: true })
  }
}
