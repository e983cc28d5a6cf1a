import { isDeepStrictEqual } from 'node:util'
import type { Claim } from './claims.ts'
import type { Differences } from './compare.ts'
import type { LedgerFindings } from './ledger.ts'
import { type OffsetRange, type Offsets, rangeText, sizeOf, subtract } from './offsets.ts'
import type { PartitionReport } from './report.ts'

export interface BronzeEvidence {
  claim: Claim
  /** First offset that the table was to take. */
  start: number
  rows: number
  /** Null where the table has no ledger of it. */
  ledger: LedgerFindings | null
  /** Of the offsets that Kafka still has. */
  differences: Differences
  /** Rows whose fields are not those of their record in Kafka. */
  altered: Offsets
  /** Rows that the table's own progress does not cover, or that lie in named gaps. */
  outside: Offsets
  /** What Kafka no longer gives, and why. */
  lost: readonly (OffsetRange & { reason: string })[]
  isCompacted: boolean
}

type Verdict = Pick<PartitionReport, 'proof' | 'missing' | 'duplicate' | 'faults' | 'notes'>

const overlaps = ({ ranges }: Offsets, others: readonly OffsetRange[]) =>
  ranges.some(({ from, to }) => others.some((other) => from < other.to && to > other.from))

/** I1 for one partition: what its rows prove together with Kafka, and with the table's ledger where Kafka has nothing. */
export const judgeBronze = ({ claim, start, rows, ledger, differences, altered, outside, lost, isCompacted }: BronzeEvidence): Verdict => {
  const whole = { from: start, to: claim.progress }
  const unread = subtract(whole, subtract(whole, lost)).flatMap((range) => subtract(range, claim.gaps))
  const faults: string[] = []
  const notes: string[] = []
  const say = (offsets: Offsets, text: string) => {
    if (offsets.count > 0) faults.push(`${offsets.count} ${text}: ${rangeText(offsets)}`)
  }
  say(differences.missing, 'offsets are missing')
  say(differences.duplicate, 'rows are duplicates, of offsets')
  say(differences.different, 'rows have another value or key than Kafka, at offsets')
  if (!isDeepStrictEqual(altered, differences.different)) say(altered, "rows have other fields than Kafka's records, at offsets")
  if (!isCompacted) say(differences.foreign, 'rows are of offsets that Kafka does not deliver')
  say(outside, 'rows lie outside of what the table says it has, at offsets')
  if (rows !== claim.counters['rows']) faults.push(`there are ${rows} rows, and the table counts ${claim.counters['rows']}`)
  const beyond = lost.filter(({ reason }) => reason === 'beyond-end')
  if (beyond.length > 0) faults.push(`the topic ends at ${beyond[0]?.from}, before the table's progress ${claim.progress}`)

  const none: Offsets = { count: 0, ranges: [] }
  const isTold = unread.length === 0 || ledger !== null
  const inUnread = ledger ?? { missing: none, duplicate: none, overlapping: none }
  const of = (offsets: Offsets) => (overlaps(offsets, unread) ? offsets : none)
  const byLedger = { missing: of(inUnread.missing), duplicate: of(inUnread.duplicate), overlapping: of(inUnread.overlapping) }
  const isSound = faults.length === 0
  say(byLedger.missing, 'offsets are missing by the ledger, in')
  say(byLedger.duplicate, 'rows are duplicates, of offsets')
  say(byLedger.overlapping, 'offsets are accounted for twice by the ledger, in')
  if (isSound && ledger && faults.length === 0 && !isCompacted) {
    say(ledger.missing, 'offsets are not accounted for by the ledger, which says otherwise than Kafka, in')
    say(ledger.overlapping, 'offsets are accounted for twice by the ledger, in')
  }
  if (!isTold)
    faults.push(
      `${rangeText({ count: sizeOf(unread), ranges: unread })} can not be told: Kafka has expired it, and the table has no ledger of it`,
    )

  for (const { from, to, reason } of claim.gaps)
    notes.push(`named gap: ${rangeText({ count: to - from, ranges: [{ from, to }] })} (${reason})`)
  const reasons = new Set(lost.map(({ reason }) => reason))
  if (reasons.has('gone')) notes.unshift('topic gone')
  if (reasons.has('corrupt')) notes.push('Kafka can not read some of it')
  const isAllUnread = unread.length > 0 && sizeOf(unread) === sizeOf(subtract(whole, claim.gaps))
  if (unread.length > 0 && !isAllUnread && isTold)
    notes.push(`contiguous by ledger: ${rangeText({ count: sizeOf(unread), ranges: unread.slice(0, 20) })}`)
  return {
    proof: faults.length > 0 ? 'FAILED' : isAllUnread ? 'contiguous by ledger' : 'proved',
    missing: differences.missing.count + byLedger.missing.count,
    duplicate: differences.duplicate.count + byLedger.duplicate.count,
    faults,
    notes,
  }
}
