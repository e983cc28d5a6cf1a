import type { Snapshot } from '../../lake/delta/snapshot.ts'
import { type Published, readPublished } from '../../lake/published.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import type { EntityName, TopicName } from '../../schemas/records.ts'
import { bytesAre, type Condition, dayBetween, longIs, textIs, timeBetween } from '../conditions.ts'
import type { Lineage, TracedRow } from './answer.ts'
import { type Found, findRows, type LookupOptions, type Pinned, placeOf, type Row } from './lookup.ts'
import { type OriginOptions, originInSilver, originOfBronze, originOfSilver, summaryOfRun, surrogateKey } from './origin.ts'
import { type GoldTrace, goldTraces, toldColumns, traceableTables } from './tables.ts'

export interface Question {
  /** Such as `gold.fact_rating`. */
  table: string
  /** A natural key, or a surrogate key where the table has one; in Bronze also `PARTITION/OFFSET`. */
  key: string
  /** Of a Gold table the Gold version, of another its own; the newest where it is missing. */
  version?: number | undefined
}

/**
 * Where the rows of a key came from: back from Gold by the tables' own columns, to the record in Kafka, the poll and the
 * request. All of it is read at one version of each table. A link that is gone is null, with a note. Throws `config`
 * for a table that there is not, and `lake-not-found` where the version or the key is not there.
 */
export const trace = async (options: LookupOptions, question: Question): Promise<Lineage> => {
  const { table, key } = question
  if (!traceableTables.includes(table))
    throw new ReadflowError('config', `'${table}' is no table whose rows can be traced.`, {
      hint: `Tables: ${traceableTables.join(', ')}.`,
    })
  const [layer, name] = table.split('.') as [string, string]
  const pinning: OriginOptions = { ...options, pin: createPin(options) }
  if (layer === 'gold') return traceGold(pinning, question, name)
  const pinned = await pinning.pin(table, [], question.version)
  if (question.version !== undefined && pinned.snapshot.version !== question.version)
    throw new ReadflowError('lake-not-found', `${table} has no version ${question.version}, or none any more.`)
  const found = await findRows(options, pinned, layer === 'silver' ? [textIs('_key', key)] : bronzeKey(key), {
    without: name === 'raw' ? ['body'] : [],
  })
  if (found.length === 0)
    throw new ReadflowError(
      'lake-not-found',
      `${table} has no row with the key ${JSON.stringify(key)} in version ${pinned.snapshot.version}.`,
    )
  const rows: TracedRow[] = []
  for (const each of newestFirst(found, layer === 'silver' ? '_order' : '_offset')) {
    const origin =
      layer === 'silver' ? await originOfSilver(pinning, name as EntityName, each) : await originOfBronze(pinning, name as TopicName, each)
    rows.push({ row: shown(each.row), place: await placeOf(options, each), joins: [], origin, notes: [] })
  }
  return { table, key, gold: null, rows }
}

const bronzeKey = (key: string): Condition[] => {
  const at = /^(\d{1,9})\/(\d{1,15})$/.exec(key)
  return at ? [longIs('_partition', Number(at[1])), longIs('_offset', Number(at[2]))] : [bytesAre('_key', key)]
}

/** One version a table for a whole answer: the newest of the moment it is first asked of, unless one is named. */
const createPin = ({ tableAt }: LookupOptions): OriginOptions['pin'] => {
  const newest = new Map<string, Promise<Snapshot>>()
  return async (name, notes, version) => {
    const root = name.replace('.', '/')
    if (version !== undefined && version >= 0) {
      try {
        return { name, root, snapshot: await tableAt(root).snapshot({ version }) }
      } catch (error) {
        if (!(error instanceof ReadflowError) || error.code !== 'lake-not-found') throw error
        notes.push(`${error.message}.`)
      }
    }
    const snapshot = newest.get(name) ?? tableAt(root).snapshot()
    newest.set(name, snapshot)
    return { name, root, snapshot: await snapshot }
  }
}

const traceGold = async (options: OriginOptions, { table, key, version }: Question, name: string): Promise<Lineage> => {
  const published = await readPublished(options.store, version === undefined ? {} : { version })
  if (!published)
    throw new ReadflowError(
      'lake-not-found',
      version === undefined ? 'No Gold is published yet.' : `There is no Gold version ${version}, or none any more.`,
    )
  const traced = goldTraces[name]!
  const pinned = await pinGold(options, published, name)
  const found = await findByKey(options, pinned, traced, key)
  if (found.length === 0)
    throw new ReadflowError(
      'lake-not-found',
      `${table} has no row with the key ${JSON.stringify(key)} in Gold version ${published.version}.`,
      {
        hint: `Keys are ${traced.keys.join(' or ')}.`,
      },
    )
  const rows: TracedRow[] = []
  for (const each of newestFirst(found, 'valid_from')) rows.push(await traceRow(options, published, traced, each))
  return {
    table,
    key,
    gold: {
      version: published.version,
      published_at: published.publishedAt,
      complete_through: published.completeThrough,
      run_id: published.publishId,
      released: published.released ? { by: published.released.by, why: published.released.why } : null,
      build: await summaryOfRun(options, published.publishId, []),
      inputs: published.inputs,
    },
    rows,
  }
}

