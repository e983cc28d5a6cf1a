import { type ColumnBatch, columnOf, valueAt } from '../../lake/columns/column.ts'
import { type Rows, take } from '../../lake/columns/take.ts'
import type { AddFile } from '../../lake/delta/actions.ts'
import { scan } from '../../lake/delta/scan.ts'
import type { Snapshot } from '../../lake/delta/snapshot.ts'
import { stageFiles } from '../../lake/delta/stage.ts'
import type { Table } from '../../lake/delta/table.ts'
import { addCounts, type Outcomes } from '../stage.ts'

/** Rows of one Kafka partition from an offset on. */
export interface OffsetRange {
  topicId: string
  partition: number
  from: number
  /** First offset after the range; without it the range has no end. */
  to?: number
  /** Keys whose rows after the range belong to it as well. */
  keys?: ReadonlySet<string>
}

export interface Replaced {
  removes: AddFile[]
  /** Files with what the removed ones held beside the ranges. */
  adds: AddFile[]
  /** What goes, by range: `rows`, those of them that are `late`, and `flag/<rule>` for each flag that they bear. */
  gone: Outcomes[]
}

/** What one file holds of some ranges, and the files with its other rows; null where it holds none of them. */
type FileReplacement = Pick<Replaced, 'adds' | 'gone'> | null
/** What is known of files already, by the path in their action: files never change, so who looks again at the same ranges looks at new ones only. */
export type KnownFiles = Map<string, FileReplacement>

/**
 * What takes the rows of some ranges out of a table: the files that hold any, and new files with their other rows.
 * Nothing is committed. Memory is that of one batch of a scan.
 */
export const replaceRanges = async (
  table: Table,
  snapshot: Snapshot,
  ranges: readonly OffsetRange[],
  known: KnownFiles = new Map(),
): Promise<Replaced> => {
  const replaced: Replaced = { removes: [], adds: [], gone: ranges.map(() => ({ rows: 0 })) }
  for (const file of snapshot.files.values()) {
    if (!known.has(file.path)) {
      const isWanted = ranges.some((range) => mayHold(file, range))
      known.set(file.path, isWanted ? await replacementOf(table, snapshot, file, ranges) : null)
    }
    const replacement = known.get(file.path)
    if (!replacement) continue
    replacement.gone.forEach((counts, index) => {
      addCounts(replaced.gone[index] ?? {}, counts)
    })
    replaced.removes.push(file)
    replaced.adds.push(...replacement.adds)
  }
  return replaced
}

const replacementOf = async (table: Table, snapshot: Snapshot, file: AddFile, ranges: readonly OffsetRange[]): Promise<FileReplacement> => {
  const { fields = [], partitionColumns = [] } = snapshot.metadata ?? {}
  const columns = fields.map(({ name }) => name)
  const marks = ['_late', '_flags'].filter((name) => columns.includes(name))
  const keys = ranges.some((range) => range.keys) ? ['_key'] : []
  const within = { root: table.root, where: (each: AddFile) => each.path === file.path }
  const gone: Outcomes[] = ranges.map(() => ({}))
  const adds: AddFile[] = []
  let kept = 0
  const marked = ['_topic_id', '_partition', '_offset', ...keys, ...marks]
  for await (const batch of scan(table.store, snapshot, { ...within, columns: marked })) kept += countRows(batch, ranges, gone)
  if (gone.every(({ rows }) => rows === undefined)) return null
  if (kept === 0) return { adds, gone }
  for await (const batch of scan(table.store, snapshot, { ...within, columns })) {
    const others = rowsWhere(batch, ranges, (range) => range < 0)
    if (others.length > 0) adds.push(...(await stageFiles(table, take(batch, others), { partitionColumns })))
  }
  return { adds, gone }
}

/** The rows of some ranges at a version of a table, a batch at a time; all columns unless they are named. */
export async function* rowsOfRanges(
  { store, root }: Pick<Table, 'store' | 'root'>,
  snapshot: Snapshot,
  ranges: readonly OffsetRange[],
  {
    columns = snapshot.metadata?.fields.map(({ name }) => name) ?? [],
    where = () => true,
  }: { columns?: readonly string[]; where?: (file: AddFile) => boolean } = {},
): AsyncGenerator<ColumnBatch> {
  const isWanted = (file: AddFile) => where(file) && ranges.some((range) => mayHold(file, range))
  for await (const batch of scan(store, snapshot, { root, columns, where: isWanted })) {
    const rows = rowsWhere(batch, ranges, (range) => range >= 0)
    if (rows.length > 0) yield take(batch, rows)
  }
}

/** By the file's statistics; one without any may hold anything. */
export const mayHold = ({ stats }: AddFile, { partition, from, to, keys }: OffsetRange): boolean => {
  if (stats === undefined) return true
  const { minValues = {}, maxValues = {} } = JSON.parse(stats) as Record<string, Record<string, unknown> | undefined>
  const [least, most, oldest, newest] = [minValues['_partition'], maxValues['_partition'], minValues['_offset'], maxValues['_offset']]
  if (typeof least === 'number' && least > partition) return false
  if (typeof most === 'number' && most < partition) return false
  if (to !== undefined && !keys?.size && typeof oldest === 'number' && oldest >= to) return false
  return !(typeof newest === 'number' && newest < from)
}

