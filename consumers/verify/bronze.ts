import type { DuckDb } from '../../runtime/duckdb.ts'
import type { SecondReader } from '../../runtime/kafka/second/reader.ts'
import { chunksOf, contentsOf, offsetsOutside, type PartRows, rowsOf, stepsOf } from './bronze-queries.ts'
import { type Claim, partKey } from './claims.ts'
import { CHUNK, compareContents, contentOf, type Differences, differingChunks, noDifferences } from './compare.ts'
import { judgeBronze } from './judge-bronze.ts'
import { checkLedger } from './ledger.ts'
import { addOffset, isWithin, noOffsets, type OffsetRange, type Offsets, subtract } from './offsets.ts'
import type { Received } from './receive.ts'
import { identityOf, type PartitionReport, tableName } from './report.ts'
import { hasColumn, type PinnedTable } from './tables.ts'

/** Runs that differ are compared so many offsets at once. */
const MAX_COMPARED = 16 * CHUNK

export interface BronzeOptions {
  duckdb: DuckDb
  reader: SecondReader
  topic: string
  table: PinnedTable
  claims: readonly Claim[]
  starts: ReadonlyMap<string, number>
  /** What Kafka gave of each partition; one of a topic that is gone has none. */
  received: ReadonlyMap<string, Received>
  /** Rows whose fields are not those of their record in Kafka. */
  altered: ReadonlyMap<string, Offsets>
  isCompacted: boolean
}

/** Where each claim begins: as the ledger has it, else with the first row or what Kafka still has. */
export const startsOf = (
  claims: readonly Claim[],
  rows: readonly PartRows[],
  logStarts: ReadonlyMap<string, number>,
): Map<string, number> => {
  const firsts = new Map(rows.map((each) => [partKey(each), each.first]))
  return new Map(
    claims.map((claim) => {
      const key = partKey(claim)
      const begun = Math.min(firsts.get(key) ?? claim.progress, logStarts.get(key) ?? claim.progress, claim.progress)
      return [key, claim.start ?? begun]
    }),
  )
}

/** I1 for the partitions of one topic, on a pinned Bronze table that is the view `bronze`. */
export const verifyBronze = async (options: BronzeOptions): Promise<PartitionReport[]> => {
  const { duckdb, topic, table, claims, starts, received, altered, isCompacted } = options
  const rows = new Map((await rowsOf(duckdb, 'bronze')).map((each) => [partKey(each), each]))
  const spans = claims.map((claim) => ({ ...claim, whole: { from: starts.get(partKey(claim)) ?? 0, to: claim.progress } }))
  const outside = await offsetsOutside(
    duckdb,
    'bronze',
    spans.map((claim) => ({ ...claim, ranges: subtract(claim.whole, claim.gaps) })),
  )
  const hasLedger = hasColumn(table, '_undelivered_before')
  const steps = hasLedger ? await stepsOf(duckdb) : new Map()
  const readable = spans.map((claim) => {
    const of = received.get(partKey(claim))
    return { ...claim, ranges: of ? subtract(claim.whole, [...claim.gaps, ...of.lost]) : [] }
  })
  const chunks = await chunksOf(duckdb, readable)
  const reports: PartitionReport[] = []
  for (const claim of readable) {
    const key = partKey(claim)
    const of = received.get(key)
    const last = rows.get(key)?.last ?? null
    const { whole, tail, gaps, progress } = claim
    const ledger =
      hasLedger && claim.start !== null
        ? checkLedger({ start: claim.start, progress, tail, gaps, last, steps: steps.get(key) ?? [] })
        : null
    const differing = of ? differingChunks(chunks.get(key) ?? new Map(), of.chunks) : []
    const verdict = judgeBronze({
      claim,
      start: whole.from,
      rows: rows.get(key)?.rows ?? 0,
      ledger,
      differences: await compareChunks(options, claim, differing),
      altered: altered.get(key) ?? noOffsets(),
      outside: asOffsets(outside.get(key) ?? []),
      lost: of ? of.lost : [{ ...whole, reason: 'gone' }],
      isCompacted,
    })
    const identity = identityOf(tableName(table.root), topic, claim, whole.from)
    reports.push({ ...identity, rows: rows.get(key)?.rows ?? 0, ...verdict })
  }
  return [...reports, ...unclaimed(options, rows, outside)]
}

const asOffsets = (list: readonly number[]): Offsets => {
  const offsets = noOffsets()
  for (const offset of list) addOffset(offsets, offset)
  return offsets
}

/** Rows of partitions that the table has no progress of. */
const unclaimed = (
  { topic, table, claims }: BronzeOptions,
  rows: ReadonlyMap<string, PartRows>,
  outside: ReadonlyMap<string, number[]>,
): PartitionReport[] => {
  const known = new Set(claims.map(partKey))
  return [...rows].flatMap(([key, each]) => {
    if (known.has(key)) return []
    const faults = [
      `${each.rows} rows are of a partition that the table says nothing of: offsets ${(outside.get(key) ?? []).slice(0, 20).join(', ')}`,
    ]
    const { topicId, partition, first, last } = each
    const identity = { table: tableName(table.root), topic, topicId, partition, first, last }
    return [{ ...identity, rows: each.rows, missing: 0, duplicate: 0, proof: 'FAILED' as const, faults, notes: [] }]
  })
}

type Readable = Claim & { ranges: readonly OffsetRange[] }

/** Compares the runs that differ offset by offset, reading them from Kafka once more. */
const compareChunks = async (
  { duckdb, reader, topic }: BronzeOptions,
  claim: Readable,
  differing: readonly number[],
): Promise<Differences> => {
  const found = noDifferences()
  for (const run of runsOf(differing)) {
    for (const range of claim.ranges.map(({ from, to }) => ({ from: Math.max(from, run.from), to: Math.min(to, run.to) }))) {
      if (range.from >= range.to) continue
      const { topicId, partition } = claim
      const records = []
      const lost: OffsetRange[] = []
      for await (const batch of reader.read({ topic, topicId, partition, ...range })) {
        if (batch.lost) lost.push({ from: batch.fromOffset, to: batch.nextOffset })
        records.push(...batch.records.map(contentOf))
      }
      const rows = await contentsOf(duckdb, { topicId, partition, ...range })
      compareContents(
        rows.filter(({ offset }) => !isWithin(offset, lost)),
        records,
        found,
      )
    }
  }
  return found
}

const runsOf = (chunks: readonly number[]): OffsetRange[] => {
  const runs: OffsetRange[] = []
  for (const chunk of chunks) {
    const last = runs.at(-1)
    if (last && last.to === chunk * CHUNK && last.to - last.from < MAX_COMPARED) last.to += CHUNK
    else runs.push({ from: chunk * CHUNK, to: (chunk + 1) * CHUNK })
  }
  return runs
}
