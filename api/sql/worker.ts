import { writeFileSync } from 'node:fs'
import { sqlName } from '../../lake/sql.ts'
import { type DuckDb, openDuckDb } from '../../runtime/duckdb.ts'
import { isOutOfMemory } from '../../runtime/duckdb-errors.ts'
import { jsonBytes } from '../../runtime/duckdb-size.ts'
import { createJudge } from './judging.ts'
import type { Ask, More, Say } from './protocol.ts'

/*
 * A process of its own for SQL from outside: it gets files that are copies, opens a DuckDB that can reach nothing else, and is
 * killed where it goes on for too long or takes too much memory. It knows neither the lake nor a secret.
 */
const [tempDir = '', memoryLimit = '256MB', maxTempSize = '1GB', maxRss = '1000000000'] = process.argv.slice(2)
const WATCH_INTERVAL_MS = 100
/** Of the limit: DuckDB's own and what Node.js takes stay below. */
const SPENT_SHARE = 0.75
const isSpent = () => process.memoryUsage.rss() > SPENT_SHARE * Number(maxRss)

const say = (message: Say) =>
  new Promise<void>((resolve, reject) => process.send!(message, undefined, undefined, (error) => (error ? reject(error) : resolve())))

let more: (() => void) | undefined
const waitForMore = () =>
  new Promise<void>((resolve) => {
    more = resolve
  })

const judgeText = createJudge(() => openDuckDb({ memoryLimit: '64MB', threads: 1, sealedFiles: [] }))

/** The DuckDB of the last query stays for the next one that reads the same. */
let kept: { key: string; duckdb: DuckDb } | undefined
const databaseFor = async ({ files, views }: Extract<Ask, { kind: 'run' }>): Promise<DuckDb> => {
  const key = JSON.stringify([files, views])
  if (kept?.key === key) return kept.duckdb
  await kept?.duckdb.close()
  kept = undefined
  const duckdb = await openDuckDb({ memoryLimit, threads: 1, tempDir, maxTempSize, sealedFiles: files })
  for (const { name, select } of views) await duckdb.run(`CREATE VIEW ${sqlName(name)} AS ${select}`)
  kept = { key, duckdb }
  return duckdb
}

const run = async (ask: Extract<Ask, { kind: 'run' }>) => {
  const startedAtMs = performance.now()
  const duckdb = await databaseFor(ask)
  const { columns, batches } = await duckdb.stream(ask.sql, ask.params)
  await say({ kind: 'columns', columns })
  // Formats of objects have the names in every row.
  const nameBytes = ask.hasNamesInRows ? columns.reduce((sum, { name }) => sum + name.length + 4, 0) : 0
  let [rowCount, bytes, truncated] = [0, 0, false]
  try {
    for await (const batch of batches) {
      const rows: unknown[][] = []
      for (const row of batch) {
        const size = nameBytes + jsonBytes(row)
        if (rowCount === ask.maxRows || bytes + size > ask.maxBytes) {
          truncated = true
          break
        }
        rowCount++
        bytes += size
        rows.push(row)
      }
      const asked = waitForMore()
      await say({ kind: 'batch', rows })
      await asked
      if (truncated) break
    }
  } finally {
    await batches.return()
  }
  // What was left of a stream is not worth keeping the database busy for.
  if (truncated) {
    await duckdb.close()
    kept = undefined
  }
  await say({ kind: 'done', rowCount, truncated, elapsedMs: performance.now() - startedAtMs, isSpent: isSpent() })
}

process.on('message', (message: Ask | More) => {
  if (message.kind === 'more') return more?.()
  const work =
    message.kind === 'judge' ? judgeText(message.sql, message.known).then((judged) => say({ kind: 'judged', judged })) : run(message)
  work.catch(async (error: unknown) => {
    const text = error instanceof Error ? error.message : String(error)
    await say({ kind: 'failed', message: text, isSpent: isSpent() || isOutOfMemory(error) }).catch(() => undefined)
  })
})
process.on('disconnect', () => process.exit(0))

// The first to go where the machine itself runs out of memory.
try {
  writeFileSync('/proc/self/oom_score_adj', '900')
} catch {
  // Only Linux has it, and it is no more than a wish.
}
setInterval(() => {
  if (process.memoryUsage.rss() > Number(maxRss)) process.kill(process.pid, 'SIGKILL')
}, WATCH_INTERVAL_MS).unref()