/** The index of the range that each row lies in, -1 for none. */
const rangeOfRows = (batch: ColumnBatch, ranges: readonly OffsetRange[]): ((row: number) => number) => {
  const [topicIds, partitions, offsets] = ['_topic_id', '_partition', '_offset'].map((name) => columnOf(batch, name))
  const keyColumn = ranges.some(({ keys }) => keys) ? columnOf(batch, '_key') : null
  return (row) => {
    const [partition, offset] = [valueAt(partitions!, row), valueAt(offsets!, row) as number]
    return ranges.findIndex(
      (range) =>
        partition === range.partition &&
        offset >= range.from &&
        (range.to === undefined || offset < range.to || (keyColumn !== null && range.keys?.has(valueAt(keyColumn, row) as string))) &&
        valueAt(topicIds!, row) === range.topicId,
    )
  }
}

/** Counts the rows of a batch that lie in each range; gives how many lie in none. */
const countRows = (batch: ColumnBatch, ranges: readonly OffsetRange[], gone: readonly Outcomes[]): number => {
  const rangeOf = rangeOfRows(batch, ranges)
  const countRow = rowCounter(batch)
  let others = 0
  for (let row = 0; row < batch.length; row++) {
    const counts = gone[rangeOf(row)]
    if (counts) countRow(counts, row)
    else others++
  }
  return others
}

/** Counts a row of a batch, in place: in `rows`, in `late` where it is, and in `flag/<rule>` for each flag that it bears. */
export const rowCounter = (batch: ColumnBatch): ((counts: Outcomes, row: number) => void) => {
  const [late, flags] = ['_late', '_flags'].map((mark) => (batch.fields.some(({ name }) => name === mark) ? columnOf(batch, mark) : null))
  return (counts, row) => {
    const count = (name: string) => {
      counts[name] = (counts[name] ?? 0) + 1
    }
    count('rows')
    if (late && valueAt(late, row) === true) count('late')
    for (const flag of ((flags && valueAt(flags, row)) ?? []) as string[]) count(`flag/${flag}`)
  }
}

/** Rows by the index of the range that each lies in, -1 for none. */
const rowsWhere = (batch: ColumnBatch, ranges: readonly OffsetRange[], isWanted: (range: number) => boolean): Rows => {
  const rangeOf = rangeOfRows(batch, ranges)
  const kept: number[] = []
  for (let row = 0; row < batch.length; row++) if (isWanted(rangeOf(row))) kept.push(row)
  return kept
}

/** The greatest offset of a partition's rows below `below`; null where there is none. */
export const lastOffsetBelow = async (
  table: Table,
  snapshot: Snapshot,
  { topicId, partition, below }: { topicId: string; partition: number; below: number },
): Promise<number | null> => {
  let last: number | null = null
  const where = (file: AddFile) => mayHold(file, { topicId, partition, from: last ?? 0 }) && mayBeBelow(file, below)
  for await (const batch of scan(table.store, snapshot, { root: table.root, columns: ['_topic_id', '_partition', '_offset'], where })) {
    const rangeOf = rangeOfRows(batch, [{ topicId, partition, from: (last ?? -1) + 1 }])
    const offsets = columnOf(batch, '_offset')
    for (let row = 0; row < batch.length; row++) {
      const offset = valueAt(offsets, row) as number
      if (offset < below && rangeOf(row) === 0 && offset > (last ?? -1)) last = offset
    }
  }
  return last
}

const mayBeBelow = ({ stats }: AddFile, below: number): boolean => {
  const least = stats === undefined ? undefined : (JSON.parse(stats) as { minValues?: Record<string, unknown> }).minValues?.['_offset']
  return !(typeof least === 'number' && least >= below)
}

/** Which of some offsets the table holds rows of, for each of `wanted`. */
export const heldOffsets = async (
  table: Table,
  snapshot: Snapshot,
  wanted: readonly { topicId: string; partition: number; below: number }[],
  offsets: readonly Pick<ReadonlySet<number>, 'has' | 'size'>[],
): Promise<Set<number>[]> => {
  const held = wanted.map(() => new Set<number>())
  if (offsets.every(({ size }) => size === 0)) return held
  const ranges = wanted.map(({ topicId, partition }) => ({ topicId, partition, from: 0 }))
  const where = (file: AddFile) =>
    wanted.some(({ partition, topicId, below }) => mayHold(file, { topicId, partition, from: 0 }) && mayBeBelow(file, below))
  for await (const batch of scan(table.store, snapshot, { root: table.root, columns: ['_topic_id', '_partition', '_offset'], where })) {
    const rangeOf = rangeOfRows(batch, ranges)
    const column = columnOf(batch, '_offset')
    for (let row = 0; row < batch.length; row++) {
      const index = rangeOf(row)
      const offset = valueAt(column, row) as number
      if (index >= 0 && offsets[index]?.has(offset)) held[index]?.add(offset)
    }
  }
  return held
}
