import type { Snapshot } from '../../lake/delta/snapshot.ts'
import { openTable } from '../../lake/delta/table.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { entityNames, topicNames } from '../../schemas/catalogue.ts'
import { systemTables } from '../../schemas/system-tables.ts'
import { completeThroughMs } from '../../schemas/through.ts'
import { goldTables } from '../gold/names.ts'

export interface TableSummary {
  /** Such as `silver.books`. */
  table: string
  /** Delta version. */
  version: number
  rows: number
  files: number
  bytes: number
  /** Files that are smaller than half of what small ones are merged into. */
  small_files: number
  last_commit_at: string
  /** Newest `ingestion_timestamp` in it; null where the table has none. */
  newest_ingestion_at: string | null
  /** All that Kafka got for it before then is in it; null where the table does not say. */
  complete_through: string | null
}

/** Roots of every table that may be there, in the order of the flow. */
export const tableRoots: readonly string[] = [
  ...topicNames.map((name) => `bronze/${name}`),
  ...entityNames.map((name) => `silver/${name}`),
  ...Object.keys(goldTables).map((name) => `gold/${name}`),
  ...Object.keys(systemTables).map((name) => `ops/${name}`),
]

interface FileStats {
  numRecords?: number
  maxValues?: { ingestion_timestamp?: string }
}

/** What upkeep merges small files into, where nobody says otherwise. */
const TARGET_BYTES = 32 * 1024 ** 2

/** A table's size and age from its log alone: no data file is read. `committedMs` is when its version was committed. */
export const summarize = (root: string, snapshot: Snapshot, committedMs: number, targetBytes = TARGET_BYTES): TableSummary => {
  let rows = 0
  let bytes = 0
  let smallFiles = 0
  let ingestedMs = 0
  for (const file of snapshot.files.values()) {
    const stats: FileStats = file.stats === undefined ? {} : JSON.parse(file.stats)
    rows += stats.numRecords ?? 0
    bytes += file.size
    if (file.size < targetBytes / 2) smallFiles++
    ingestedMs = Math.max(ingestedMs, Date.parse(stats.maxValues?.ingestion_timestamp ?? '') || 0)
  }
  const stage = (['bronze', 'silver'] as const).find((name) => root.startsWith(`${name}/`))
  const throughMs = stage === undefined ? null : completeThroughMs(snapshot.txns, stage)
  return {
    table: root.replace('/', '.'),
    version: snapshot.version,
    rows,
    files: snapshot.files.size,
    bytes,
    small_files: smallFiles,
    last_commit_at: new Date(committedMs).toISOString(),
    newest_ingestion_at: ingestedMs === 0 ? null : new Date(ingestedMs).toISOString(),
    complete_through: throughMs === null ? null : new Date(throughMs).toISOString(),
  }
}

/**
 * Summaries of the tables that exist. Answers are shared for `maxAgeMs`, and a table's is made again only when
 * it has a new version, so that asking often costs little.
 */
export const watchTables = ({
  store,
  targetBytes,
  maxAgeMs = 1000,
  nowMs = Date.now,
}: {
  store: ObjectStore
  /** Size of the files that small ones are merged into. */
  targetBytes?: number
  maxAgeMs?: number
  nowMs?: () => number
}) => {
  const tables = tableRoots.map((root) => ({ root, table: openTable(store, root), summary: null as TableSummary | null }))
  let answer: { atMs: number; summaries: Promise<TableSummary[]> } | undefined

  const read = async () => {
    await Promise.all(
      tables.map(async (entry) => {
        const snapshot = await entry.table.snapshot()
        if (snapshot.version < 0) entry.summary = null
        else if (snapshot.version !== entry.summary?.version) {
          const [newest] = await entry.table.history({ limit: 1 })
          entry.summary = summarize(entry.root, snapshot, newest?.timestampMs ?? 0, targetBytes)
        }
      }),
    )
    return tables.flatMap(({ summary }) => summary ?? [])
  }

  return (): Promise<TableSummary[]> => {
    if (answer === undefined || nowMs() - answer.atMs > maxAgeMs) {
      const summaries = read()
      answer = { atMs: nowMs(), summaries }
      // A failure is for those who asked, not for those who ask next.
      summaries.catch(() => {
        answer = undefined
      })
    }
    return answer.summaries
  }
}
