import type { EntityName } from '../../schemas/records.ts'
import type { Found, FoundVersion } from './found.ts'
import { expectedKeys, isOwnKey, payloadOf, type SoakRecord } from './model.ts'

export interface Checked {
  what: string
  count: number
  /** What does not hold, each a line; of many the first few. */
  faults: string[]
}

const SHOWN = 5

const check = (what: string, count: number, faults: string[]): Checked => ({
  what,
  count,
  faults: faults.length > SHOWN ? [...faults.slice(0, SHOWN), `… and ${faults.length - SHOWN} more`] : faults,
})

/** What is in one list and not in the other, and what stands twice in the second. */
export const difference = (expected: Iterable<string>, found: readonly string[]): string[] => {
  const [wanted, has] = [new Set(expected), new Set(found)]
  const seen = new Set<string>()
  const twice = found.filter((each) => seen.has(each) || !seen.add(each))
  return [
    ...[...wanted].filter((each) => !has.has(each)).map((each) => `${each} is missing`),
    ...[...has].filter((each) => !wanted.has(each)).map((each) => `${each} should not be there`),
    ...twice.map((each) => `${each} is there twice`),
  ]
}

const isNewer = (a: FoundVersion, b: FoundVersion) => a.orderMs > b.orderMs || (a.orderMs === b.orderMs && a.hash > b.hash)

/**
 * Holds what is found of one entity against what the broker has acknowledged. Records of the sandbox's poll lie between
 * ours: of them is known what every record has to have, one row in Bronze and one fate in Silver. Pure.
 */
export const compareEntity = (entity: EntityName, sent: readonly SoakRecord[], found: Found): Checked[] => {
  const own = sent.filter((record) => record.entity === entity)
  const byId = new Map(own.map((record) => [record.id, record]))
  const copies = found.source.filter(({ headers }) => headers.has('soak.id'))
  const copiesOf = Map.groupBy(copies, ({ headers }) => headers.get('soak.id') as string)
  const inKafka = [
    ...own.filter(({ id }) => !copiesOf.has(id)).map(({ id, key }) => `record ${id} (${key}) was acknowledged and is gone`),
    ...[...copiesOf.keys()].filter((id) => !byId.has(id)).map((id) => `record ${id} was never sent`),
  ]

  const expected = expectedKeys(own, entity)
  const versions = Map.groupBy(
    found.silver.filter(({ key }) => isOwnKey(key)),
    ({ key }) => key,
  )
  const history: string[] = []
  const current: string[] = []
  for (const [key, { versions: times, isDeleted }] of expected) {
    const rows = versions.get(key) ?? []
    const dated = rows.filter((row) => !row.isDeleted)
    history.push(
      ...difference(
        times.map(String),
        dated.map(({ orderMs }) => String(orderMs)),
      ).map((fault) => `${key}: version ${fault}`),
    )
    if (rows.length - dated.length !== (isDeleted ? 1 : 0)) history.push(`${key}: ${rows.length - dated.length} deletions`)
    for (const { orderMs, payload } of dated)
      if (payload !== payloadOf(entity, orderMs)) history.push(`${key}: version ${orderMs} says ${payload}`)
    const newest = rows.reduce<FoundVersion | null>((best, row) => (best === null || isNewer(row, best) ? row : best), null)
    if (newest === null || newest.isDeleted !== isDeleted || (!isDeleted && newest.orderMs !== times.at(-1)))
      current.push(`${key}: the current row is ${newest === null ? 'none' : newest.isDeleted ? 'a deletion' : newest.orderMs}`)
  }
  history.push(...[...versions.keys()].filter((key) => !expected.has(key)).map((key) => `${key} should not be there`))

  const refused = copies.filter(({ headers }) => byId.get(headers.get('soak.id') ?? '')?.fate === 'dead').map(({ at }) => at)
  const ownAt = new Set(copies.map(({ at }) => at))
  const accepted = new Set(found.silver.map(({ at }) => at))
  const cleanOf = Map.groupBy(found.clean, ({ key }) => key)
  const clean: string[] = []
  for (const [key, { clean: changes }] of expected) {
    const got = (cleanOf.get(key) ?? []).map(({ orderMs }) => orderMs)
    if (JSON.stringify(got) !== JSON.stringify(changes))
      clean.push(`${key}: subscribers got ${JSON.stringify(got)}, not ${JSON.stringify(changes)}`)
  }
  clean.push(...[...cleanOf.keys()].filter((key) => isOwnKey(key) && !expected.has(key)).map((key) => `${key} should not be there`))

  return [
    check(`${entity}: acknowledged records are in Kafka`, own.length, inKafka),
    check(
      `${entity}: Bronze has every offset once`,
      found.bronze.length,
      difference(
        found.source.map(({ at }) => at),
        found.bronze,
      ),
    ),
    check(`${entity}: Silver has every version once`, found.silver.length, history),
    check(`${entity}: current row of each key`, expected.size, current),
    check(
      `${entity}: dead letters`,
      refused.length,
      difference(
        refused,
        [...found.dead].filter((at) => ownAt.has(at)),
      ),
    ),
    check(
      `${entity}: no record both accepted and refused`,
      accepted.size,
      [...accepted].filter((at) => found.dead.has(at)),
    ),
    check(`${entity}: clean topic, each change once and in order`, found.clean.length, clean),
  ]
}

/** Keys of ours that Gold must show: those whose last change is no deletion. Pure. */
export const goldFaults = (entity: EntityName, sent: readonly SoakRecord[], shown: readonly string[]): Checked => {
  const live = [...expectedKeys(sent, entity)].filter(([, { isDeleted }]) => !isDeleted).map(([key]) => key)
  return check(`${entity}: Gold shows every live key once`, live.length, difference(live, shown.filter(isOwnKey)))
}

/** The counts of `verify` against what others count. Pure. */
export const compareTotals = (
  entity: EntityName,
  found: Pick<Found, 'source' | 'silver' | 'dead'>,
  totals: { delivered: number; valid: number; repeats: number; deadLetters: number },
): Checked => {
  const counted = { delivered: found.source.length, valid: found.silver.length, deadLetters: found.dead.size }
  const wanted = { ...counted, repeats: counted.delivered - counted.valid - counted.deadLetters }
  const names = ['delivered', 'valid', 'repeats', 'deadLetters'] as const
  return check(
    `${entity}: counts of verify (delivered, valid, repeats, dead letters)`,
    counted.delivered,
    names
      .filter((name) => totals[name] !== wanted[name])
      .map((name) => `${name}: verify says ${totals[name]}, counted are ${wanted[name]}`),
  )
}
