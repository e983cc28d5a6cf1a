import {
  BIGINT,
  BOOLEAN,
  DOUBLE,
  DuckDBArrayValue,
  DuckDBBlobValue,
  type DuckDBConnection,
  type DuckDBDataChunk,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBInstance,
  DuckDBListValue,
  DuckDBMapValue,
  type DuckDBResult,
  DuckDBStructValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  type DuckDBType,
  type DuckDBValue,
  LIST,
  listValue,
  SQLNULL,
  VARCHAR,
} from '@duckdb/node-api'
import { jsonBytes } from './duckdb-size.ts'

export type SqlParam = string | number | boolean | null | readonly string[]
/** `?` or `$1` take an array, `$name` takes an object. */
export type SqlParams = readonly SqlParam[] | Readonly<Record<string, SqlParam>>

export interface QueryOptions {
  /** Interrupts the query; it then rejects with the signal's reason. */
  signal?: AbortSignal
}

/** An embedded DuckDB. Any number of callers may use it at once; its tables and views are shared by all of them. */
export interface DuckDb {
  /** Runs statements for their effect. Rejects with DuckDB's own message. */
  run: (sql: string, params?: SqlParams, options?: QueryOptions) => Promise<void>
  /**
   * Runs one query and gives its rows as plain values: integers as number where safe, else string; DECIMAL as
   * number where it has at most 15 digits, else string; DATE as 'YYYY-MM-DD'; timestamps as ISO text in UTC with milliseconds,
   * or as many digits as they need; LIST as array; STRUCT and MAP as object; BLOB as Uint8Array; NULL as null.
   */
  rows: <T = Record<string, unknown>>(sql: string, params?: SqlParams, options?: QueryOptions) => Promise<T[]>
  /**
   * Runs one query and gives its rows a batch at a time, as they come: names of the columns with their SQL types, and
   * batches of plain values as `rows` has them, of about 1 MiB or of one row. The connection is the caller's until `batches` has
   * ended, or `return` was called.
   */
  stream: (sql: string, params?: SqlParams, options?: QueryOptions) => Promise<RowStream>
  /** Interrupts what runs and releases everything. */
  close: () => Promise<void>
}

export interface RowStream {
  columns: { name: string; type: string }[]
  batches: Required<Pick<AsyncIterableIterator<unknown[][], undefined>, 'next' | 'return'>> & AsyncIterable<unknown[][]>
}

export interface DuckDbOptions {
  /** What DuckDB may use before it spills to `tempDir`; its overhead comes on top. */
  memoryLimit?: string
  threads?: number
  /** Existing folder to spill to; without one, what exceeds the limit fails. */
  tempDir?: string
  /** What may be spilled, such as `1GB`. */
  maxTempSize?: string
  /**
   * Seals it: of the file system it reads these files and nothing else, loads no extension, and keeps its settings. `tempDir`,
   * where there is one, counts as open to it. DuckDB has no privileges beyond that: what SQL may say is for the caller to judge.
   */
  sealedFiles?: readonly string[]
}

const INTERRUPT_AGAIN_MS = 100

