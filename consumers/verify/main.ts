import path from 'node:path'
import { openLocalFiles } from '../../lake/store/local-files.ts'
import { openStore } from '../../lake/store/open.ts'
import { openProcessFolder } from '../../lake/store/process-folder.ts'
import { parseConfig } from '../../runtime/config/config.ts'
import { openDuckDb } from '../../runtime/duckdb.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import { openSecondReader } from '../../runtime/kafka/second/reader.ts'
import { runProgram } from '../../runtime/lifecycle.ts'
import { openRegistry } from '../../runtime/registry.ts'
import { requireBrokers, requireServices } from '../../runtime/services.ts'
import { pinTables } from './pin.ts'
import { exitCodeOf, reportText } from './report.ts'
import { verify } from './verify.ts'

/** What DuckDB may use; what does not fit is on disk. */
const MEMORY_LIMIT = '128MB'
/** It could not be found out, as of what was not compared; 1 means that it does not hold. */
const NOT_TOLD = 2

await runProgram(
  'verify',
  async ({ argv, env, signal, defer }) => {
    const config = parseConfig('verify', argv, env)
    if (!config) return 0
    const brokers = requireBrokers(config)
    const store = openStore(config.lakeUrl, { signal })
    defer(() => store.close())
    const tables = await pinTables(store)
    const isEmpty = [...tables.bronze.values(), ...tables.silver.values()].every(({ snapshot }) => snapshot.version < 0)
    if (isEmpty && tables.damage.length === 0)
      throw new ReadflowError('config', `There are no tables in ${config.lakeUrl}.`, { hint: 'Name another lake with --lake or --data.' })
    const reader = await openSecondReader({ brokers, clientId: 'readflow-verify' })
    defer(() => reader.close())
    const registry = config.areFieldsCompared ? openRegistry(requireServices(config).registryUrl) : null
    const copies = await openProcessFolder(path.join(config.dataDir, 'cache', 'verify'))
    defer(copies.close)
    const temp = await openProcessFolder(path.join(config.dataDir, 'tmp', 'verify'))
    defer(temp.close)
    const files = openLocalFiles({ store, dir: copies.dir, maxBytes: config.cacheMaxBytes })
    const duckdb = await openDuckDb({ memoryLimit: MEMORY_LIMIT, tempDir: temp.dir })
    defer(() => duckdb.close())
    const onProgress = (line: string) => process.stderr.write(`${line}\n`)
    const report = await verify({ files, reader, registry, duckdb, signal, onProgress }, tables).catch((cause: unknown) => {
      // Its files were looked at before they were read: one that can not be opened now has gone meanwhile, with its lake.
      const [, file] = /^IO Error: .*?"([^"]+)"/.exec(cause instanceof Error ? cause.message : '') ?? []
      if (file === undefined) throw cause
      throw new ReadflowError('lake-unavailable', `A file of the lake went away while it was read: ${file}.`, {
        hint: 'Is its disk mounted? Then verify again.',
        cause,
      })
    })
    process.stdout.write(config.isJson ? `${JSON.stringify(report)}\n` : reportText(report))
    return exitCodeOf(report)
  },
  { failureCode: NOT_TOLD },
)
