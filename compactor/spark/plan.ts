import { availableParallelism } from 'node:os'
import type { ColumnType } from '../../lake/columns/column.ts'
import { type AddFile, filePath } from '../../lake/delta/actions.ts'
import type { Snapshot } from '../../lake/delta/snapshot.ts'
import { entityNames } from '../../schemas/catalogue.ts'
import type { EntityName } from '../../schemas/records.ts'
import { currentRows, inputColumns } from '../inputs.ts'
import { keptViews, loadFunctions, loadModels } from '../models.ts'
import { type GoldName, type GoldTable, type GoldType, goldTables } from '../tables.ts'

/** What `driver.py` does, as JSON. */
export interface SparkPlan {
  master: string
  conf: Record<string, string>
  /** Existing folder, on every machine the same: each model's rows go to a folder of its name in it. */
  dir: string
  /** Views of Parquet files. `constants` are columns by their value and type, for they stand in the log alone. */
  relations: {
    name: string
    schema: string
    groups: { files: string[]; constants: Record<string, [value: string | null, type: string]> }[]
  }[]
  /** Views by a SELECT, in order. */
  views: { name: string; sql: string }[]
  functions: string[]
  /** `clusteredBy`: columns whose equal values should lie together, so that each partition is read alone. */
  /** `isView`: computed where it is read. */
  models: { name: string; sql: string; isView: boolean; clusteredBy: readonly string[]; isExplained: boolean }[]
}

export interface SparkPlanOptions {
  master: string
  /** What a person sets; it wins over what stands here. */
  conf: Readonly<Record<string, string>>
  dir: string
  /** The newest Silver, and where its files lie in the local file system. */
  silver: Record<EntityName, { snapshot: Pick<Snapshot, 'metadata' | 'files'>; localPath: (path: string) => string }>
}

/** The plan of a derivation of all Gold tables. Pure. */
export const sparkPlan = ({ master, conf, dir, silver }: SparkPlanOptions): SparkPlan => {
  const found = entityNames.map((entity) => ({ entity, ...silver[entity] }))
  const models = loadModels('spark')
  return {
    master,
    conf: { ...defaultConf(master, dir), ...conf },
    dir,
    relations: found.filter(({ snapshot }) => snapshot.files.size > 0).map(relationOf),
    views: [
      ...found
        .filter(({ snapshot }) => snapshot.files.size === 0)
        .map(({ entity }) => ({
          name: `silver_${entity}_history`,
          sql: emptySql(inputColumns[entity].map(([name, type]) => [name, sparkType(type)])),
        })),
      ...entityNames.map((entity) => ({ name: `silver_${entity}`, sql: currentRows(entity) })),
      // Everything is derived: nothing is kept.
      ...Object.entries(keptViews).map(([name, table]) => ({ name, sql: emptySql(goldColumns(goldTables[table])) })),
    ],
    functions: statementsOf(loadFunctions('spark')),
    models: [...models.versions, ...models.tables].map(({ name, sql }) => ({
      name,
      sql,
      isView: views.has(name),
      clusteredBy: isGold(name) ? goldTables[name].partitionColumns : [],
      isExplained: name.startsWith('fact_'),
    })),
  }
}

/** Models that are constants, cheap, or read once: to write them costs more than it saves. */
const views: ReadonlySet<string> = new Set(
  'genres shelf_genres bookkeeping_shelves new_book_authors new_book_shelves book_versions author_versions book_version_authors book_genres book_lists fact_days rating_prior'.split(
    ' ',
  ),
)

