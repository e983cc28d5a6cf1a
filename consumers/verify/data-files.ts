import { open, stat } from 'node:fs/promises'
import type { Field } from '../../lake/columns/column.ts'
import { type AddFile, filePath } from '../../lake/delta/actions.ts'
import type { Snapshot } from '../../lake/delta/snapshot.ts'
import { scanParquet } from '../../lake/parquet/scan.ts'
import { sqlText } from '../../lake/sql.ts'
import type { HeldFiles, LocalFiles } from '../../lake/store/local-files.ts'
import type { DuckDb } from '../../runtime/duckdb.ts'
import { errorLine, isRetriable, ReadflowError } from '../../runtime/errors.ts'

/** A table's data files, told apart by whether their rows can be read. */
export interface DataFiles {
  /** The table with the files only whose rows can be read, each of them to its last byte. */
  snapshot: Snapshot
  /** What is wrong with a file, a line each. A file may be named here and be read all the same. */
  faults: string[]
  localPath: (path: string) => string
  release: () => void
}

interface LocalFile {
  file: AddFile
  /** Below the table's root. */
  path: string
  local: string
}

/** As many files are asked for at once. */
const AT_ONCE = 64

/**
 * Brings a table's data files here and reads each of them whole. What a log names and is not there, is cut short or does
 * not decode is damage, and a line in `faults`; a store that does not answer is none, and rejects.
 */
export const inspectFiles = async (
  { files, duckdb, signal }: { files: LocalFiles; duckdb: DuckDb; signal: AbortSignal },
  { root, snapshot }: { root: string; snapshot: Snapshot },
): Promise<DataFiles> => {
  const held = new Map<string, HeldFiles>()
  const faults: string[] = []
  const damaged = new Set<AddFile>()
  const release = () => {
    for (const each of held.values()) each.release()
    held.clear()
  }
  const say = (file: AddFile, what: string, isLost = true) => {
    if (isLost) damaged.add(file)
    faults.push(`the data file ${shownPath(file)} ${what}${isLost ? `; what it held is lost: ${heldText(file)}` : ''}`)
  }
  const fetch = async (file: AddFile): Promise<LocalFile[]> => {
    try {
      const path = filePath(file.path)
      const name = `${root}/${path}`
      const here = await files.hold([{ path: name, sizeBytes: file.size }], { signal })
      held.set(name, here)
      const local = here.localPath(name)
      const sizeBytes = await sizeOf(local)
      if (sizeBytes === null) say(file, 'is not there')
      else if (sizeBytes !== file.size) say(file, `has ${sizeBytes} bytes, where the log says ${file.size}`, false)
      return sizeBytes === null ? [] : [{ file, path, local }]
    } catch (error) {
      if (!(error instanceof ReadflowError) || isRetriable(error) || error.code === 'stopped') throw error
      say(file, error.code === 'lake-not-found' ? 'is not there' : `can not be had (${errorLine(error)})`)
      return []
    }
  }
  try {
    const all = [...snapshot.files.values()]
    const here: LocalFile[] = []
    for (let at = 0; at < all.length; at += AT_ONCE) here.push(...(await Promise.all(all.slice(at, at + AT_ONCE).map(fetch))).flat())
    const fields = (snapshot.metadata?.fields ?? []).filter(({ name }) => !snapshot.metadata?.partitionColumns.includes(name))
    const rows = await readAll({ duckdb, signal, fields }, here)
    for (const { file } of here) {
      const read = rows.get(file)
      const expected = rowsByLog(file)
      if (typeof read === 'string') say(file, `can not be read (${read})`)
      else if (expected !== null && read !== expected) say(file, `has ${read} rows, where the log says ${expected}`, false)
    }
  } catch (error) {
    release()
    throw error
  }
  const localPath = (path: string) => held.get(`${root}/${path}`)!.localPath(`${root}/${path}`)
  const left = snapshot.files.with([...damaged].map((file) => [file.path, undefined] as const))
  return { snapshot: { ...snapshot, files: left }, faults, localPath, release }
}

const shownPath = (file: AddFile) => {
  try {
    return filePath(file.path)
  } catch {
    return file.path
  }
}

