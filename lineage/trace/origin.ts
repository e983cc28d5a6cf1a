import { createHash } from 'node:crypto'
import { ReadflowError } from '../../runtime/errors.ts'
import { catalogue } from '../../schemas/catalogue.ts'
import type { EntityName, TopicName } from '../../schemas/records.ts'
import { type Condition, dayBetween, longIs, textIs, timeBetween } from '../conditions.ts'
import { firstArrivalMs, letterHeader, REDRIVE_OF, REPARSE_OF } from '../letters/headers.ts'
import { POLL_ID, REQUEST_ID, SOURCE } from '../record-headers.ts'
import { findRun } from '../runs/read.ts'
import type { Run } from '../runs/run.ts'
import type { RecordSource, RunSummary } from './answer.ts'
import { type Found, findRows, type LookupOptions, type Pinned, placeOf, type Row } from './lookup.ts'

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000

export interface OriginOptions extends LookupOptions {
  /** A table at the version that this answer reads. Of a version that is gone, the newest, and `notes` say so. */
  pin: (name: string, notes: string[], version?: number) => Promise<Pinned>
}

const nothing = (): RecordSource => ({
  silver: null,
  record: null,
  bronze: null,
  source: null,
  poll_id: null,
  poll: null,
  request_id: null,
  request: null,
  notes: [],
})

/** The Silver row that a Gold row comes from, and all before it. `version` is that of Silver which the Gold was built from. */
export const originInSilver = async (
  options: OriginOptions,
  {
    entity,
    version,
    conditions,
    isIt,
  }: { entity: EntityName; version: number | undefined; conditions: readonly Condition[]; isIt: (row: Row) => boolean },
): Promise<RecordSource> => {
  const origin = nothing()
  const pinned = await options.pin(`silver.${entity}`, origin.notes, version)
  const find = (at: Pinned) =>
    findRows(options, at, conditions, { limit: 1000 }).then((found) => newest(found.filter(({ row }) => isIt(row))))
  let found = await find(pinned).catch(noteGone(origin.notes))
  if (!found) {
    // Vacuum may have taken files of the version; a merge keeps the rows in others.
    const now = await options.pin(`silver.${entity}`, origin.notes)
    if (now.snapshot.version !== pinned.snapshot.version) found = await find(now).catch(noteGone(origin.notes))
    if (found)
      origin.notes.push(
        `silver.${entity}: found in version ${now.snapshot.version}, as version ${pinned.snapshot.version} can not be read any more.`,
      )
  }
  if (found) return withRecord(options, origin, entity, found)
  origin.notes.push(`silver.${entity} has no such row any more.`)
  return origin
}

/** All before a Silver row that was found. */
export const originOfSilver = (options: OriginOptions, entity: EntityName, found: Found) => withRecord(options, nothing(), entity, found)

const withRecord = async (options: OriginOptions, origin: RecordSource, entity: EntityName, found: Found): Promise<RecordSource> => {
  const { row } = found
  origin.silver = {
    ...(await placeOf(options, found)),
    key: String(row['_key']),
    order: Number(row['_order']),
    hash: String(row['_hash']),
    late: row['_late'] === true,
    deleted: row['_deleted'] === true,
    flags: (row['_flags'] as string[] | null) ?? [],
  }
  origin.record = recordOf(entity, row)
  const bronze = await options.pin(`bronze.${entity}`, origin.notes)
  const inBronze = await findRows(options, bronze, recordIs(origin.record), { limit: 1 }).catch(noteGone(origin.notes))
  if (inBronze?.[0]) return originOfBronze(options, entity, inBronze[0], origin)
  origin.notes.push(
    `bronze.${entity} has no row of that offset${bronze.snapshot.version < 0 ? ' yet' : ''}; with it poll and request are not known.`,
  )
  return origin
}

/** All before a Bronze row that was found: the poll and the request that its headers name. */
export const originOfBronze = async (
  options: OriginOptions,
  entity: TopicName,
  found: Found,
  origin: RecordSource = nothing(),
): Promise<RecordSource> => {
  const { row } = found
  const headers = (row['_headers'] as Record<string, string> | null) ?? {}
  origin.record ??= recordOf(entity, row)
  origin.bronze = await placeOf(options, found)
  origin.source = headers[SOURCE] ?? null
  origin.poll_id = headers[POLL_ID] ?? null
  origin.request_id = headers[REQUEST_ID] ?? null
  const redriveOf = headers[REDRIVE_OF] ?? null
  const reparseOf = headers[REPARSE_OF] ?? null
  const ownMs = origin.record.timestamp === null ? null : Date.parse(origin.record.timestamp)
  // Poll and request were before the record came first.
  const atMs = ownMs === null ? null : firstArrivalMs(ownMs, redriveOf ?? reparseOf, headers[letterHeader.arrived] ?? null)
  if (reparseOf !== null) origin.notes.push(`A reparse made it of the response at topic id, partition and offset ${reparseOf}.`)
  if (redriveOf !== null)
    origin.notes.push(`A redrive sent it again; the record that was refused first is topic id, partition and offset ${redriveOf}.`)
  if (origin.poll_id === null) origin.notes.push('The record names no poll: another program published it.')
  else {
    origin.poll = await summaryOfRun(options, origin.poll_id, origin.notes)
    if (origin.poll === null) origin.notes.push(`The poll ${origin.poll_id} is not on record in ops.runs.`)
  }
  if (origin.request_id === null) origin.notes.push('The record names no request: its source asks for none, or reads files.')
  else if (entity !== 'raw') origin.request = await requestOf(options, origin.request_id, atMs, origin.notes)
  else origin.request = await shapeRequest(options, found)
  return origin
}

