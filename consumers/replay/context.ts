import type { AddFile } from '../../lake/delta/actions.ts'
import type { Table } from '../../lake/delta/table.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import type { KafkaClient } from '../../runtime/kafka/client.ts'
import type { Producer } from '../../runtime/kafka/producer.ts'
import type { Log } from '../../runtime/log.ts'
import type { StageTable } from '../stage.ts'
import type { DiffInput, RowDiff } from './diff.ts'
import type { RecordSource } from './source.ts'
import type { ReplayOf, Work } from './work.ts'

/** What the parts of a replay share. */
export interface ReplayContext {
  store: ObjectStore
  client: KafkaClient
  producer: Pick<Producer, 'send'>
  table: Table
  stageTable: StageTable
  layer: 'bronze' | 'silver'
  entry: ReplayOf & { work: Work }
  isDryRun: boolean
  /** Where files are staged: the table itself, or for a dry run a folder of this process. */
  staging: Pick<Table, 'store' | 'root'>
  kafka: RecordSource
  bronze: RecordSource | null
  /** Has the files of the table and the staged ones as local files, and tells where each is. */
  withFiles: <T>(
    live: readonly AddFile[],
    staged: readonly AddFile[],
    use: (files: Pick<DiffInput, 'liveFile' | 'stagedFile' | 'duckdb'>) => Promise<T>,
  ) => Promise<T>
  /** Told of how far it is: offsets that are derived, of so many. */
  onProgress: (done: number, all: number) => void
  /** Told of the difference, and of the table's files that are gone or can not be read. */
  onDiff: (diff: RowDiff, lost: readonly AddFile[]) => void
  onWaiting: (text: string) => void
  log: Log
  signal: AbortSignal
}
