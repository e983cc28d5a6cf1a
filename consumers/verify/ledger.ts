import { addOffset, addRange, noOffsets, type OffsetRange, type Offsets, sizeOf, subtract } from './offsets.ts'

/** Two rows that follow each other in a table; `before` is null for the first one. */
export interface Step {
  before: number | null
  offset: number
  /** Offsets directly before the row that Kafka did not deliver, as the row says. */
  undelivered: number
}

export interface LedgerInput {
  start: number
  progress: number
  tail: number
  gaps: readonly OffsetRange[]
  /** Greatest offset of a row; null without rows. */
  last: number | null
  /** The first row, and every row that does not follow the one before it by its own ledger; in order. */
  steps: readonly Step[]
}

export interface LedgerFindings {
  /** Offsets that neither a row nor the ledger accounts for; where only their number is known, they lie within the ranges. */
  missing: Offsets
  duplicate: Offsets
  /** Ranges where rows, named gaps and the ledger account for more offsets than there are. */
  overlapping: Offsets
}

/**
 * Whether a partition of Bronze is contiguous by its own ledger: each row's offset is that of the row before it, plus
 * one, plus what the row says was not delivered, plus the named gaps between them; likewise from the start to the
 * first row, and from the last row to progress.
 */
export const checkLedger = ({ start, progress, tail, gaps, last, steps }: LedgerInput): LedgerFindings => {
  const findings: LedgerFindings = { missing: noOffsets(), duplicate: noOffsets(), overlapping: noOffsets() }
  const between = (range: OffsetRange, undelivered: number) => {
    if (range.to < range.from) return
    const unnamed = subtract(range, gaps)
    const left = sizeOf(unnamed) - undelivered
    if (left < 0) addRange(findings.overlapping, { from: range.from, to: Math.max(range.to, range.from + 1) }, -left)
    else if (undelivered === 0) for (const each of unnamed) addRange(findings.missing, each)
    else addRange(findings.missing, range, left)
  }
  for (const { before, offset, undelivered } of steps) {
    if (before !== null && offset === before) addOffset(findings.duplicate, offset)
    else between({ from: before === null ? start : before + 1, to: offset }, undelivered)
  }
  between({ from: last === null ? start : Math.max(start, last + 1), to: progress }, tail)
  return findings
}
