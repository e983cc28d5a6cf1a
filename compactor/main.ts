import { mkdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { openStore } from '../lake/store/open.ts'
import { parseConfig } from '../runtime/config/config.ts'
import { openDuckDb } from '../runtime/duckdb.ts'
import { errorLine } from '../runtime/errors.ts'
import { runProgram, sleep } from '../runtime/lifecycle.ts'
import { createLog } from '../runtime/log.ts'
import { createPausable } from '../runtime/pausable.ts'
import { type BuildResult, buildGold, openBuildTables } from './build.ts'
import { runBuilds } from './schedule.ts'
import { removeLeftovers } from './temp.ts'

await runProgram('compact', async ({ argv, env, signal, defer }) => {
  const config = parseConfig('compact', argv, env)
  if (!config) return
  const pausable = createPausable(config.pausedStages ?? [])
  const log = createLog('compact', config.logLevel)
  const store = openStore(config.lakeUrl)
  defer(() => store.close())
  const tempDir = path.join(config.dataDir, 'tmp', 'compact', String(process.pid))
  await removeLeftovers(path.dirname(tempDir))
  await mkdir(tempDir, { recursive: true })
  defer(() => rm(tempDir, { recursive: true, force: true }))

  const tables = openBuildTables(store)
  const build = (until: AbortSignal) => buildGold({ store, tables, openDuckDb, tempDir, log, nowMs: Date.now, signal: until })
  const report = (state: string, detail: Record<string, unknown>) =>
    process.send?.({ type: 'status', program: 'compact', state, ...detail })

  if (config.isOnce) {
    const result = await build(signal)
    process.stdout.write(`${JSON.stringify(summaryOf(result))}\n`)
    return
  }
  report('running', {})
  await pausable.run('gold', signal, (until) =>
    runBuilds({
      build: () => build(until),
      intervalMs: config.buildIntervalMs,
      sleep: (delayMs) => sleep(delayMs, until),
      random: Math.random,
      onResult: (result) => report('running', summaryOf(result)),
      onFailure: (error, retryInMs) => {
        log.error({ error: errorLine(error), retryInMs }, 'gold build failed')
        report('running', { lastError: errorLine(error) })
      },
      signal: until,
    }),
  )
})

// A function, not a constant: the program above runs before a constant down here exists.
function summaryOf({ durationMs, version, rows }: BuildResult) {
  return { ok: true, seconds: Math.round(durationMs / 100) / 10, version, gold: rows }
}