/** What of Spark's settings the rows depend on, and what fits a build. */
const defaultConf = (master: string, dir: string): Record<string, string> => ({
  'spark.sql.session.timeZone': 'UTC',
  'spark.sql.ansi.enabled': 'true',
  'spark.sql.parquet.outputTimestampType': 'TIMESTAMP_MICROS',
  'spark.sql.parquet.datetimeRebaseModeInRead': 'CORRECTED',
  'spark.sql.parquet.datetimeRebaseModeInWrite': 'CORRECTED',
  // Names from the contract, as they are written there.
  'spark.sql.caseSensitive': 'true',
  // Small row groups: what stages a partition leaves out those of others.
  'spark.hadoop.parquet.block.size': String(8 * 1024 ** 2),
  'spark.hadoop.mapreduce.fileoutputcommitter.marksuccessfuljobs': 'false',
  // Dimensions go to every executor whole, so that no fact is shuffled to be joined.
  'spark.sql.autoBroadcastJoinThreshold': '64MB',
  'spark.driver.memory': '2g',
  'spark.ui.enabled': 'false',
  'spark.local.dir': `${dir}/spark`,
  'spark.sql.warehouse.dir': `${dir}/warehouse`,
  ...(master.startsWith('local')
    ? {
        'spark.driver.host': '127.0.0.1',
        'spark.driver.bindAddress': '127.0.0.1',
        'spark.sql.shuffle.partitions': String(Math.max(8, 4 * availableParallelism())),
      }
    : {}),
})

const relationOf = ({ entity, snapshot, localPath }: { entity: EntityName } & SparkPlanOptions['silver'][EntityName]) => {
  const fields = new Map(snapshot.metadata?.fields.map(({ name, type }) => [name, sparkTypeOf(type)]))
  const columns = inputColumns[entity].map(([name, type]) => [name, fields.get(name) ?? sparkType(type)] as const)
  const partitions = columns.filter(([name]) => snapshot.metadata?.partitionColumns.includes(name))
  const constantsOf = ({ partitionValues }: AddFile) =>
    Object.fromEntries(partitions.map(([name, type]): [string, [string | null, string]] => [name, [partitionValues[name] || null, type]]))
  const groups = Map.groupBy(snapshot.files.values(), (file) => JSON.stringify(constantsOf(file)))
  return {
    name: `silver_${entity}_history`,
    schema: schemaOf(columns),
    groups: [...groups.values()].map((files) => ({
      files: files.map(({ path }) => localPath(filePath(path))),
      constants: constantsOf(files[0]!),
    })),
  }
}

const schemaOf = (columns: readonly (readonly [string, string])[]) => columns.map(([name, type]) => `\`${name}\` ${type}`).join(', ')

const emptySql = (columns: readonly (readonly [string, string])[]) =>
  `SELECT ${columns.map(([name, type]) => `CAST(NULL AS ${type}) AS \`${name}\``).join(', ')} WHERE FALSE`

const goldTypes: Readonly<Record<GoldType, string>> = {
  ...{ string: 'STRING', long: 'BIGINT', double: 'DOUBLE', boolean: 'BOOLEAN', timestamp: 'TIMESTAMP', date: 'DATE' },
  strings: 'ARRAY<STRING>',
}
const goldColumns = ({ columns }: GoldTable) => Object.entries(columns).map(([name, type]) => [name, goldTypes[type]] as const)

const isGold = (name: string): name is GoldName => Object.hasOwn(goldTables, name)

/** Spark's name of a type of `inputColumns`, which are DuckDB's. */
const sparkType = (type: string): string => {
  const list = /^STRUCT\((.*)\)\[\]$/.exec(type)
  if (list) {
    const fields = list[1]!.split(', ').map((field) => field.split(' '))
    return `ARRAY<STRUCT<${fields.map(([name, of]) => `${name}: ${sparkType(of!)}`).join(', ')}>>`
  }
  if (type.endsWith('[]')) return `ARRAY<${sparkType(type.slice(0, -2))}>`
  return { VARCHAR: 'STRING', TIMESTAMPTZ: 'TIMESTAMP' }[type] ?? type
}

const sparkTypeOf = (type: ColumnType): string => {
  switch (type.kind) {
    case 'long':
      return 'BIGINT'
    case 'list':
      return `ARRAY<${sparkTypeOf(type.element)}>`
    case 'struct':
      return `STRUCT<${type.fields.map((field) => `\`${field.name}\`: ${sparkTypeOf(field.type)}`).join(', ')}>`
    case 'map':
      return `MAP<STRING, ${sparkTypeOf(type.value)}>`
    default:
      return type.kind.toUpperCase()
  }
}

const statementsOf = (sql: string): string[] =>
  sql
    .split(/;\s*$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '')