/** Opens a DuckDB in memory whose sessions run in UTC and that never downloads or loads an extension by itself. */
export const openDuckDb = async (options: DuckDbOptions = {}): Promise<DuckDb> => {
  const { memoryLimit = '384MB', threads = 2, tempDir, maxTempSize, sealedFiles } = options
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: memoryLimit,
    threads: String(threads),
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    ...(tempDir === undefined ? {} : { temp_directory: tempDir }),
    ...(maxTempSize === undefined ? {} : { max_temp_directory_size: maxTempSize }),
  })
  const idle: DuckDBConnection[] = []
  const busy = new Map<DuckDBConnection, Promise<unknown>>()
  let isClosed = false

  const connect = async () => {
    const connection = await instance.connect()
    if (!sealedFiles) await connection.run("SET TimeZone = 'UTC'")
    return connection
  }

  // Every connection's, as none may set anything afterwards.
  if (sealedFiles) {
    const connection = await instance.connect()
    for (const setting of sealing(sealedFiles)) await connection.run(setting)
    idle.push(connection)
  }

  // One connection a call: DuckDB connections run one query at a time.
  const withConnection = async <T>(options: QueryOptions, use: (connection: DuckDBConnection) => Promise<T>): Promise<T> => {
    if (isClosed) throw new Error('this DuckDB is closed')
    options.signal?.throwIfAborted()
    const connection = idle.pop() ?? (await connect())
    if (options.signal?.aborted) {
      idle.push(connection)
      throw options.signal.reason
    }
    // Again and again, as DuckDB forgets one that comes before the query has begun.
    let again: NodeJS.Timeout | undefined
    const interrupt = () => {
      connection.interrupt()
      again ??= setInterval(() => connection.interrupt(), INTERRUPT_AGAIN_MS)
    }
    options.signal?.addEventListener('abort', interrupt, { once: true })
    const working = use(connection)
    busy.set(connection, working)
    try {
      return await working
    } catch (error) {
      options.signal?.throwIfAborted()
      throw error
    } finally {
      options.signal?.removeEventListener('abort', interrupt)
      clearInterval(again)
      busy.delete(connection)
      if (isClosed) connection.closeSync()
      else idle.push(connection)
    }
  }

  const rows = <T>(sql: string, params?: SqlParams, options: QueryOptions = {}) =>
    withConnection(options, async (connection) => {
      const { values, types } = bound(params)
      const reader = await connection.runAndReadAll(sql, values, types)
      const names = reader.deduplicatedColumnNames()
      return reader.getRows().map((row) => Object.fromEntries(row.map((value, index) => [names[index]!, plainValue(value)])) as T)
    })

  const stream: DuckDb['stream'] = (sql, params, options = {}) => {
    const opened = Promise.withResolvers<RowStream>()
    const left = Promise.withResolvers<void>()
    // The connection stays busy until the reader is through, whatever this promise of the opening says meanwhile.
    const working = withConnection(options, async (connection) => {
      const { values, types } = bound(params)
      const result = await connection.stream(sql, values, types)
      const columnTypes = result.columnTypes()
      const columns = result.deduplicatedColumnNames().map((name, index) => ({ name, type: String(columnTypes[index]) }))
      opened.resolve({ columns, batches: batchesOf(result, left.resolve, options.signal) })
      await left.promise
    })
    working.catch(opened.reject)
    return opened.promise
  }

  const run = (sql: string, params?: SqlParams, options: QueryOptions = {}) =>
    withConnection(options, async (connection) => {
      const { values, types } = bound(params)
      await connection.run(sql, values, types)
    })

  const close = async () => {
    if (isClosed) return
    isClosed = true
    for (const connection of busy.keys()) connection.interrupt()
    await Promise.allSettled(busy.values())
    for (const connection of idle.splice(0)) connection.closeSync()
    instance.closeSync()
  }

  return { run, rows, stream, close }
}

const sealing = (files: readonly string[]): string[] => [
  "SET GLOBAL TimeZone = 'UTC'",
  `SET allowed_paths = [${files.map((file) => `'${file.replaceAll("'", "''")}'`).join(', ')}]`,
  'SET allow_community_extensions = false',
  'SET enable_external_access = false',
  'SET lock_configuration = true',
]

const BATCH_BYTES = 1024 ** 2

const batchesOf = (result: DuckDBResult, leave: () => void, signal?: AbortSignal): RowStream['batches'] => {
  const done = { done: true, value: undefined } as const
  let chunk: DuckDBDataChunk | null = null
  let row = 0
  /** The next rows of the chunk, made one by one: all of a chunk may be far more than there is room for. */
  const piece = (of: DuckDBDataChunk): unknown[][] => {
    const rows: unknown[][] = []
    for (let bytes = 0; row < of.rowCount && bytes < BATCH_BYTES; row++) {
      const values = of.getRowValues(row).map(plainValue)
      bytes += jsonBytes(values)
      rows.push(values)
    }
    if (row === of.rowCount) chunk = null
    return rows
  }
  // No generator: one that was never begun would not run its `finally` when it is left.
  const batches: RowStream['batches'] = {
    next: async () => {
      try {
        if (!chunk) {
          chunk = (await result.fetchChunk()) ?? null
          row = 0
        }
        if (chunk && chunk.rowCount > 0) return { done: false, value: piece(chunk) }
        leave()
        return done
      } catch (error) {
        leave()
        signal?.throwIfAborted()
        throw error
      }
    },
    return: async () => {
      leave()
      return done
    },
    [Symbol.asyncIterator]: () => batches,
  }
  return batches
}

