import path from 'node:path'
import { text as textOf } from 'node:stream/consumers'
import type { GateHold } from '../../lake/gate-log.ts'
import { readPublished } from '../../lake/published.ts'
import { openLocalFiles } from '../../lake/store/local-files.ts'
import { openStore } from '../../lake/store/open.ts'
import { openProcessFolder } from '../../lake/store/process-folder.ts'
import { parseConfig } from '../../runtime/config/config.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import { runProgram } from '../../runtime/lifecycle.ts'
import { lineText } from '../../runtime/line-text.ts'
import { createLog } from '../../runtime/log.ts'
import { Problem } from '../http/problem.ts'
import { holdReason, openGateReader } from '../pipeline/gate.ts'
import { openPool, sqlLimits } from '../sql/pool.ts'
import { openSql, type SqlHead } from '../sql/service.ts'
import { deadLetterRows } from '../topics/dead-letters.ts'
import { openTopicsKafka } from '../topics/kafka.ts'
import { printerOf } from './sql-output.ts'
import { wantedGold } from './wanted-gold.ts'

const TIMEOUT_MS = 600_000

/** Which Gold a result is of, for people. */
const saysOf = ({ version, completeThrough }: SqlHead, hold: GateHold | null): string => {
  if (version === null) return 'sql: no Gold is published yet'
  const complete = completeThrough === null ? '' : `, complete through ${completeThrough}`
  return `sql: Gold version ${version}${complete}${hold ? `; newer data is held since ${hold.since}: ${holdReason(hold)}` : ''}`
}

const MAX_BYTES = 4 * 1024 ** 3

await runProgram('sql', async ({ argv, env, signal, defer }) => {
  const config = parseConfig('sql', argv, env)
  if (!config) return 0
  const [operand = ''] = config.operands
  if (operand === '')
    throw new ReadflowError('config', 'Name a query, such as: readflow sql "SHOW TABLES".', { hint: 'See readflow sql --help.' })
  const query = operand === '-' ? await textOf(process.stdin) : operand
  const printer = printerOf(config.format ?? 'table')
  if (!printer)
    throw new ReadflowError('config', `--format ${config.format}: sql takes table, json, ndjson and csv.`, {
      hint: 'See readflow sql --help.',
    })
  const store = openStore(config.lakeUrl, { signal })
  defer(() => store.close())
  const copies = await openProcessFolder(path.join(config.dataDir, 'cache', 'sql'))
  defer(copies.close)
  const temp = await openProcessFolder(path.join(config.dataDir, 'tmp', 'sql'))
  defer(temp.close)
  const pool = openPool({ ...sqlLimits, workers: 1, tempDir: temp.dir, filesDir: copies.dir })
  defer(() => pool.close())
  const kafka = openTopicsKafka({ brokers: () => config.kafkaBrokers ?? null, registryUrl: () => config.schemaRegistryUrl ?? null })
  defer(() => kafka.close())
  const gate = openGateReader({ store, log: createLog('sql', 'error') })
  defer(() => gate.close())
  await gate.refresh()
  const newest = (await readPublished(store))?.version ?? null
  const sql = openSql({
    store,
    copies: openLocalFiles({ store: { ...store, localPath: () => null }, dir: copies.dir, maxBytes: config.cacheMaxBytes }),
    ...{ copiesDir: copies.dir, pool, newest: () => newest, readDeadLetters: deadLetterRows(kafka) },
  })
  const version = config.asOf === undefined ? config.version : (await wantedGold(store, config)).version
  const asked = {
    sql: query,
    params: config.parameters,
    version,
    maxRows: config.maxRows,
    maxBytes: MAX_BYTES,
    hasNamesInRows: config.format === 'json' || config.format === 'ndjson',
    timeoutMs: TIMEOUT_MS,
    signal,
  }
  try {
    let of: SqlHead | undefined
    const begin = (head: SqlHead) => {
      of = head
      printer.begin(head.columns)
    }
    const { truncated, rowCount } = await sql.run(asked, begin, printer.rows)
    printer.end()
    process.stderr.write(`${lineText(saysOf(of!, version === undefined ? gate.held() : null))}\n`)
    if (!truncated) return 0
    process.stderr.write(`sql: there are more rows than these ${rowCount}; --max-rows says how many may come.\n`)
    return 1
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    const { parameter, detail } = error.faults[0] ?? {}
    // Of several lines: what was asked, and a mark below where it is wrong.
    const said = parameter === 'sql' && detail?.includes('LINE') ? detail : error.message
    process.stderr.write(`sql: ${said.split('\n').map(lineText).join('\n')}\n`)
    return error.status >= 500 ? 1 : 2
  }
})
