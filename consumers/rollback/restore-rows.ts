import { type ColumnBatch, columnOf, valueAt } from '../../lake/columns/column.ts'
import { concatBatches } from '../../lake/columns/take.ts'
import type { AddFile } from '../../lake/delta/actions.ts'
import { stageFiles } from '../../lake/delta/stage.ts'
import type { Table } from '../../lake/delta/table.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import { rowCounter, rowsOfRanges } from '../sink/replace-range.ts'
import type { Outcomes } from '../stage.ts'
import { gone, type LastReplay } from './find.ts'

/** Rows that are staged at once. */
const PIECE_ROWS = 50_000

/** By partition: `rows`, those of them that are `late`, and `flag/<rule>` for each flag that they bear. */
type RestoredCounts = Map<number, Outcomes>

/** Stages the rows that a range had before a replay, and has `keep` note the files. Throws `config` where those of before are no more. */
export const stageRowsOfBefore = async (
  table: Table,
  name: string,
  { topicId, ranges, before, version }: LastReplay,
  keep: (adds: readonly AddFile[]) => Promise<void>,
): Promise<RestoredCounts> => {
  const restored: RestoredCounts = new Map(ranges.map(({ partition }) => [partition, { rows: 0 }]))
  const partitionColumns = before.metadata?.partitionColumns ?? []
  let waiting: ColumnBatch[] = []
  const flush = async () => {
    const [first, ...rest] = waiting
    if (!first) return
    waiting = []
    await keep(await stageFiles(table, concatBatches([first, ...rest]), { partitionColumns }))
  }
  const wanted = ranges.map(({ partition, from, until }) => ({ topicId, partition, from, to: until }))
  try {
    for await (const batch of rowsOfRanges(table, before, wanted)) {
      countRows(batch, restored)
      waiting.push(batch)
      if (waiting.reduce((sum, { length }) => sum + length, 0) >= PIECE_ROWS) await flush()
    }
    await flush()
  } catch (cause) {
    if (cause instanceof ReadflowError && cause.code === 'lake-not-found') throw gone(name, version, cause)
    throw cause
  }
  return restored
}

const countRows = (batch: ColumnBatch, counts: Map<number, Outcomes>) => {
  const partitions = columnOf(batch, '_partition')
  const countRow = rowCounter(batch)
  for (let row = 0; row < batch.length; row++) countRow(counts.get(valueAt(partitions, row) as number) ?? {}, row)
}
