import { openTable } from '../../lake/delta/table.ts'
import { openStore } from '../../lake/store/open.ts'
import { parseConfig } from '../../runtime/config/config.ts'
import { runProgram } from '../../runtime/lifecycle.ts'
import { namedTables, upkeepTables } from '../upkeep/tables.ts'
import { pruneGold, vacuumTable } from '../upkeep/vacuum.ts'
import { megabytes, progressLine } from './show.ts'

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
  const { removed: goldVersions, newest } = await pruneGold(store, tables, options)
  const verb = isDryRun ? 'would be removed' : 'removed'
  if (goldVersions > 0 && !config.isJson) process.stdout.write(`gold: ${goldVersions} published versions ${verb}\n`)
  const results = []
  for (const each of tables) {
    let files = 0
    const onFile = ({ path }: { path: string }) => {
      if (isDryRun && !config.isJson) process.stdout.write(`${path}\n`)
      else show(`${each.name}: ${++files} files`)
    }
    const result = await vacuumTable(each, newest, { ...options, onFile })
    show('')
    results.push({ table: each.name, ...result })
    const log = result.logFiles > 0 ? `, and ${result.logFiles} expired files of its log` : ''
    if (!config.isJson) process.stdout.write(`${each.name}: ${result.files} files, ${megabytes(result.bytes)} ${verb}${log}\n`)
  }
  if (config.isJson) process.stdout.write(`${JSON.stringify({ ok: true, dryRun: isDryRun, goldVersions, tables: results })}\n`)
})
