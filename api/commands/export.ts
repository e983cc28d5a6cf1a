import { access, stat } from 'node:fs/promises'
import path from 'node:path'
import { openLocalFiles } from '../../lake/store/local-files.ts'
import { openStore } from '../../lake/store/open.ts'
import { openProcessFolder } from '../../lake/store/process-folder.ts'
import { parseConfig } from '../../runtime/config/config.ts'
import { openDuckDb } from '../../runtime/duckdb.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import { runProgram } from '../../runtime/lifecycle.ts'
import { type ExportFormat, exportFormats, exportGold, exportName } from '../export/gold-file.ts'
import { wantedGold } from './wanted-gold.ts'

await runProgram('export', async ({ argv, env, signal, defer }) => {
  const config = parseConfig('export', argv, env)
  if (!config) return
  const format = exportFormats.find((each) => each === (config.format ?? 'duckdb'))
  if (!format)
    throw new ReadflowError('config', `--format ${config.format}: export takes duckdb and parquet.`, {
      hint: 'See readflow export --help.',
    })
  const store = openStore(config.lakeUrl, { signal })
  defer(() => store.close())
  const published = await wantedGold(store, config)
  const file = path.resolve(config.output ?? exportName(published, format as ExportFormat))
  const isThere = await access(file).then(
    () => true,
    () => false,
  )
  const folder = path.dirname(file)
  const isFolder = await stat(folder).then(
    (found) => found.isDirectory(),
    () => false,
  )
  if (!isFolder) throw new ReadflowError('config', `There is no folder ${folder}.`, { hint: 'Make it, or name another with --output.' })
  if (isThere) throw new ReadflowError('config', `${file} is there already.`, { hint: 'Name another with --output, or remove it.' })
  const copies = await openProcessFolder(path.join(config.dataDir, 'cache', 'export'))
  defer(copies.close)
  const temp = await openProcessFolder(path.join(config.dataDir, 'tmp', 'export'))
  defer(temp.close)
  const duckdb = await openDuckDb({ memoryLimit: '512MB', tempDir: temp.dir })
  defer(() => duckdb.close())
  const files = openLocalFiles({ store, dir: copies.dir, maxBytes: config.cacheMaxBytes })
  const progress = (table: string) => void (process.stderr.isTTY && process.stderr.write(`export: ${table}\n`))
  await exportGold({ store, files, duckdb, published, progress, signal }, format, file)
  const { size } = await stat(file)
  process.stdout.write(
    `${JSON.stringify({ file, format, version: published.version, published_at: published.publishedAt, bytes: size })}\n`,
  )
})
