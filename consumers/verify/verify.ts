import { emptySnapshot } from '../../lake/delta/snapshot.ts'
import type { LocalFiles } from '../../lake/store/local-files.ts'
import type { DuckDb } from '../../runtime/duckdb.ts'
import type { SecondReader, TopicState } from '../../runtime/kafka/second/reader.ts'
import type { Registry } from '../../runtime/registry.ts'
import { catalogue, dlqTopic, topicNames } from '../../schemas/catalogue.ts'
import type { EntityName, TopicName } from '../../schemas/records.ts'
import { bronzeColumns } from '../bronze/bronze.ts'
import { silverColumns } from '../silver/silver.ts'
import { startsOf, verifyBronze } from './bronze.ts'
import { rowsOf } from './bronze-queries.ts'
import { type Claim, claimsOf, partKey } from './claims.ts'
import { type CleanReport, verifyClean } from './clean.ts'
import { loadLetters } from './dead-letters.ts'
import { type OffsetRange, type Offsets, subtract } from './offsets.ts'
import type { PinnedTables } from './pin.ts'
import { type Received, receive } from './receive.ts'
import { type Damage, type Part, type PartitionReport, type Report, reportOf, tableName } from './report.ts'
import { verifySilver } from './silver.ts'
import { type OpenTable, openView, type PinnedTable } from './tables.ts'
import { compareValues, deriveBronze, deriveSilver, type ValueOptions } from './values.ts'

export interface VerifyOptions {
  reader: SecondReader
  duckdb: DuckDb
  /** The lake's files, as local ones. */
  files: LocalFiles
  /** Has the schemas that records were written in; without it their fields are compared by their hashes only. */
  registry: Registry | null
  signal: AbortSignal
  /** Hears what is being done, a line at a time. */
  onProgress: (line: string) => void
}

const PROGRESS_OFFSETS = 250_000

/**
 * Proves I1 to I3, and I18 of the clean topics, on pinned tables: nothing that is committed later is looked at. What of a table is damaged is named, and the
 * rest is compared all the same. The tables come first and Kafka after
 * them, so that whatever a table accounts for (its dead letters too, which are acknowledged before its commit) is there
 * to be read.
 */
export const verify = async (options: VerifyOptions, tables: PinnedTables): Promise<Report> => {
  const startedMs = Date.now()
  const bronze: Part = { invariants: 'I1', partitions: [] }
  const silver: Part = { invariants: 'I2, I3', partitions: [] }
  const clean: CleanReport[] = []
  const damage: Damage[] = [...tables.damage]
  for (const name of topicNames) {
    const found = await verifyTopic(options, tables, name)
    damage.push(...found.damage)
    bronze.partitions.push(...found.bronze)
    silver.partitions.push(...found.silver)
    clean.push(...found.clean)
  }
  const versions = Object.fromEntries(
    [...tables.bronze.values(), ...tables.silver.values()]
      .filter(({ snapshot }) => snapshot.version >= 0)
      .map(({ root, snapshot }) => [tableName(root), snapshot.version]),
  )
  return reportOf([bronze, silver], {
    seconds: Math.round((Date.now() - startedMs) / 100) / 10,
    versions,
    damage,
    clean,
    hasFields: options.registry !== null,
  })
}

/** `raw` has no Silver table. */
const noTable = (root: string): PinnedTable => ({ root, snapshot: emptySnapshot })

const verifyTopic = async (options: VerifyOptions, tables: PinnedTables, name: TopicName) => {
  const { duckdb, reader, onProgress, signal } = options
  const { topic } = catalogue[name]
  const pinned = {
    bronze: tables.bronze.get(name) ?? noTable(`bronze/${name}`),
    silver: tables.silver.get(name) ?? noTable(`silver/${name}`),
  }
  const claims = { bronze: claimsOf(pinned.bronze.snapshot, 'bronze'), silver: claimsOf(pinned.silver.snapshot, 'silver') }
  onProgress(`${topic}: reading`)
  const state = await reader.topic(topic)
  const bronzeView = await openView(options, 'bronze', pinned.bronze, bronzeColumns)
  const silverView = await openView(options, 'silver', pinned.silver, silverColumns)
  try {
    const bronzeRows = pinned.bronze.snapshot.metadata ? await rowsOf(duckdb, 'bronze') : []
    const silverRows = pinned.silver.snapshot.metadata ? await rowsOf(duckdb, 'silver') : []
    const logStarts = new Map(
      (state?.partitions ?? []).map(({ partition, logStart }) => [partKey({ topicId: state?.id ?? '', partition }), logStart]),
    )
    const starts = { bronze: startsOf(claims.bronze, bronzeRows, logStarts), silver: startsOf(claims.silver, silverRows, logStarts) }
    const received = await receiveAll(options, { topic, state, claims, starts })
    signal.throwIfAborted()
    if (options.registry) onProgress(`${topic}: comparing fields`)
    const altered = await alteredRows(options, { name, state, claims, starts, open: { bronze: bronzeView, silver: silverView } })
    const damageOf = ({ root }: PinnedTable, { faults }: { faults: string[] }) => faults.map((fault) => ({ table: tableName(root), fault }))
    const found: { bronze: PartitionReport[]; silver: PartitionReport[]; clean: CleanReport[]; damage: Damage[] } = {
      bronze: [],
      silver: [],
      clean: [],
      damage: [...damageOf(pinned.bronze, bronzeView), ...damageOf(pinned.silver, silverView)],
    }
    if (pinned.bronze.snapshot.metadata) {
      onProgress(`${topic}: comparing Bronze`)
      const isCompacted = state?.isCompacted ?? false
      found.bronze = await verifyBronze({
        duckdb,
        reader,
        topic,
        table: pinned.bronze,
        claims: claims.bronze,
        starts: starts.bronze,
        received,
        altered: altered.bronze,
        isCompacted,
      })
    }
    signal.throwIfAborted()
    if (pinned.silver.snapshot.metadata) {
      const entity = name as EntityName
      onProgress(`${topic}: reading its dead letters and comparing Silver`)
      const letters = await loadLetters(duckdb, reader, dlqTopic(entity))
      found.silver = await verifySilver({ duckdb, entity, tables: pinned, claims, starts, received, altered: altered.silver, letters })
      signal.throwIfAborted()
      onProgress(`${topic}: comparing its clean topic`)
      const clean = await verifyClean({ duckdb, reader }, entity, pinned.silver)
      if (clean) found.clean.push(clean)
    }
    if (tables.bronze.has(name)) found.bronze.push(...emptyPartitions(topic, state, pinned.bronze, claims.bronze))
    return found
  } finally {
    bronzeView.release()
    silverView.release()
  }
}

