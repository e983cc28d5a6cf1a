import { lineText } from '../../runtime/line-text.ts'
import type { Claim } from './claims.ts'
import type { CleanReport } from './clean.ts'

export type Proof = 'proved' | 'contiguous by ledger' | 'FAILED' | 'not compared' | 'no rows yet'

/** What was found of one Kafka partition in one table. */
export interface PartitionReport {
  table: string
  topic: string
  topicId: string
  partition: number
  /** First and last offset that the table accounts for; null before its first commit. */
  first: number | null
  last: number | null
  rows: number
  missing: number
  duplicate: number
  proof: Proof
  /** What does not hold, each a line with the offsets or keys. */
  faults: string[]
  notes: string[]
  /** Silver only. */
  totals?: SilverTotals
}

export interface SilverTotals {
  delivered: number
  valid: number
  late: number
  repeats: number
  deadLetters: number
  /** Dead letters whose record a later replay accepted. */
  sinceAccepted: number
}

/** One invariant that was checked. Others get a part of their own. */
export interface Part {
  invariants: string
  partitions: PartitionReport[]
}

/** What is wrong with a table's files, whatever partition the rows were of. */
export interface Damage {
  /** Such as `bronze.ratings`. */
  table: string
  fault: string
}

/** The name of a table for people, from its root. */
export const tableName = (root: string): string => root.replace('/', '.')

export interface Report {
  /** Everything was compared, and holds. */
  ok: boolean
  seconds: number
  /** Table versions that were looked at. */
  versions: Record<string, number>
  /** Whether rows were compared with their records field by field, or by hashes only. */
  hasFields: boolean
  /** Files of tables that are gone or can not be read. The parts are what the others show. */
  damage: Damage[]
  parts: Part[]
  /** What was published of Silver, a topic each. */
  clean: CleanReport[]
  /** What could not be compared, and why. */
  notCompared: { what: string; why: string }[]
  totals: { rows: number; missing: number; duplicate: number } & SilverTotals
}

export const identityOf = (table: string, topic: string, { topicId, partition, progress }: Claim, start: number) => ({
  table,
  topic,
  topicId,
  partition,
  first: progress > start ? start : null,
  last: progress > start ? progress - 1 : null,
})

/** Whether nothing that was compared fails. */
const holds = ({ parts, damage, clean }: Pick<Report, 'parts' | 'damage' | 'clean'>): boolean =>
  damage.length === 0 && [...parts.flatMap(({ partitions }) => partitions), ...clean].every(({ proof }) => proof !== 'FAILED')

/** 0: all was compared and holds; 1: something does not hold; 2: of some it could not be found out. */
export const exitCodeOf = (report: Report): 0 | 1 | 2 => (report.ok ? 0 : holds(report) ? 2 : 1)

export const reportOf = (parts: Part[], of: Pick<Report, 'seconds' | 'versions' | 'damage' | 'clean' | 'hasFields'>): Report => {
  const all = parts.flatMap(({ partitions }) => partitions)
  const bronze = all.filter(({ totals }) => !totals)
  const sum = (pick: (report: PartitionReport) => number, reports = all) => reports.reduce((total, each) => total + pick(each), 0)
  const named = [
    ...all.map((each) => ({ ...each, what: `${each.table} ${each.topic}/${each.partition}` })),
    ...of.clean.map((each) => ({ ...each, what: each.topic })),
  ]
  const notCompared = named.flatMap(({ what, proof, notes }) => (proof === 'not compared' ? [{ what, why: notes.join('; ') }] : []))
  return {
    ok: holds({ parts, ...of }) && notCompared.length === 0,
    ...of,
    parts,
    notCompared,
    totals: {
      rows: sum(({ rows }) => rows, bronze),
      missing: sum(({ missing }) => missing, bronze),
      duplicate: sum(({ duplicate }) => duplicate, bronze),
      delivered: sum(({ totals }) => totals?.delivered ?? 0),
      valid: sum(({ totals }) => totals?.valid ?? 0),
      late: sum(({ totals }) => totals?.late ?? 0),
      repeats: sum(({ totals }) => totals?.repeats ?? 0),
      deadLetters: sum(({ totals }) => totals?.deadLetters ?? 0),
      sinceAccepted: sum(({ totals }) => totals?.sinceAccepted ?? 0),
    },
  }
}