const bound = (
  params: SqlParams | undefined,
): { values?: DuckDBValue[] | Record<string, DuckDBValue>; types?: DuckDBType[] | Record<string, DuckDBType> } => {
  if (params === undefined) return {}
  if (isList(params)) return { values: params.map(paramValue), types: params.map(paramType) }
  const entries = Object.entries(params)
  return {
    values: Object.fromEntries(entries.map(([name, param]) => [name, paramValue(param)])),
    types: Object.fromEntries(entries.map(([name, param]) => [name, paramType(param)])),
  }
}

const isList = (params: SqlParams): params is readonly SqlParam[] => Array.isArray(params)

const paramValue = (param: SqlParam): DuckDBValue => {
  if (typeof param === 'number' && Number.isSafeInteger(param)) return BigInt(param)
  return typeof param === 'object' && param !== null ? listValue([...param]) : param
}

const paramType = (param: SqlParam): DuckDBType => {
  if (typeof param === 'number') return Number.isSafeInteger(param) ? BIGINT : DOUBLE
  if (typeof param === 'boolean') return BOOLEAN
  if (param === null) return SQLNULL
  return typeof param === 'object' ? LIST(VARCHAR) : VARCHAR
}

/** Digits after the milliseconds: none, three or six. */
const finer = (nanos: bigint): string => {
  const digits = String(nanos).padStart(6, '0')
  return nanos === 0n ? '' : digits.endsWith('000') ? digits.slice(0, 3) : digits
}

const MAX_DATE_MS = 8_640_000_000_000_000n

const isoTime = (nanos: bigint, fallback: { toString(): string }): string => {
  const rest = ((nanos % 1_000_000n) + 1_000_000n) % 1_000_000n
  const ms = (nanos - rest) / 1_000_000n
  // Infinity and years beyond what a JavaScript date can hold keep DuckDB's own text.
  return ms > MAX_DATE_MS || ms < -MAX_DATE_MS ? fallback.toString() : new Date(Number(ms)).toISOString().replace('Z', `${finer(rest)}Z`)
}

const MAX_EXACT_DIGITS = 10n ** 15n

const isExactAsDouble = ({ value }: DuckDBDecimalValue) => value < MAX_EXACT_DIGITS && value > -MAX_EXACT_DIGITS

const plainValue = (value: DuckDBValue): unknown => {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  if (value === null || typeof value !== 'object') return value
  if (value instanceof DuckDBTimestampTZValue || value instanceof DuckDBTimestampValue) return isoTime(value.micros * 1000n, value)
  if (value instanceof DuckDBTimestampMillisecondsValue) return isoTime(value.millis * 1_000_000n, value)
  if (value instanceof DuckDBTimestampSecondsValue) return isoTime(value.seconds * 1_000_000_000n, value)
  if (value instanceof DuckDBTimestampNanosecondsValue) return isoTime(value.nanos, value)
  if (value instanceof DuckDBDateValue) return value.toString()
  if (value instanceof DuckDBDecimalValue) return isExactAsDouble(value) ? value.toDouble() : value.toString()
  if (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue) return value.items.map(plainValue)
  if (value instanceof DuckDBStructValue)
    return Object.fromEntries(Object.entries(value.entries).map(([name, entry]) => [name, plainValue(entry)]))
  if (value instanceof DuckDBMapValue) return Object.fromEntries(value.entries.map((entry) => [String(entry.key), plainValue(entry.value)]))
  if (value instanceof DuckDBBlobValue) return Uint8Array.from(value.bytes)
  return value.toString()
}
