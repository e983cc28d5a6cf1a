import path from 'node:path'
import { openLocalFiles } from '../../lake/store/local-files.ts'
import { openStore } from '../../lake/store/open.ts'
import { openProcessFolder } from '../../lake/store/process-folder.ts'
import { trace } from '../../lineage/trace/trace.ts'
import { parseConfig } from '../../runtime/config/config.ts'
import { openDuckDb } from '../../runtime/duckdb.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import { runProgram } from '../../runtime/lifecycle.ts'
import { cachedTables } from '../upkeep/tables.ts'
import { lineageText } from './lineage-text.ts'

const MEMORY_LIMIT = '256MB'

await runProgram('lineage', async ({ argv, env, signal, defer }) => {
  const config = parseConfig('lineage', argv, env)
  if (!config) return
  const [table = '', key = ''] = config.operands
  if (table === '' || key === '')
    throw new ReadflowError('config', 'A table and a key must be named, such as: readflow lineage gold.dim_book 1200182.', {
      hint: 'See readflow lineage --help.',
    })
  const store = openStore(config.lakeUrl, { signal })
  defer(() => store.close())
  const copies = await openProcessFolder(path.join(config.dataDir, 'cache', 'lineage'))
  defer(copies.close)
  const temp = await openProcessFolder(path.join(config.dataDir, 'tmp', 'lineage'))
  defer(temp.close)
  const files = openLocalFiles({ store, dir: copies.dir, maxBytes: config.cacheMaxBytes })
  const duckdb = await openDuckDb({ memoryLimit: MEMORY_LIMIT, tempDir: temp.dir })
  defer(() => duckdb.close())
  const tableAt = cachedTables(store, () => {})
  const found = await trace({ store, files, duckdb, tableAt, signal }, { table, key, version: config.version })
  process.stdout.write(config.isJson ? `${JSON.stringify(found)}\n` : lineageText(found))
})
