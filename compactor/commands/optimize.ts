import path from 'node:path'
import { type OptimizeResult, optimize } from '../../lake/delta/optimize.ts'
import { openTable } from '../../lake/delta/table.ts'
import { openStore } from '../../lake/store/open.ts'
import { openProcessFolder } from '../../lake/store/process-folder.ts'
import { openRuns } from '../../lineage/runs/open.ts'
import { type RunHandle, withRun } from '../../lineage/runs/recorder.ts'
import { parseConfig } from '../../runtime/config/config.ts'
import { openDuckDb } from '../../runtime/duckdb.ts'
import { errorLine, ReadflowError } from '../../runtime/errors.ts'
import { runProgram } from '../../runtime/lifecycle.ts'
import { createLog } from '../../runtime/log.ts'
import { progressLine } from '../../runtime/progress-line.ts'
import { type Optimized, optimizeDetails } from '../upkeep/details.ts'
import { createRewrite } from '../upkeep/rewrite.ts'
import { namedTables, upkeepTables } from '../upkeep/tables.ts'
import { megabytes } from './show.ts'

await runProgram('optimize', async ({ argv, env, signal, defer }) => {
  const config = parseConfig('optimize', argv, env)
  if (!config) return
  const store = openStore(config.lakeUrl, { signal })
  defer(() => store.close())
  const tables = namedTables(
    upkeepTables((root) => openTable(store, root)),
    config.operands,
  )
  const workspace = await openProcessFolder(path.join(config.dataDir, 'tmp', 'optimize'))
  defer(workspace.close)
  const rewrite = createRewrite({ openDuckDb, tempDir: workspace.dir, signal })
  const show = progressLine()
  // The compactor publishes it.
  const runs = await openRuns({ ...config, store, programs: ['optimize'], brokers: undefined, log: createLog('optimize', 'error') })
  defer(runs.close)
  const optimized: Optimized[] = []
  const results: ({ table: string; ms: number } & OptimizeResult)[] = []
  let failures = 0
  const work = async (run: RunHandle) => {
    for (const { name, table, sortBy } of tables) {
      const startedMs = Date.now()
      const result = await optimize(table, {
        rewrite,
        sortBy,
        targetBytes: config.targetBytes,
        minFiles: 2,
        signal,
        onProgress: (result) => {
          if (result.commits > 0) run.begin(optimizeDetails([...optimized, { name, table, result }]))
          show(`${name}: ${result.filesRemoved} files merged, ${megabytes(result.bytesRemoved)}`)
        },
        onFailure: (error) => process.stderr.write(`optimize: ${name}: ${errorLine(error)}\n`),
      })
      await table.settled()
      show('')
      failures += result.failures
      optimized.push({ name, table, result })
      run.note(optimizeDetails(optimized))
      results.push({ table: name, ...result, ms: Date.now() - startedMs })
      if (config.isJson) continue
      const { filesRemoved, filesAdded, bytesRemoved, bytesAdded, conflicts, filesLeftOut } = result
      const done =
        filesRemoved === 0
          ? 'nothing to merge'
          : `${filesRemoved} files, ${megabytes(bytesRemoved)} → ${filesAdded} files, ${megabytes(bytesAdded)}`
      const later = conflicts > 0 ? `; ${conflicts} groups left for the next time, as another writer changed them` : ''
      const left = filesLeftOut > 0 ? `; ${filesLeftOut} files stay small, as to sort two of them takes more memory than there is` : ''
      process.stdout.write(`${name}: ${done}${later}${left}\n`)
    }
    if (failures > 0) run.end('failed', `${failures} groups of files could not be merged`)
  }
  await withRun(runs, { kind: 'optimize', job: 'optimize', signal }, work)
  if (config.isJson) process.stdout.write(`${JSON.stringify({ ok: failures === 0, tables: results })}\n`)
  if (failures > 0) throw new ReadflowError('lake-invalid', `${failures} groups of files could not be merged, and are as they were.`)
})
