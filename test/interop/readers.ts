import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { tool } from '../helpers/tool.ts'

const cache = path.join(process.env['XDG_CACHE_HOME'] || path.join(homedir(), '.cache'), 'readflow')
const installed = path.join(cache, 'python/bin/python')
export const python = process.env['READFLOW_TEST_PYTHON'] ?? (existsSync(installed) ? installed : 'python3')
const sparkJars = process.env['READFLOW_TEST_SPARK_JARS'] ?? path.join(cache, 'spark-jars')

const imports: Record<ReaderName, string> = {
  'delta-rs': 'import deltalake, pyarrow',
  DuckDB: 'import duckdb, duckdb_extension_delta, duckdb_extension_httpfs, pyarrow',
  Spark: `import glob, pyspark, pyarrow, sys; sys.exit(not glob.glob(${JSON.stringify(`${sparkJars}/delta-spark_*.jar`)}))`,
}
const scripts: Record<ReaderName, string> = { 'delta-rs': 'delta_rs.py', DuckDB: 'duckdb_delta.py', Spark: 'spark.py' }

export type ReaderName = 'delta-rs' | 'DuckDB' | 'Spark'
export const readerNames: readonly ReaderName[] = ['delta-rs', 'DuckDB', 'Spark']

/** For node:test's `skip`: why a reader can't run here, or false. */
export const readerSkip = (name: ReaderName): string | false => tool(python, ['-c', imports[name]], 'bash test/interop/install.sh')

/** A column's name and its type in Delta's words. */
export type FieldText = [name: string, type: string]
/** Rows of JSON values, one a field: long and timestamp (µs) as text, date in days, binary in hex, a map as sorted pairs. */
export interface Answer {
  fields: FieldText[]
  rows: unknown[][]
}
export interface Where {
  column: string
  operator: '=' | '<' | '<=' | '>' | '>=' | 'IS NULL'
  type: 'string' | 'long' | 'double' | 'date' | 'timestamp' | 'boolean'
  /** As text that a cast to the type takes; times in ISO with microseconds. */
  value: string
}
export interface Which {
  /** Path of the table's folder, or s3://bucket/path. */
  table: string
  version?: number
  timestampMs?: number
  /** All where it is missing. */
  columns?: string[]
  where?: Where
  /** delta-rs only: its SQL engine in place of its pyarrow dataset. */
  via?: 'sql'
}

export interface Reader {
  name: ReaderName
  /** Asks one thing, after those asked before; rejects with what the reader said. */
  ask: <T = Answer>(op: 'rows' | 'each' | 'detail' | 'history' | 'progress' | 'sql', job: Which & { [key: string]: unknown }) => Promise<T>
  close: () => Promise<void>
}

/** Starts one of the scripts in readers/, which answers jobs on stdin with lines on stdout until it is closed. */
export const startReader = (name: ReaderName, env: Record<string, string> = {}): Reader => {
  const script = fileURLToPath(new URL(`./readers/${scripts[name]}`, import.meta.url))
  const child = spawn(python, ['-B', script], { env: { ...process.env, READFLOW_TEST_SPARK_JARS: sparkJars, ...env } })
  const waiting: { resolve: (value: unknown) => void; reject: (error: Error) => void }[] = []
  let said = ''
  child.stderr.on('data', (text) => {
    said = `${said}${text}`.slice(-5000)
  })
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()))
  void closed.then(() => {
    for (const { reject } of waiting.splice(0)) reject(new Error(`${name} ended:\n${said}`))
  })
  child.once('error', (error) => {
    said += String(error)
  })
  // A reader that ended is reported by `closed`, with what it said.
  child.stdin.on('error', () => {})
  createInterface({ input: child.stdout }).on('line', (line) => {
    const reply = JSON.parse(line) as { ok?: unknown; error?: string }
    const { resolve, reject } = waiting.shift()!
    if (reply.error === undefined) resolve(reply.ok)
    else reject(new Error(`${name}: ${reply.error}`))
  })
  return {
    name,
    ask: <T>(op: string, job: object) =>
      new Promise<T>((resolve, reject) => {
        waiting.push({ resolve: resolve as (value: unknown) => void, reject })
        child.stdin.write(`${JSON.stringify({ op, ...job })}\n`)
      }),
    close: async () => {
      child.stdin.end()
      await closed
    },
  }
}