/** Null where there is no such file. */
const sizeOf = async (local: string): Promise<number | null> => {
  try {
    const info = await stat(local)
    return info.isFile() ? info.size : null
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? ''
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    throw new ReadflowError('lake-unavailable', `cannot use ${local}: ${code}.`, { cause })
  }
}

interface Stats {
  numRecords?: number
  minValues?: Record<string, unknown>
  maxValues?: Record<string, unknown>
}

/** A file's statistics, as the log has them. */
export const statsOf = ({ stats }: AddFile): Stats => {
  try {
    return (JSON.parse(stats ?? '{}') as Stats | null) ?? {}
  } catch {
    return {}
  }
}

const rowsByLog = (file: AddFile): number | null => {
  const { numRecords } = statsOf(file)
  return typeof numRecords === 'number' ? numRecords : null
}

/** What the log says that a file holds. */
const heldText = (file: AddFile): string => {
  const { numRecords, minValues = {}, maxValues = {} } = statsOf(file)
  const span = (column: string) => {
    const [from, to] = [minValues[column], maxValues[column]]
    return typeof from === 'number' && typeof to === 'number' ? (from === to ? String(from) : `${from}–${to}`) : null
  }
  const [partitions, offsets] = [span('_partition'), span('_offset')]
  if (numRecords === undefined) return 'the log does not say how many rows'
  const place = partitions && offsets ? `, by the log of partitions ${partitions}, offsets ${offsets}` : ''
  return `${numRecords} rows${place}`
}

interface Reading {
  duckdb: DuckDb
  signal: AbortSignal
  fields: readonly Field[]
}

/** How many rows each file has, once all of their columns were decoded; else why they can not be. */
const readAll = async (options: Reading, files: readonly LocalFile[]): Promise<Map<AddFile, number | string>> => {
  const found = new Map<AddFile, number | string>()
  if (files.length === 0) return found
  try {
    // All at once is much faster, and mostly nothing is wrong.
    const rows = new Map((await countRows(options, files)).map(({ local, n }) => [local, n]))
    for (const { file, local } of files) found.set(file, rows.get(local) ?? 0)
    return found
  } catch {
    options.signal.throwIfAborted()
  }
  for (const each of files) found.set(each.file, await readOne(options, each))
  return found
}

const countRows = ({ duckdb, signal }: Reading, files: readonly LocalFile[]) =>
  duckdb.rows<{ local: string; n: number }>(
    `SELECT __readflow_file AS "local", count(*) AS n, bit_xor(hash(*COLUMNS(* EXCLUDE (__readflow_file)))) AS digest
     FROM read_parquet([${files.map(({ local }) => sqlText(local)).join(', ')}], union_by_name = true, hive_partitioning = false, filename = '__readflow_file')
     GROUP BY ALL`,
    undefined,
    { signal },
  )

const readOne = async (options: Reading, each: LocalFile): Promise<number | string> => {
  try {
    return (await countRows(options, [each]))[0]?.n ?? 0
  } catch (error) {
    options.signal.throwIfAborted()
    // Values of megabytes exceed what DuckDB may use: it takes 2,048 rows at once, where the other reader counts bytes.
    return isMemory(error) ? scanRows(each, options.fields) : shortReason(error, each.local)
  }
}

const isMemory = (error: unknown) => error instanceof Error && /^Out of Memory/i.test(error.message)
const MAX_REASON = 160
const shortReason = (error: unknown, local: string) => errorLine(error).replaceAll(local, 'the file').slice(0, MAX_REASON)

const scanRows = async ({ file, local }: LocalFile, fields: readonly Field[]): Promise<number | string> => {
  const handle = await open(local)
  const read = async (start: number, end: number) => {
    const { buffer, bytesRead } = await handle.read(new Uint8Array(end - start), 0, end - start, start)
    return buffer.subarray(0, bytesRead)
  }
  try {
    let rows = 0
    for await (const batch of scanParquet({ path: 'the file', sizeBytes: file.size, read }, fields)) rows += batch.length
    return rows
  } catch (error) {
    if (error instanceof ReadflowError) return shortReason(error, local)
    throw error
  } finally {
    await handle.close()
  }
}
