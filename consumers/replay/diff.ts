import type { Field } from '../../lake/columns/column.ts'
import type { AddFile } from '../../lake/delta/actions.ts'
import type { Snapshot } from '../../lake/delta/snapshot.ts'
import { sqlName, sqlText, tableSql } from '../../lake/sql.ts'
import type { DuckDb } from '../../runtime/duckdb.ts'
import type { PartitionWork } from './work.ts'

export interface RowSample {
  sign: '+' | '-' | '~'
  key: string | null
  partition: number
  offset: number
  /** Of a changed row each field that differs. */
  fields: { name: string; before: unknown; after: unknown }[]
}

/** How the rows of a range differ from what a replay makes of its records. */
export interface RowDiff {
  added: number
  removed: number
  changed: number
  /** How many of the changed rows differ in each field. */
  fields: Record<string, number>
  samples: RowSample[]
}

export interface DiffInput {
  duckdb: DuckDb
  metadata: NonNullable<Snapshot['metadata']>
  /** All columns, those that only the staged rows have as well. */
  fields: readonly Field[]
  topicId: string
  works: readonly PartitionWork[]
  live: ReadonlyMap<string, AddFile>
  staged: ReadonlyMap<string, AddFile>
  /** Where a file lies in the local file system, from its path below the table's root. */
  liveFile: (path: string) => string
  stagedFile: (path: string) => string
  layer: 'bronze' | 'silver'
}

const SAMPLES = 5
/** Rows are compared by 64 bits of each, so that what is in memory does not hang on what is in them. */
const origin = ['_partition', '_offset']

/** Makes the tables `live_rows` and `staged_rows` (p, o, k, version, h) and `differing` (p, o, sign). */
const prepare = async ({ duckdb, metadata, fields, topicId, works, layer, ...input }: DiffInput): Promise<void> => {
  const of = { ...metadata, fields: [...fields] }
  const live = tableSql({ snapshot: { metadata: of, files: input.live }, localPath: input.liveFile })
  const staged = tableSql({ snapshot: { metadata: of, files: input.staged }, localPath: input.stagedFile })
  await duckdb.run(`CREATE OR REPLACE VIEW live AS ${live}`)
  await duckdb.run(`CREATE OR REPLACE VIEW staged AS ${staged}`)
  const tails = works.flatMap(({ partition, keys }) => (keys ?? []).map((key) => [partition, key] as const))
  await duckdb.run('CREATE OR REPLACE TABLE tails (p BIGINT, k VARCHAR)')
  for (let at = 0; at < tails.length; at += 10_000) {
    const some = tails.slice(at, at + 10_000)
    await duckdb.run(`INSERT INTO tails VALUES ${some.map(([p, k]) => `(${p}, ${sqlText(k)})`).join(', ')}`)
  }
  const ranges = works.map(({ partition, from, to, position }) => {
    const tail = tails.length > 0 && to !== null ? ` OR (_offset < ${position} AND (_partition, _key) IN (SELECT p, k FROM tails))` : ''
    return `(_partition = ${partition} AND _offset >= ${from} AND (_offset < ${to === null ? position : Math.min(to, position)}${tail}))`
  })
  const where = `_topic_id = ${sqlText(topicId)} AND (${ranges.join(' OR ')})`
  const columns = fields.map(({ name }) => sqlName(name)).join(', ')
  const key = layer === 'silver' ? '_key' : 'coalesce(try(decode(_key)), hex(_key))'
  const version = layer === 'silver' ? 'hash(_order, _hash)' : '0'
  for (const [name, view] of [
    ['live_rows', 'live'],
    ['staged_rows', 'staged'],
  ])
    await duckdb.run(
      `CREATE OR REPLACE TABLE ${name} AS SELECT _partition AS p, _offset AS o, ${key} AS k, ${version} AS version, hash(${columns}) AS h FROM ${view} WHERE ${where}`,
    )
  await duckdb.run(`CREATE OR REPLACE TABLE differing AS
    SELECT p, o, CASE WHEN l.h IS NULL THEN '+' WHEN s.h IS NULL THEN '-' ELSE '~' END AS sign,
      coalesce(s.k, l.k) AS k, l.version IS DISTINCT FROM s.version AS is_version
    FROM live_rows l FULL JOIN staged_rows s USING (p, o) WHERE l.h IS DISTINCT FROM s.h`)
}

/** Keys, by partition, whose accepted versions are others now. Only after `diffRows`. */
export const changedKeys = async (duckdb: DuckDb): Promise<Map<number, string[]>> => {
  const rows = await duckdb.rows<{ p: number; k: string }>('SELECT DISTINCT p, k FROM differing WHERE is_version ORDER BY p, k')
  return new Map([...Map.groupBy(rows, ({ p }) => p)].map(([p, of]) => [p, of.map(({ k }) => k)]))
}

/** Compares the staged rows with those that they are to replace. Values are compared exactly where rows differ at all. */
export const diffRows = async (input: DiffInput): Promise<RowDiff> => {
  const { duckdb, fields } = input
  await prepare(input)
  const counts = await duckdb.rows<{ sign: string; n: number }>('SELECT sign, count(*) AS n FROM differing GROUP BY sign')
  const numberOf = (sign: string) => counts.find((each) => each.sign === sign)?.n ?? 0
  const diff: RowDiff = { added: numberOf('+'), removed: numberOf('-'), changed: numberOf('~'), fields: {}, samples: [] }
  const compared = fields.map(({ name }) => name).filter((name) => !origin.includes(name))
  if (diff.changed > 0) {
    const differing = compared.map((name) => `count(*) FILTER (l.${sqlName(name)} IS DISTINCT FROM s.${sqlName(name)}) AS ${sqlName(name)}`)
    const [found = {}] = await duckdb.rows<Record<string, number>>(
      `SELECT ${differing.join(', ')} FROM (SELECT p, o FROM differing WHERE sign = '~') d
       JOIN live l ON l._partition = d.p AND l._offset = d.o AND l._topic_id = ${sqlText(input.topicId)}
       JOIN staged s ON s._partition = d.p AND s._offset = d.o`,
    )
    diff.fields = Object.fromEntries(Object.entries(found).filter(([, count]) => count > 0))
  }
  for (const sign of ['+', '-', '~'] as const) diff.samples.push(...(await samplesOf(input, sign, compared)))
  return diff
}

const samplesOf = async ({ duckdb, topicId }: DiffInput, sign: RowSample['sign'], compared: readonly string[]): Promise<RowSample[]> => {
  const rows = await duckdb.rows<{ p: number; o: number; k: string | null }>(
    `SELECT p, o, k FROM differing WHERE sign = '${sign}' ORDER BY p, o LIMIT ${SAMPLES}`,
  )
  const samples: RowSample[] = []
  for (const { p, o, k } of rows) {
    const rowOf = async (view: string) =>
      (
        await duckdb.rows(`SELECT * FROM ${view} WHERE _partition = ${p} AND _offset = ${o} AND _topic_id = ${sqlText(topicId)} LIMIT 1`)
      )[0] ?? {}
    const [before, after] = sign === '~' ? [await rowOf('live'), await rowOf('staged')] : [{}, {}]
    const fields = compared
      .map((name) => ({ name, before: shown(before[name]), after: shown(after[name]) }))
      .filter(({ before: was, after: is }) => JSON.stringify(was) !== JSON.stringify(is))
    samples.push({ sign, key: k, partition: p, offset: o, fields })
  }
  return samples
}

const shown = (value: unknown): unknown => (value instanceof Uint8Array ? Buffer.from(value).toString('hex') : (value ?? null))
