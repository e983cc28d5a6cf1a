import type { Outcomes } from '../stage.ts'

/** Bronze's counters after a replay. */
export const bronzeCounters = (before: Outcomes, gone: Outcomes, outcomes: Outcomes): Outcomes => ({
  rows: (before['rows'] ?? 0) - (gone['rows'] ?? 0) + (outcomes['rows'] ?? 0),
})

interface Derived {
  /** Dead letters before the range, by class. */
  dead: Outcomes
  /** What the range's records became this time. */
  outcomes: Outcomes
  /** Records of it that were left out the first time. */
  filled: number
}

/**
 * Silver's counters after a replay, from those before it and what goes. Accepted rows, and flags of theirs, are counted in the
 * table. Of what the range's records became the first time only the sum is known, which is that of now: Kafka delivers the
 * same, but for the `filled` ones. Dead letters before the range are counted in their topic, and repeats are the rest.
 */
export const silverCounters = (before: Outcomes, gone: Outcomes, { dead, outcomes, filled }: Derived): Outcomes => {
  const [was, went, of] = [before, gone, outcomes].map((counts) => (name: string) => counts[name] ?? 0) as [Count, Count, Count]
  const again = of('valid') + of('repeat') + of('dead') - filled
  const validBefore = was('valid') - went('rows')
  const dropped = Math.max(0, was('valid') + was('repeat') + was('dead') - again - validBefore)
  // Letters that are there more often than records were dropped are of no record that counts.
  let left = dropped
  const deadBefore: Outcomes = {}
  for (const [errorClass, count] of Object.entries(dead)) {
    deadBefore[`dead/${errorClass}`] = Math.min(count, left)
    left -= Math.min(count, left)
  }
  return {
    valid: validBefore + of('valid'),
    late: was('late') - went('late') + of('late'),
    dead: dropped - left + of('dead'),
    repeat: left + of('repeat'),
    ...mapped([before, deadBefore, outcomes], 'dead/', (name) => (deadBefore[name] ?? 0) + of(name)),
    ...mapped([before, outcomes], 'flag/', (name) => Math.max(0, was(name) - went(name)) + of(name)),
  }
}

/**
 * Silver's counters after a replay of a range that ends before progress. What its records were the first time is known by
 * their rows and their dead letters (`dead`, by class); what lies outside of it stays as it was counted.
 */
export const silverCountersWithin = (before: Outcomes, gone: Outcomes, { dead, outcomes, filled }: Derived): Outcomes => {
  const [was, went, were, of] = [before, gone, dead, outcomes].map((counts) => (name: string) => counts[name] ?? 0) as [
    Count,
    Count,
    Count,
    Count,
  ]
  const delivered = was('valid') + was('repeat') + was('dead') + filled
  const deadBefore = Object.values(dead).reduce((sum, count) => sum + count, 0)
  const classes = Object.fromEntries(Object.entries(dead).map(([errorClass, count]) => [`dead/${errorClass}`, count]))
  const valid = was('valid') - went('rows') + of('valid')
  const after = Math.max(0, was('dead') - deadBefore) + of('dead')
  return {
    valid,
    late: was('late') - went('late') + of('late'),
    dead: after,
    repeat: Math.max(0, delivered - valid - after),
    ...mapped([before, classes, outcomes], 'dead/', (name) => Math.max(0, was(name) - were(name.slice('dead/'.length))) + of(name)),
    ...mapped([before, outcomes], 'flag/', (name) => Math.max(0, was(name) - went(name)) + of(name)),
  }
}

type Count = (name: string) => number

const mapped = (of: readonly Outcomes[], prefix: string, count: (name: string) => number): Outcomes =>
  Object.fromEntries([...new Set(of.flatMap(Object.keys))].filter((name) => name.startsWith(prefix)).map((name) => [name, count(name)]))
