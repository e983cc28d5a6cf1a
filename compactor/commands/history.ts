import { type HistoryEntry, openTable } from '../../lake/delta/table.ts'
import { openStore } from '../../lake/store/open.ts'
import { parseConfig } from '../../runtime/config/config.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import { runProgram } from '../../runtime/lifecycle.ts'
import { lineText } from '../../runtime/line-text.ts'
import { namedTables, upkeepTables } from '../upkeep/tables.ts'

await runProgram('history', async ({ argv, env, signal, defer }) => {
  const config = parseConfig('history', argv, env)
  if (!config) return
  const store = openStore(config.lakeUrl, { signal })
  defer(() => store.close())
  const [{ name, table } = { name: '', table: null }] = namedTables(
    upkeepTables((root) => openTable(store, root)),
    [config.operands[0] ?? ''],
  )
  const entries = await table!.history({ limit: config.limit })
  if (entries.length === 0) throw new ReadflowError('lake-not-found', `${name} does not exist yet in ${store.url}.`)
  for (const entry of entries) process.stdout.write(`${config.isJson ? jsonLine(entry) : lineText(textLine(entry))}\n`)
})

// Functions, not constants: the program above runs before a constant down here exists.
function jsonLine({ version, timestampMs, operation, commitInfo }: HistoryEntry): string {
  return JSON.stringify({ version, timestamp: new Date(timestampMs).toISOString(), operation, commitInfo })
}

function textLine({ version, timestampMs, operation, commitInfo }: HistoryEntry): string {
  const metrics = Object.entries((commitInfo?.['operationMetrics'] ?? {}) as Record<string, unknown>).map(
    ([key, value]) => `${key}=${value}`,
  )
  return [String(version).padStart(8), new Date(timestampMs).toISOString(), operation.padEnd(18), commitInfo?.engineInfo ?? '', ...metrics]
    .join('  ')
    .trimEnd()
}