const counted = (value: number) => value.toLocaleString('en-US').replaceAll(',', ' ')
const cell = (value: number | null) => (value === null ? '-' : counted(value))

const tableText = (head: readonly string[], rows: readonly (readonly string[])[]): string[] => {
  const widths = head.map((title, at) => Math.max(title.length, ...rows.map((row) => (row[at] ?? '').length)))
  // Names to the left, numbers to the right, the last column as it is.
  const line = (row: readonly string[]) =>
    row
      .map((text, at) =>
        at === 0 || at === row.length - 1 ? text.padEnd(at === 0 ? (widths[at] ?? 0) : 0) : text.padStart(widths[at] ?? 0),
      )
      .join('  ')
  return [line(head), ...rows.map(line)]
}

const withNotes = ({ proof, notes }: PartitionReport) => [proof, ...notes].join('; ')

/** The report for people. */
export const reportText = (report: Report): string => {
  const { ok, seconds, versions, damage, hasFields, parts, clean, notCompared, totals } = report
  const lines: string[] = []
  for (const { invariants, partitions } of parts) {
    const isSilver = partitions.some(({ totals: of }) => of)
    const head = isSilver
      ? ['', 'first', 'last', 'delivered', 'valid', 'repeats', 'dead', invariants]
      : ['', 'first', 'last', 'rows', 'missing', 'duplicate', invariants]
    const rows = partitions.map((each) => [
      `${each.table} ${each.topic}/${each.partition}`,
      cell(each.first),
      cell(each.last),
      ...(each.totals
        ? [each.totals.delivered, each.totals.valid, each.totals.repeats, each.totals.deadLetters].map(counted)
        : isSilver
          ? ['-', '-', '-', '-']
          : [each.rows, each.missing, each.duplicate].map(counted)),
      withNotes(each),
    ])
    lines.push(...tableText(head, rows), '')
  }
  if (clean.length > 0) {
    const rows = clean.map((each) => [each.topic, counted(each.keys), counted(each.changedSince), [each.proof, ...each.notes].join('; ')])
    lines.push(...tableText(['', 'keys', 'changed since', 'I18'], rows), '')
  }
  lines.push(
    `Bronze: ${counted(totals.rows)} rows, ${counted(totals.missing)} missing, ${counted(totals.duplicate)} duplicate.`,
    `Silver: ${counted(totals.delivered)} delivered = ${counted(totals.valid)} valid (${counted(totals.late)} late) + ${counted(totals.repeats)} dropped as repeats + ${counted(totals.deadLetters)} dead letters${totals.sinceAccepted > 0 ? ` (${counted(totals.sinceAccepted)} more since accepted)` : ''}.`,
    `Versions: ${Object.entries(versions)
      .map(([table, version]) => `${table} ${version}`)
      .join(', ')}; ${seconds} s.`,
  )
  const faults = [
    ...damage.map(({ table, fault }) => `FAILED ${table}: ${fault}`),
    ...clean.flatMap(({ topic, faults: of }) => of.map((fault) => `FAILED ${topic}: ${fault}`)),
    ...parts.flatMap(({ partitions }) =>
      partitions.flatMap(({ table, topic, partition, faults: of }) => of.map((fault) => `FAILED ${table} ${topic}/${partition}: ${fault}`)),
    ),
  ]
  if (!hasFields) lines.push('Keys and hashes were compared with Kafka; --fields compares every field.')
  if (faults.length > 0) lines.push('', ...faults)
  const without = notCompared.map(({ what, why }) => `${what} (${why})`).join(', ')
  const verdict = holds(report) ? 'What was compared holds' : 'It does not hold'
  lines.push(ok ? 'Everything holds.' : `${verdict}${without === '' ? '.' : `; not compared: ${without}`}`)
  return `${lines.map(lineText).join('\n')}\n`
}