interface AlteredInput extends Pick<ReceiveInput, 'state' | 'claims' | 'starts'> {
  name: TopicName
  open: Record<'bronze' | 'silver', OpenTable>
}

/** Rows that hold something else than their records in Kafka. */
const alteredRows = async ({ reader, registry, signal }: VerifyOptions, { name, state, claims, starts, open }: AlteredInput) => {
  const { topic } = catalogue[name]
  const ranges = new Map<number, OffsetRange>()
  for (const stage of ['bronze', 'silver'] as const) {
    for (const claim of claims[stage]) {
      if (claim.topicId !== state?.id || claim.clusterId !== reader.clusterId) continue
      const from = starts[stage].get(partKey(claim)) ?? 0
      const known = ranges.get(claim.partition) ?? { from, to: from }
      ranges.set(claim.partition, { from: Math.min(known.from, from), to: Math.max(known.to, claim.progress) })
    }
  }
  if (registry === null || ranges.size === 0) return { bronze: new Map<string, Offsets>(), silver: new Map<string, Offsets>() }
  const tables: ValueOptions['tables'] = [
    { stage: 'bronze', table: open.bronze, derive: deriveBronze(name, registry, open.bronze) },
    ...(name === 'raw' ? [] : [{ stage: 'silver' as const, table: open.silver, derive: deriveSilver(name, registry) }]),
  ]
  const present = tables.filter(({ table }) => table.snapshot.metadata !== null)
  return compareValues({ reader, signal, topic, topicId: state?.id ?? '', ranges, tables: present })
}

/** Partitions that the table has nothing of yet. */
const emptyPartitions = (topic: string, state: TopicState | null, { root }: PinnedTable, claims: readonly Claim[]): PartitionReport[] =>
  (state?.partitions ?? [])
    .filter(({ partition }) => !claims.some((claim) => claim.topicId === state?.id && claim.partition === partition))
    .map(({ partition }) => ({
      table: tableName(root),
      topic,
      topicId: state?.id ?? '',
      partition,
      first: null,
      last: null,
      rows: 0,
      missing: 0,
      duplicate: 0,
      proof: 'no rows yet',
      faults: [],
      notes: [],
    }))

interface ReceiveInput {
  topic: string
  state: TopicState | null
  claims: Record<'bronze' | 'silver', readonly Claim[]>
  starts: Record<'bronze' | 'silver', ReadonlyMap<string, number>>
}

/** What Kafka delivers of every partition that either table accounts for, if the topic is still the same. */
const receiveAll = async (
  { reader, onProgress, signal }: VerifyOptions,
  { topic, state, claims, starts }: ReceiveInput,
): Promise<Map<string, Received>> => {
  const received = new Map<string, Received>()
  const isHere = (claim: Claim) => claim.topicId === state?.id && claim.clusterId === reader.clusterId
  const partitions = new Set([...claims.bronze, ...claims.silver].filter(isHere).map(({ partition }) => partition))
  for (const partition of [...partitions].sort((a, b) => a - b)) {
    const spans = (['bronze', 'silver'] as const).map((layer) => {
      const claim = claims[layer].find((each) => isHere(each) && each.partition === partition)
      return claim ? { whole: { from: starts[layer].get(partKey(claim)) ?? 0, to: claim.progress }, gaps: claim.gaps } : null
    })
    const known = spans.filter((span) => span !== null)
    const from = Math.min(...known.map(({ whole }) => whole.from))
    const to = Math.max(...known.map(({ whole }) => whole.to))
    const [bronze = [], silver = []] = spans.map((span) => (span ? subtract(span.whole, span.gaps) : []))
    const topicId = state?.id ?? ''
    let told = from
    const progress = (offset: number) => {
      signal.throwIfAborted()
      if (offset - told < PROGRESS_OFFSETS) return
      told = offset
      onProgress(`${topic}/${partition}: ${Math.floor(((offset - from) / (to - from)) * 100)} % of ${to - from} offsets`)
    }
    received.set(
      partKey({ topicId, partition }),
      await receive(reader.read({ topic, topicId, partition, from, to }), { bronze, silver }, progress),
    )
  }
  return received
}
