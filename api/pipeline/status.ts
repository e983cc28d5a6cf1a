import type { UpStatus } from '../../runtime/up-status.ts'
import type { GoldReader } from '../gold/reader.ts'
import type { GoldVersion } from '../gold/version.ts'
import { type ChecksReader, shapeSummary } from './checks.ts'
import type { ReadCounts } from './contracts.ts'
import { type DriftReader, summariseDrift } from './drift.ts'
import { type GateReader, holdReason, shapeHold } from './gate.ts'
import type { LagReport } from './lag.ts'
import { lastKnown } from './last-known.ts'
import type { AskLineage } from './lineage.ts'
import type { ProfilesReader } from './profiles.ts'
import { type RunsReader, shapeRun } from './runs.ts'
import type { TableSummary } from './tables.ts'

/** What status, readiness and metrics are made from. */
export interface StatusParts {
  gold: GoldReader
  tables: () => Promise<TableSummary[]>
  lag: () => LagReport
  gate: GateReader
  runs: RunsReader
  lineage: AskLineage
  checks: ChecksReader
  profiles: ProfilesReader
  ruleCounts: ReadCounts
  drift: DriftReader
  /** Absent where no `up` started this process. */
  upStatus: () => UpStatus | null
  /** Age that `complete_through` should stay below while records come. */
  freshnessObjectiveMs?: number
  nowMs?: () => number
}

/** What status and metrics tell of the lake: as it is, or as it was seen last where it does not answer. */
export const seeLake = ({ tables, runs, checks, drift, ruleCounts }: StatusParts) => ({
  tables: lastKnown(tables),
  runs: lastKnown(async () => (await runs.at())?.latest() ?? []),
  checks: lastKnown(checks.now),
  drift: lastKnown(drift.now),
  ruleCounts: lastKnown(ruleCounts),
})

export type SeenLake = ReturnType<typeof seeLake>

/** Everything that the page shows besides the charts. It answers while the lake does not. */
export const readStatus = async (
  { gold, lag, gate, upStatus, freshnessObjectiveMs = 60_000, nowMs = Date.now }: StatusParts,
  { tables, runs, checks, drift }: SeenLake,
) => {
  const now = nowMs()
  const held = gate.held()
  const [published, ...seen] = await Promise.all([gold.use(undefined, describeGold), tables(), runs(), checks(), drift()])
  const [{ value: seenTables }, { value: lastRuns }, { value: checked }, { value: drifted }] = seen
  const fault = seen.find((each) => each.fault !== null)?.fault ?? null
  const summaries = seenTables ?? []
  const { state, detail, partitions } = lag()
  return {
    now: new Date(now).toISOString(),
    up: upStatus(),
    gold: published?.result ?? null,
    /** What keeps Gold at that version; `held` is null where nothing does. */
    gate: { held: held && shapeHold(held) },
    /** Whether tables, runs, checks and drift are as the lake is now; else as they were seen last, and why. */
    lake: { state: fault === null ? 'available' : 'unavailable', detail: fault },
    tables: summaries,
    /** `complete_through` should be younger than this while records come. */
    freshness_objective_seconds: freshnessObjectiveMs / 1000,
    freshness: summaries
      .filter(({ table }) => table.startsWith('silver.'))
      .map(({ table, newest_ingestion_at: newest, complete_through }) => ({
        table,
        newest_ingestion_at: newest,
        complete_through,
        age_seconds: newest === null ? null : Math.max(0, Math.round((now - Date.parse(newest)) / 100) / 10),
      })),
    kafka: { state, detail },
    lag: lagByTopic(partitions),
    /** The last run of each kind. */
    runs: (lastRuns ?? []).map(shapeRun),
    /** What the checks of the newest build came to; null before the first. */
    checks: checked && shapeSummary(checked),
    /** How many schema drifts are on record; null before the first. */
    drift: drifted && summariseDrift(drifted),
  }
}

const describeGold = async (gold: GoldVersion) => {
  const [counts] = await gold.answers.answer('counts', () =>
    gold.rows(`SELECT
      (SELECT count(*) FROM ${gold.table('dim_book')} WHERE is_current AND NOT is_deleted AND NOT is_placeholder) AS books,
      (SELECT count(*) FROM ${gold.table('dim_author')} WHERE is_current AND NOT is_deleted) AS authors,
      (SELECT CAST(coalesce(sum(reviews), 0) AS BIGINT) FROM ${gold.table('agg_reviews_daily')}) AS reviews,
      (SELECT CAST(coalesce(sum(ratings), 0) AS BIGINT) FROM ${gold.table('agg_ratings_daily')}) AS ratings`),
  )
  return {
    version: gold.version,
    published_at: gold.publishedAt,
    complete_through: gold.completeThrough,
    complete_through_by_entity: gold.completeThroughByEntity,
    counts,
  }
}

/** Lag of each group and topic in records, with its partitions. */
const lagByTopic = (partitions: LagReport['partitions']) =>
  Array.from(Map.groupBy(partitions, ({ group, topic }) => `${group} ${topic}`).values(), (entries) => ({
    group: entries[0]!.group,
    topic: entries[0]!.topic,
    lag_records: entries.reduce((sum, { lag }) => sum + lag, 0),
    partitions: entries.map(({ partition, committedOffset, endOffset, lag }) => ({
      partition,
      committed_offset: committedOffset,
      end_offset: endOffset,
      lag_records: lag,
    })),
  }))

/** What is missing before the API is of use; empty where nothing is. */
export const notReadyReasons = ({ gold, gate, lag, upStatus }: StatusParts): string[] => {
  const held = gate.held()
  const { state, detail } = lag()
  const up = upStatus()
  return [
    ...(gold.current()
      ? []
      : [held ? `no Gold is published yet, as the first one is held: ${holdReason(held)}` : 'no Gold is published yet']),
    ...(up && state === 'not-configured' ? ['Kafka is not started yet'] : []),
    ...(state === 'connecting' || state === 'unavailable' ? [`Kafka does not answer${detail ? `: ${detail}` : ' yet'}`] : []),
  ]
}
