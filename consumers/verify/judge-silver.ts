import type { Claim } from './claims.ts'
import { type OffsetRange, type Offsets, rangeText } from './offsets.ts'
import type { PartitionReport, SilverTotals } from './report.ts'
import type { Found } from './silver-queries.ts'

export interface SilverEvidence {
  claim: Claim
  rows: number
  late: number
  /** Distinct dead letters of records that the table accounts for, and those of them whose record is a row now. */
  letters: number
  accepted: number
  /** Whether the topic of dead letters still has every letter. */
  isComplete: boolean
  /** Records delivered of what the table accounts for, less those of `unknown`; null where that can't be told. */
  delivered: number | null
  /** Named gaps of Bronze with offsets that Kafka has expired: how many of those were delivered nobody can know any more. */
  unknown: readonly (OffsetRange & { reason: string; offsets: number })[]
  /** Rows of them. */
  unknownRows: number
  /** Records that are taken for repeats by their time only, as their earlier version is not in Bronze. */
  byTime: number
  /** How many of them only Bronze still has. */
  fromBronze: number
  /** How many of them Bronze does not have yet, or never had. */
  notInBronze: number
  isGone: boolean
  /** Where the topic ends, if that is before the table's progress. */
  endsAt: number | null
  /** Rows that are not what their record in Kafka makes of them. */
  altered: Offsets
  outside: Found | undefined
  twice: Found | undefined
  /** Rows whose record Bronze should have and has not. */
  absent: Found | undefined
  strangers: Found | undefined
  unaccounted: Found | undefined
}

/** A few are told with their keys, more as ranges of offsets. */
const shown = (of: Found) =>
  of.count <= of.first.length ? of.first.map(({ key, offset }) => `${offset} (${key.slice(0, 60) || '""'})`).join(', ') : rangeText(of)

/** I2 and I3 for one partition: see ARCHITECTURE.md, "Verify", for what each of them proves. */
export const judgeSilver = (evidence: SilverEvidence): Pick<PartitionReport, 'proof' | 'faults' | 'notes'> & { totals: SilverTotals } => {
  const { claim, rows, late, letters, accepted, isComplete, delivered } = evidence
  const { valid = 0, late: lateCounted = 0, repeat: repeats = 0, dead = 0 } = claim.counters
  const faults: string[] = []
  const notes: string[] = []
  const say = (of: Found | undefined, text: string) => {
    if (of && of.count > 0) faults.push(`${of.count} ${text}: ${shown(of)}`)
  }
  say(evidence.outside, 'rows lie outside of what the table says it has, at offsets')
  say(evidence.twice, 'rows are of a record or a version that was accepted before, at offsets')
  say(evidence.absent, 'rows can not be compared, as their records are missing in Bronze, at offsets')
  say(evidence.strangers, 'rows have another key, time or kind than their record in Bronze, at offsets')
  say(evidence.unaccounted, 'records are neither rows nor dead letters nor repeats of a row before them, at offsets')
  if (evidence.altered.count > 0)
    faults.push(
      `${evidence.altered.count} rows have other fields than Kafka's records give them, at offsets: ${rangeText(evidence.altered)}`,
    )
  if (rows !== valid) faults.push(`there are ${rows} rows, and the table counts ${valid} valid records`)
  if (late !== lateCounted) faults.push(`there are ${late} late rows, and the table counts ${lateCounted}`)

  const inTopic = letters - accepted
  const unknown = evidence.unknown.reduce((sum, { offsets }) => sum + offsets, 0)
  if (isComplete && inTopic < dead) faults.push(`the table counts ${dead} dead letters, and their topic has ${inTopic}`)
  const sum = rows + repeats + dead
  const least = (delivered ?? 0) + evidence.unknownRows
  const most = (delivered ?? 0) + unknown
  if (delivered !== null && (sum < least || sum > most))
    faults.push(
      `${rows} valid + ${repeats} repeats + ${dead} dead letters are ${sum}, and ${unknown > 0 ? `${least} to ${most}` : delivered} were delivered`,
    )
  if (evidence.endsAt !== null) faults.push(`the topic ends at ${evidence.endsAt}, before the table's progress ${claim.progress}`)
  else if (delivered === null)
    faults.push('how many records were delivered can not be told: Kafka has expired some that Bronze does not have')

  if (evidence.isGone) notes.push('topic gone')
  if (evidence.fromBronze > 0) notes.push(`${evidence.fromBronze} delivered by Bronze's word, as Kafka has expired them`)
  if (evidence.notInBronze > 0) notes.push(`${evidence.notInBronze} offsets are not in Bronze: counted, not compared`)
  if (!isComplete) notes.push('dead letters by count: their topic has lost some')
  if (isComplete && inTopic > dead) notes.push(`${inTopic - dead} dead letters of records that are repeats, derived again`)
  if (accepted > 0) notes.push(`${accepted} dead letters since accepted`)
  for (const { from, to, reason } of evidence.unknown)
    notes.push(
      `named gap of Bronze: ${from}–${to - 1} (${reason}): how many of it were delivered can not be known, as Kafka has expired it`,
    )
  for (const { from, to, reason } of claim.gaps) notes.push(`named gap: ${from}–${to - 1} (${reason})`)
  // Only the number shows that one of these is lost, and it is not known exactly; all others are compared one by one.
  const isCompared = unknown === 0 || (evidence.notInBronze === unknown && evidence.byTime === 0)
  if (unknown > 0 && evidence.notInBronze !== unknown)
    notes.push('whether all others that are not in Bronze are there can not be told: verify again once Bronze has them')
  if (unknown > 0 && evidence.byTime > 0)
    notes.push(`${evidence.byTime} records with an earlier version in that gap were left out: whether they repeat it can not be told`)
  const byLedger = evidence.isGone || evidence.fromBronze > 0 || unknown > 0
  return {
    proof: faults.length > 0 ? 'FAILED' : !isCompared ? 'not compared' : byLedger ? 'contiguous by ledger' : 'proved',
    faults,
    notes,
    // Of what nobody else knows, by the table's own word.
    totals: {
      delivered: delivered === null ? 0 : unknown > 0 ? Math.min(Math.max(sum, least), most) : delivered,
      valid: rows,
      late,
      repeats,
      deadLetters: dead,
      sinceAccepted: accepted,
    },
  }
}
