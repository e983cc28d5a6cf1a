import type { DuckDb } from '../../runtime/duckdb.ts'
import { catalogue } from '../../schemas/catalogue.ts'
import type { EntityName } from '../../schemas/records.ts'
import { avroFields } from '../decode/avro-fields.ts'
import { countIn } from './bronze-queries.ts'
import { type Claim, partKey } from './claims.ts'
import type { Letters } from './dead-letters.ts'
import { judgeSilver } from './judge-silver.ts'
import { noOffsets, type OffsetRange, type Offsets, sizeOf, subtract } from './offsets.ts'
import type { Received } from './receive.ts'
import { identityOf, type PartitionReport, tableName } from './report.ts'
import { absent, countByTime, countLetters, countSilver, outside, prepare, strangers, twice, unaccounted } from './silver-queries.ts'
import type { PinnedTable } from './tables.ts'

export interface SilverOptions {
  duckdb: DuckDb
  entity: EntityName
  tables: { bronze: PinnedTable; silver: PinnedTable }
  claims: { bronze: readonly Claim[]; silver: readonly Claim[] }
  starts: { bronze: ReadonlyMap<string, number>; silver: ReadonlyMap<string, number> }
  received: ReadonlyMap<string, Received>
  /** Rows that are not what their record in Kafka makes of them. */
  altered: ReadonlyMap<string, Offsets>
  letters: Letters
}

const intersect = (ranges: readonly OffsetRange[], { from, to }: OffsetRange): OffsetRange[] =>
  ranges.map((each) => ({ from: Math.max(each.from, from), to: Math.min(each.to, to) })).filter((each) => each.from < each.to)

/** I2 and I3 for the partitions of one entity, on the views `silver` and `bronze` and the table `letters`. */
export const verifySilver = async (options: SilverOptions): Promise<PartitionReport[]> => {
  const { duckdb, entity, tables, claims, starts, received, altered, letters } = options
  const { topic, eventTimeField, schema } = catalogue[entity]
  const bronze = new Map(claims.bronze.map((claim) => [partKey(claim), claim]))
  const parts = claims.silver.map((claim) => {
    const key = partKey(claim)
    const start = starts.silver.get(key) ?? 0
    const ranges = subtract({ from: start, to: claim.progress }, claim.gaps)
    const below = bronze.get(key)
    const inBronze = below ? subtract({ from: starts.bronze.get(key) ?? 0, to: below.progress }, below.gaps) : []
    const joint = inBronze.flatMap((range) => intersect(ranges, range))
    // Of what Kafka has no more, Bronze says what was delivered.
    const lost = received.get(key)?.lost ?? [{ from: start, to: claim.progress }]
    const expired = lost.flatMap((range) => intersect(ranges, range))
    const known = expired.flatMap((range) => joint.flatMap((each) => intersect([each], range)))
    // What Bronze does not have because somebody said so, and has named.
    const unknown = (below?.gaps ?? []).flatMap(({ from, to, reason }) => {
      const of = expired.flatMap((range) => intersect([range], { from, to }))
      return of.length > 0 ? [{ from, to, reason, ranges: of }] : []
    })
    return { claim, key, start, topicId: claim.topicId, partition: claim.partition, ranges, joint, expired, known, unknown }
  })
  await prepare(duckdb, parts)
  const counts = await countSilver(duckdb)
  const lettersOf = await countLetters(duckdb)
  const expired = await countIn(
    duckdb,
    'bronze',
    parts.map(({ topicId, partition, known }) => ({ topicId, partition, ranges: known })),
  )
  const unknownRows = await countIn(
    duckdb,
    'silver',
    parts.map(({ topicId, partition, unknown }) => ({ topicId, partition, ranges: unknown.flatMap(({ ranges }) => ranges) })),
  )
  const empties: Partial<Record<string, string>> = { list: '[]', map: '{}' }
  const fields = avroFields(schema).fields.map(({ name, type }) => ({ name, empty: empties[type.kind] ?? null }))
  const found = {
    outside: await outside(duckdb),
    twice: await twice(duckdb),
    absent: await absent(duckdb),
    strangers: await strangers(duckdb, tables.bronze, eventTimeField),
    unaccounted: await unaccounted(duckdb, tables.bronze, { eventTimeField, fields }),
  }
  const byTime = await countByTime(duckdb)
  const reports = parts.map(({ claim, key, start, ...part }): PartitionReport => {
    const { rows = 0, late = 0 } = counts.get(key) ?? {}
    const of = received.get(key)
    const unknown = part.unknown.map(({ ranges, ...gap }) => ({ ...gap, offsets: sizeOf(ranges) }))
    const isTold = sizeOf(part.known) + unknown.reduce((sum, { offsets }) => sum + offsets, 0) === sizeOf(part.expired)
    const verdict = judgeSilver({
      claim,
      rows,
      late,
      letters: lettersOf.get(key)?.letters ?? 0,
      accepted: lettersOf.get(key)?.accepted ?? 0,
      isComplete: letters.isComplete,
      delivered: isTold ? (of?.silverCount ?? 0) + (expired.get(key) ?? 0) : null,
      unknown,
      unknownRows: unknownRows.get(key) ?? 0,
      byTime: byTime.get(key) ?? 0,
      fromBronze: expired.get(key) ?? 0,
      notInBronze: sizeOf(part.ranges) - sizeOf(part.joint),
      isGone: !of || of.lost.some(({ reason }) => reason === 'gone'),
      endsAt: of?.lost.find(({ reason }) => reason === 'beyond-end')?.from ?? null,
      altered: altered.get(key) ?? noOffsets(),
      outside: found.outside.get(key),
      twice: found.twice.get(key),
      absent: found.absent.get(key),
      strangers: found.strangers.get(key),
      unaccounted: found.unaccounted.get(key),
    })
    return { ...identityOf(tableName(tables.silver.root), topic, claim, start), rows, missing: 0, duplicate: 0, ...verdict }
  })
  const known = new Set(parts.map(({ key }) => key))
  for (const [key, of] of found.outside) {
    if (known.has(key)) continue
    const [topicId = '', partition = '0'] = key.split('/')
    const faults = [
      `${of.count} rows are of a partition that the table says nothing of, at offsets: ${of.first.map(({ offset }) => offset).join(', ')}`,
    ]
    const identity = { table: tableName(tables.silver.root), topic, topicId, partition: Number(partition), first: null, last: null }
    const totals = { delivered: 0, valid: of.count, late: 0, repeats: 0, deadLetters: 0, sinceAccepted: 0 }
    reports.push({ ...identity, rows: of.count, missing: 0, duplicate: 0, proof: 'FAILED', faults, notes: [], totals })
  }
  return reports
}
