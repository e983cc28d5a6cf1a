import type { Snapshot } from '../../lake/delta/snapshot.ts'
import type { Run } from '../../lineage/runs/run.ts'
import { entityNames } from '../../schemas/catalogue.ts'
import { ruleCounts } from '../../schemas/contracts/counts.ts'
import type { EntityName } from '../../schemas/records.ts'
import type { CheckResult } from './check.ts'
import { type CheckHistory, pastOf } from './history.ts'
import { judgeCount, judgeShare, median } from './judge.ts'

/** Records of fewer deliveries are too few to tell a share. */
const MIN_DELIVERED = 20

/** What Silver's ledger has counted of an entity since the beginning. */
interface Counted {
  delivered: number
  dead: number
  /** What was refused, by rule. */
  rules: Readonly<Record<string, number>>
  /** How often its partitions were replayed; absent in what an older version kept. */
  replays?: number
}

const countedOf = ({ txns }: Snapshot): Counted => {
  const counted = { delivered: 0, dead: 0, rules: ruleCounts(txns).rejected, replays: 0 }
  for (const [appId, count] of txns) {
    if (appId.endsWith('/epoch')) counted.replays += count
    if (/\/(valid|late|repeat|dead)$/.test(appId)) counted.delivered += count
    if (appId.endsWith('/dead')) counted.dead += count
  }
  return counted
}

/**
 * How many of an entity's records Silver refused since the newest evaluation that held nothing. What is refused never reaches a
 * table: rows alone would not show a source that sends nothing but faults.
 */
export const refusedChecks = (
  silver: Readonly<Record<EntityName, Snapshot>>,
  history: CheckHistory,
): (CheckResult & { details: unknown })[] =>
  entityNames.flatMap((entity) => {
    if (silver[entity].version < 0) return []
    const id = `silver.${entity}.refused`
    const counted = countedOf(silver[entity])
    const before = (pastOf(history, id)[0]?.details ?? { delivered: 0, dead: 0, rules: {} }) as Counted
    // A replay may take counts back.
    const came = Math.max(0, counted.delivered - before.delivered)
    const dead = Math.max(0, counted.dead - before.dead)
    // What it refuses now may have come at any time: the ledger does not say which of them it judged, so all of them count.
    const isReplayed = counted.replays !== (before.replays ?? counted.replays) || dead > came
    const delivered = isReplayed ? counted.delivered : came
    const share = delivered < MIN_DELIVERED ? 0 : dead / delivered
    const reasons = Object.entries(counted.rules)
      .map(([rule, count]) => ({ rule, count: count - (before.rules[rule] ?? 0) }))
      .filter(({ count }) => count > 0)
      .sort((a, b) => b.count - a.count)
      .slice(0, 3)
      .map(({ rule, count }) => `${rule} ${count}`)
    const why = reasons.length > 0 ? ` (${reasons.join(', ')})` : ''
    return [
      {
        id,
        table: `silver.${entity}`,
        column: null,
        measured: share,
        ...judgeShare(share, { warn: 0.1, fail: 0.5 }),
        message: messageOf(entity, { dead, delivered, isReplayed, why }),
        sampleKeys: [],
        // Few records wait for more: a fault in small pieces is one all the same.
        details: !isReplayed && delivered < MIN_DELIVERED && counted.delivered >= before.delivered ? before : counted,
      },
    ]
  })

const messageOf = (
  entity: EntityName,
  { dead, delivered, isReplayed, why }: { dead: number; delivered: number; isReplayed: boolean; why: string },
): string => {
  const place = `they are on goodreads.${entity}.dlq with their reasons.`
  if (isReplayed)
    return dead === 0
      ? `No more ${entity} than before are refused of all ${delivered}, after a replay judged some again.`
      : `${dead} more of all ${delivered} ${entity} are refused since a replay judged some again${why}; ${place}`
  return dead === 0
    ? `No ${entity} were refused among ${delivered} that came.`
    : `${dead} of ${delivered} ${entity} that came were refused${why}; ${place}`
}

/** Sources that give everything each time they are read: two reads compare at once. Others give what is new. */
const wholeJobs = new Set(['poll dataset', 'poll synthetic'])
/** Polls of what is new differ much; so many must have been before a median says something. */
const MIN_POLLS = 5
const MAX_POLLS = 7

/** How much the newest poll of each source brought, against the polls of it before. */
export const pollChecks = (runs: readonly Run[]): CheckResult[] =>
  [
    ...Map.groupBy(
      // How much past days bring says nothing of the source as it is.
      runs.filter(({ kind, state, job }) => kind === 'poll' && state !== 'started' && !job.startsWith('backfill ')),
      ({ job }) => job,
    ),
  ].flatMap(([job, polls]) => {
    const newestFirst = polls.toSorted((a, b) => b.startedMs - a.startedMs)
    const [newest, last] = newestFirst
    if (newest?.state !== 'completed') return []
    const isWhole = wholeJobs.has(job)
    // What goes on where another one was broken off is not the whole.
    if (isWhole && last !== undefined && last.state !== 'completed') return []
    const before = newestFirst
      .slice(1)
      .filter(({ state }) => state === 'completed')
      .slice(0, isWhole ? 1 : MAX_POLLS)
    if (before.length < (isWhole ? 1 : MIN_POLLS)) return []
    return entityNames.map((entity): CheckResult => {
      const counts = before.map((poll) => poll.counts[entity] ?? 0)
      const measured = newest.counts[entity] ?? 0
      return {
        id: `${job.replaceAll(' ', '.')}.${entity}.volume`,
        table: `silver.${entity}`,
        column: null,
        measured,
        ...judgeCount(measured, counts),
        message: `The last ${job} brought ${measured} ${entity}, where ${median(counts)} were usual.`,
        sampleKeys: [newest.runId],
      }
    })
  })
