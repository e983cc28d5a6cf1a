/** How often each rule of an entity was broken, by its id. */
export interface RuleCounts {
  /** Records that are dead letters for it, each once. */
  rejected: Readonly<Record<string, number>>
  /** Rows of the Silver table that bear its flag. */
  flagged: Readonly<Record<string, number>>
}

/**
 * The counters of rules in a Silver table's ledger (`txn` actions `P/dead/<rule>` and `P/flag/<rule>` for each Kafka
 * partition `P`), summed over all partitions. Pure.
 */
export const ruleCounts = (txns: ReadonlyMap<string, number>): RuleCounts => {
  const counts: Record<'dead' | 'flag', Record<string, number>> = { dead: {}, flag: {} }
  for (const [appId, count] of txns) {
    const [, of, rule] = /\/(dead|flag)\/([^/]+)$/.exec(appId) ?? []
    if (rule === undefined || count === 0) continue
    const sums = counts[of as 'dead' | 'flag']
    sums[rule] = (sums[rule] ?? 0) + count
  }
  return { rejected: counts.dead, flagged: counts.flag }
}
