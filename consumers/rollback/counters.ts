import type { Outcomes } from '../stage.ts'

interface RollbackCounts {
  isComplete: boolean
  /** The table's counters without the replay and with it: how they differ is what it changed. */
  without: Outcomes
  with: Outcomes
  /** Rows of before that come back. */
  restored: Outcomes
  /** What the records behind the range became that were judged again, and those of them that were dead letters. */
  tail: Outcomes
  deadInTail: Outcomes
}

/** The counters after a replay is taken back, from those before that (`before`) and the rows that go. Pure. */
export const countersAfterRollback = (
  { isComplete, without, with: replayed, restored, tail, deadInTail }: RollbackCounts,
  before: Outcomes,
  gone: Outcomes,
): Outcomes => {
  const of = (counts: Outcomes, name: string) => counts[name] ?? 0
  const rows = of(restored, 'rows')
  if (isComplete) return { rows: of(before, 'rows') - of(gone, 'rows') + rows }
  const total = (counts: Outcomes) => of(counts, 'valid') + of(counts, 'repeat') + of(counts, 'dead')
  const delivered = total(before) - (total(replayed) - total(without))
  const tailDead = Object.values(deadInTail).reduce((sum, count) => sum + count, 0)
  const names = new Set([before, restored, tail, replayed, without].flatMap(Object.keys))
  const after: Outcomes = {
    valid: of(before, 'valid') - of(gone, 'rows') + rows + of(tail, 'valid'),
    late: of(before, 'late') - of(gone, 'late') + of(restored, 'late') + of(tail, 'late'),
    dead: Math.max(0, of(before, 'dead') - (of(replayed, 'dead') - of(without, 'dead')) + of(tail, 'dead') - tailDead),
  }
  for (const name of names) {
    if (name.startsWith('dead/'))
      after[name] = Math.max(
        0,
        of(before, name) - (of(replayed, name) - of(without, name)) + of(tail, name) - of(deadInTail, name.slice(5)),
      )
    if (name.startsWith('flag/')) after[name] = Math.max(0, of(before, name) - of(gone, name)) + of(restored, name) + of(tail, name)
  }
  after['repeat'] = Math.max(0, delivered - of(after, 'valid') - of(after, 'dead'))
  return after
}
