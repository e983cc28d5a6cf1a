import { openTable } from '../../lake/delta/table.ts'
import { openStore } from '../../lake/store/open.ts'
import { openRuns } from '../../lineage/runs/open.ts'
import { type RunHandle, withRun } from '../../lineage/runs/recorder.ts'
import { parseConfig } from '../../runtime/config/config.ts'
import { runProgram } from '../../runtime/lifecycle.ts'
import { createLog } from '../../runtime/log.ts'
import { progressLine } from '../../runtime/progress-line.ts'
import { namedTables, upkeepTables } from '../upkeep/tables.ts'
import { pruneGold, vacuumTable } from '../upkeep/vacuum.ts'
import { megabytes } from './show.ts'

await runProgram('vacuum', async ({ argv, env, signal, defer }) => {
  const config = parseConfig('vacuum', argv, env)
  if (!config) return
  const store = openStore(config.lakeUrl, { signal })
  defer(() => store.close())
  const { isDryRun } = config
  const options = { retainMs: config.retainMs, isShortAllowed: config.isShortRetentionAllowed, isDryRun, nowMs: Date.now(), signal }
  const tables = namedTables(
    upkeepTables((root) => openTable(store, root)),
    config.operands,
  )
  const show = progressLine()
  const work = async (run: RunHandle) => {
    if (!isDryRun) run.begin()
    const { removed: goldVersions, kept } = await pruneGold(store, tables, options)
    const verb = isDryRun ? 'would be removed' : 'removed'
    if (goldVersions > 0 && !config.isJson) process.stdout.write(`gold: ${goldVersions} published versions ${verb}\n`)
    const results: ({ table: string } & Awaited<ReturnType<typeof vacuumTable>>)[] = []
    for (const each of tables) {
      let files = 0
      const onFile = ({ path }: { path: string }) => {
        if (isDryRun && !config.isJson) process.stdout.write(`${path}\n`)
        else show(`${each.name}: ${++files} files`)
      }
      const result = await vacuumTable(each, kept, { ...options, onFile })
      show('')
      results.push({ table: each.name, ...result })
      const log = result.logFiles > 0 ? `, and ${result.logFiles} expired files of its log` : ''
      if (!config.isJson) process.stdout.write(`${each.name}: ${result.files} files, ${megabytes(result.bytes)} ${verb}${log}\n`)
    }
    const sum = (count: 'files' | 'bytes' | 'logFiles') => results.reduce((total, each) => total + each[count], 0)
    run.note({ counts: { files: sum('files'), bytes: sum('bytes'), log_files: sum('logFiles'), gold_versions: goldVersions } })
    if (config.isJson) process.stdout.write(`${JSON.stringify({ ok: true, dryRun: isDryRun, goldVersions, tables: results })}\n`)
  }
  // The compactor publishes it.
  const runs = await openRuns({ ...config, store, programs: ['vacuum'], brokers: undefined, log: createLog('vacuum', 'error') })
  defer(runs.close)
  await withRun(runs, { kind: 'vacuum', job: 'vacuum', signal }, work)
})
