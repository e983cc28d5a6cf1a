import type { CheckResult } from './check.ts'

export type Verdict = CheckResult['verdict']

/** What a check of a whole build found: the part of a result that a judge gives. */
export interface Judged {
  verdict: Verdict
  threshold: string
}

/** A tenth, or ten times as much, are faults however they are rounded or sampled. */
const FAULT_FACTOR = 8
const NOTICED_FACTOR = 3
/** Smaller tables come and go: a factor says nothing of them. */
const MIN_ROWS = 100
/** A jump is one only after some builds: a lake that is being filled grows by leaps. */
const MIN_BUILDS_FOR_JUMP = 3

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

const shown = (value: number) => Math.round(value).toLocaleString('en-US')

/**
 * Rows, or any count, against those of builds before (newest first). An eighth of their median fails, as does eight times
 * their greatest, which only warns while there are few of them; a third and three times are worth a look.
 */
export const judgeCount = (measured: number, before: readonly number[]): Judged => {
  if (before.length === 0) return { verdict: 'pass', threshold: 'no build before it to compare with' }
  const [usual, greatest] = [median(before), Math.max(...before)]
  const mayJump = before.length >= MIN_BUILDS_FOR_JUMP
  const threshold = `> 1/${FAULT_FACTOR} of ${shown(usual)}, the median of ${before.length === 1 ? 'the one' : before.length} before, and < ${FAULT_FACTOR} x ${shown(greatest)}, their greatest${mayJump ? '' : ' (which only warns so far)'}`
  if (Math.max(measured, usual) < MIN_ROWS) return { verdict: 'pass', threshold: `any number below ${MIN_ROWS}` }
  const falls = (factor: number) => measured <= usual / factor
  const jumps = (factor: number) => measured >= greatest * factor
  if (falls(FAULT_FACTOR) || (mayJump && jumps(FAULT_FACTOR))) return { verdict: 'fail', threshold }
  return { verdict: falls(NOTICED_FACTOR) || jumps(mayJump ? NOTICED_FACTOR : FAULT_FACTOR) ? 'warn' : 'pass', threshold }
}

/** A share, 0 to 1, against limits. */
export const judgeShare = (measured: number, { warn, fail }: { warn: number; fail?: number }): Judged => ({
  verdict: fail !== undefined && measured > fail ? 'fail' : measured > warn ? 'warn' : 'pass',
  threshold: fail === undefined ? `<= ${warn}, never fails` : `<= ${warn}, fails above ${fail}`,
})

/** A number of rows that must be none. */
export const judgeNone = (measured: number): Judged => ({ verdict: measured > 0 ? 'fail' : 'pass', threshold: '= 0' })
