import { mkdir, readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { sqlName, sqlText } from '../../lake/sql.ts'
import type { Log } from '../../runtime/log.ts'
import { entityNames } from '../../schemas/catalogue.ts'
import { checkGold, emptyTable } from '../derive.ts'
import { type Derived, holding, keyedAsync, type SourceOptions } from '../sources.ts'
import { type GoldName, goldNames, goldTables } from '../tables.ts'
import { sparkPlan } from './plan.ts'
import { runSpark } from './run.ts'

export interface SparkOptions {
  python: string
  /** As Spark has it: `local[*]`, `spark://host:port`, … */
  master: string
  conf: Readonly<Record<string, string>>
  log: Log
}

/**
 * Derives Gold from all of Silver on Spark, in `tempDir`; afterwards each Gold table, and `book_ratings` for the checks, is
 * a DuckDB view of what Spark wrote. Where masters are on other machines, that folder and Silver's files must be there under the same paths.
 * Rejects with ReadflowError `missing-tool` or `build-failed`.
 */
export const deriveOnSpark =
  ({ python, master, conf, log }: SparkOptions) =>
  ({ duckdb, files, silver, tempDir, signal }: SourceOptions & { tempDir: string }): Promise<Derived> =>
    holding(files, signal, async (hold) => {
      const inputs = await keyedAsync(entityNames, async (entity) => {
        const snapshot = silver[entity]
        return { snapshot, localPath: await hold(`silver/${entity}`, snapshot.files.values()) }
      })
      const dir = path.join(tempDir, 'spark')
      await mkdir(dir)
      const planFile = path.join(dir, 'plan.json')
      await writeFile(planFile, JSON.stringify(sparkPlan({ master, conf, dir, silver: inputs })))
      await runSpark({
        python,
        master,
        planFile,
        onModel: ({ model, seconds }) => log.debug({ model, duration_ms: Math.round(seconds * 1000) }, 'model built on Spark'),
        signal,
      })
      for (const name of goldNames) await duckdb.run(`CREATE VIEW ${name} AS ${await goldRows(dir, name)}`)
      await duckdb.run(
        `CREATE VIEW book_ratings AS FROM read_parquet(${sqlText(path.join(dir, 'book_ratings', '*.parquet'))}, hive_partitioning = false)`,
      )
      await checkGold(duckdb)
      return null
    })

/** A SELECT of what Spark wrote of a table. */
const goldRows = async (dir: string, name: GoldName): Promise<string> => {
  const table = goldTables[name]
  const written = await readdir(path.join(dir, name))
  const files = written.filter((file) => file.endsWith('.parquet')).map((file) => path.join(dir, name, file))
  if (files.length === 0) return emptyTable(table)
  return `SELECT ${Object.keys(table.columns).map(sqlName).join(', ')} FROM read_parquet([${files.map(sqlText).join(', ')}], hive_partitioning = false)`
}