/** The version of a Gold table that is a part of a published one. Rejects with `lake-not-found` where it is gone. */
const pinGold = async ({ tableAt }: OriginOptions, published: Published, name: string): Promise<Pinned> => {
  const version = published.tables[name]
  if (version === undefined) throw new ReadflowError('lake-not-found', `Gold version ${published.version} has no table ${name}.`)
  return { name: `gold.${name}`, root: `gold/${name}`, snapshot: await tableAt(`gold/${name}`).snapshot({ version }) }
}

/** By the first of the table's keys that finds something. */
const findByKey = async (options: OriginOptions, pinned: Pinned, traced: GoldTrace, key: string): Promise<Found[]> => {
  for (const column of traced.keys) {
    const kind = pinned.snapshot.metadata?.fields.find((field) => field.name === column)?.type.kind
    if (kind === 'long' && !/^\d{1,15}$/.test(key)) continue
    const hints = column === traced.keys[0] ? (traced.hint?.(key) ?? {}) : {}
    const found = await findRows(options, pinned, [
      kind === 'long' ? longIs(column, Number(key)) : textIs(column, key),
      ...Object.entries(hints).map(([name, value]) => textIs(name, value)),
    ])
    if (found.length > 0) return found
  }
  return []
}

const traceRow = async (options: OriginOptions, published: Published, traced: GoldTrace, found: Found): Promise<TracedRow> => {
  const { row } = found
  const notes: string[] = []
  const joins: TracedRow['joins'] = []
  for (const [column, to] of Object.entries(traced.joins ?? {})) {
    const joined = row[column] == null ? null : await joinedRow(options, published, to, row[column], notes)
    if (joined) joins.push({ column, table: `gold.${to.table}`, row: told(joined.row), place: await placeOf(options, joined) })
  }
  return {
    row: shown(row),
    place: await placeOf(options, found),
    joins,
    origin: await originOf(options, published, traced, row, notes),
    notes,
  }
}

const joinedRow = async (
  options: OriginOptions,
  published: Published,
  to: { table: string; column: string },
  value: unknown,
  notes: string[],
): Promise<Found | null> => {
  try {
    const pinned = await pinGold(options, published, to.table)
    const is = typeof value === 'number' ? longIs(to.column, value) : textIs(to.column, String(value))
    return (await findRows(options, pinned, [is], { limit: 1 }))[0] ?? null
  } catch (error) {
    if (!(error instanceof ReadflowError) || error.code !== 'lake-not-found') throw error
    notes.push(error.message)
    return null
  }
}

const originOf = async (options: OriginOptions, published: Published, { origin, because }: GoldTrace, row: Row, notes: string[]) => {
  if (because) notes.push(because)
  if (!origin) return null
  if (row['is_placeholder'] === true) {
    notes.push('A placeholder: other rows refer to it, and no record of it has come yet.')
    return null
  }
  const { entity, kind, surrogate = '' } = origin
  const key = textIs('_key', String(row[origin.key]))
  const atMs = Date.parse(String(row[kind === 'current' ? 'ingestion_timestamp' : 'valid_from'] ?? ''))
  if (row['is_deleted'] === true) notes.push('The source deleted it: this is that change, with the content of the version before it.')
  return originInSilver(options, {
    entity,
    version: published.inputs[entity],
    conditions:
      kind === 'current'
        ? [key, timeBetween('ingestion_timestamp', atMs, atMs), dayBetween('ingestion_date', atMs, atMs)]
        : // A bridge has no interval of its own: its surrogate key tells the version.
          [key, ...(Number.isNaN(atMs) ? [] : [longIs('_order', atMs)])],
    isIt: kind === 'current' ? () => true : (candidate) => surrogateKey(candidate) === row[surrogate],
  })
}

const newestFirst = (found: readonly Found[], column: string): Found[] => {
  const rank = ({ row }: Found) => row[column] ?? ''
  return [...found].sort((a, b) => (rank(a) === rank(b) ? 0 : (rank(a) as string) < (rank(b) as string) ? 1 : -1))
}

const told = (row: Row): Row => Object.fromEntries(toldColumns.flatMap((name) => (row[name] == null ? [] : [[name, row[name]]])))

/** Bytes as text where they are any. */
const shown = (row: Row): Row =>
  Object.fromEntries(Object.entries(row).map(([name, value]) => [name, value instanceof Uint8Array ? textOf(value) : value]))

const textOf = (bytes: Uint8Array): string => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return `0x${Buffer.from(bytes).toString('hex')}`
  }
}
