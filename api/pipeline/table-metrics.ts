import type { MetricsRegistry } from '../../runtime/metrics/registry.ts'
import type { TableSummary } from './tables.ts'

interface MeasuredTables {
  /** null where the lake does not answer. */
  tables: () => Promise<readonly TableSummary[] | null>
  isUp: () => Promise<boolean>
}

const secondsOf = (time: string | null) => (time === null ? null : Date.parse(time) / 1000)

/** What a table's own log says of it, by the name of the metric; null where it says nothing. */
const measures: Readonly<Record<string, { help: string; of: (table: TableSummary) => number | null }>> = {
  readflow_table_rows: { help: 'Rows in a table.', of: ({ rows }) => rows },
  readflow_table_files: { help: 'Live data files of a table.', of: ({ files }) => files },
  readflow_table_bytes: { help: 'Bytes of the live data files of a table.', of: ({ bytes }) => bytes },
  readflow_table_small_file_ratio: {
    help: 'Share of the live data files of a table that are smaller than half of what small ones are merged into.',
    of: ({ files, small_files }) => (files === 0 ? 0 : small_files / files),
  },
  readflow_table_version: { help: 'Newest Delta version of a table.', of: ({ version }) => version },
  readflow_table_last_commit_timestamp_seconds: {
    help: 'Unix time at which that version was committed.',
    of: ({ last_commit_at }) => secondsOf(last_commit_at),
  },
  readflow_table_complete_through_timestamp_seconds: {
    help: 'Unix time before which all that Kafka got is in the table.',
    of: ({ complete_through }) => secondsOf(complete_through),
  },
}

/** The lake's tables, read when somebody asks. */
export const measureTables = (metrics: MetricsRegistry, { tables, isUp }: MeasuredTables) => {
  for (const [name, { help, of }] of Object.entries(measures)) {
    metrics.readGauge({
      name,
      help,
      labels: { table: 'open' },
      read: async () =>
        ((await tables()) ?? []).flatMap((summary) => {
          const value = of(summary)
          return value === null ? [] : [{ labels: { table: summary.table }, value }]
        }),
    })
  }
  metrics.readGauge({
    name: 'readflow_lake_up',
    help: "1 while the lake's store answers, else 0.",
    read: async () => [{ labels: {}, value: (await isUp()) ? 1 : 0 }],
  })
}