/** The response that a record was made of, in Bronze's landing zone. It was published before the record, or with it. */
const requestOf = async (
  options: OriginOptions,
  requestId: string,
  atMs: number | null,
  notes: string[],
): Promise<RecordSource['request']> => {
  const raw = await options.pin('bronze.raw', notes)
  const near =
    atMs === null
      ? []
      : [timeBetween('ingestion_timestamp', atMs - DAY_MS, atMs + HOUR_MS), dayBetween('ingestion_date', atMs - DAY_MS, atMs + HOUR_MS)]
  const found = await findRows(options, raw, [textIs('request_id', requestId), ...near], { without: ['body'] }).catch(noteGone(notes))
  // A poll that was killed publishes a response again; it is the same one.
  const first = found?.sort((a, b) => (String(a.row['ingestion_timestamp']) < String(b.row['ingestion_timestamp']) ? -1 : 1))[0]
  if (first) return shapeRequest(options, first)
  notes.push(`bronze.raw does not have the response of request ${requestId}${found ? '' : ' any more'}.`)
  return null
}

const shapeRequest = async (options: OriginOptions, found: Found): Promise<NonNullable<RecordSource['request']>> => {
  const { row } = found
  return {
    method: String(row['method']),
    url: String(row['url']),
    status: Number(row['status']),
    requested_at: String(row['requested_at']),
    duration_ms: Number(row['duration_ms']),
    topic: String(row['_topic']),
    partition: Number(row['_partition']),
    offset: Number(row['_offset']),
    ...(await placeOf(options, found)),
  }
}

/** A run by its id; null where it is not on record. */
export const summaryOfRun = async ({ pin, store }: OriginOptions, runId: string, notes: string[]): Promise<RunSummary | null> => {
  const { root, snapshot } = await pin('ops.runs', notes)
  return shapeRun(await findRun(store, root, snapshot, runId).catch(noteGone(notes)))
}

const shapeRun = (run: Run | null): RunSummary | null =>
  run && {
    run_id: run.runId,
    kind: run.kind,
    state: run.state,
    started_at: new Date(run.startedMs).toISOString(),
    duration_ms: run.endedMs === null ? null : run.endedMs - run.startedMs,
    attempt: run.attempt,
    error: run.error,
  }

const recordOf = (entity: TopicName, row: Row): NonNullable<RecordSource['record']> => ({
  topic: catalogue[entity].topic,
  topic_id: String(row['_topic_id']),
  partition: Number(row['_partition']),
  offset: Number(row['_offset']),
  timestamp: row['ingestion_timestamp'] == null ? null : String(row['ingestion_timestamp']),
  schema_id: row['_schema_id'] == null ? null : Number(row['_schema_id']),
})

/** Where the row of a record is in Bronze. */
const recordIs = ({ topic_id, partition, offset, timestamp }: NonNullable<RecordSource['record']>): Condition[] => {
  const ms = timestamp === null ? null : Date.parse(timestamp)
  return [
    textIs('_topic_id', topic_id),
    longIs('_partition', partition),
    longIs('_offset', offset),
    ...(ms === null ? [] : [timeBetween('ingestion_timestamp', ms, ms), dayBetween('ingestion_date', ms, ms)]),
  ]
}

/** Of several rows the one that counts, as the models have it. */
const newest = (found: readonly Found[]): Found | null => {
  const rank = ({ row }: Found) => [
    Number(row['_order']),
    String(row['_hash']),
    String(row['_topic_id']),
    Number(row['_partition']),
    Number(row['_offset']),
  ]
  const compare = (a: Found, b: Found) => {
    const [left, right] = [rank(a), rank(b)]
    for (const [index, value] of left.entries()) if (value !== right[index]) return value < right[index]! ? -1 : 1
    return 0
  }
  return found.reduce<Found | null>((best, each) => (best === null || compare(best, each) < 0 ? each : best), null)
}

/** The surrogate key of a version, as the models make it. */
export const surrogateKey = (row: Row): string => createHash('md5').update(`${row['_key']}|${row['_order']}|${row['_hash']}`).digest('hex')

/** What is gone is a note, not a failure. */
const noteGone =
  (notes: string[]) =>
  (error: unknown): null => {
    if (!(error instanceof ReadflowError) || error.code !== 'lake-not-found') throw error
    notes.push(error.message)
    return null
  }
