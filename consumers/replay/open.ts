import path from 'node:path'
import { filePath } from '../../lake/delta/actions.ts'
import { openTable } from '../../lake/delta/table.ts'
import { openLocalFiles } from '../../lake/store/local-files.ts'
import { openStore } from '../../lake/store/open.ts'
import { openProcessFolder } from '../../lake/store/process-folder.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import type { Config } from '../../runtime/config/config.ts'
import { openDuckDb } from '../../runtime/duckdb.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import { openKafka } from '../../runtime/kafka/client.ts'
import { openProducer } from '../../runtime/kafka/producer.ts'
import type { Release } from '../../runtime/lifecycle.ts'
import type { Log } from '../../runtime/log.ts'
import { openRegistry } from '../../runtime/registry.ts'
import { requireServices } from '../../runtime/services.ts'
import { catalogue, entityNames, topicNames } from '../../schemas/catalogue.ts'
import { createBronze } from '../bronze/bronze.ts'
import { createSilver } from '../silver/silver.ts'
import type { ReplayContext } from './context.ts'

/** What DuckDB may use to compare rows; what does not fit is on disk. */
const MEMORY_LIMIT = '256MB'

/** The layer and entity that a table's name says. Throws `config` for one that is no table of Bronze or Silver. */
const tableOf = (name: string) => {
  const [layer = '', entity = '', ...more] = name.split('.')
  const found = layer === 'silver' ? entityNames.find((each) => each === entity) : topicNames.find((each) => each === entity)
  if (found && more.length === 0 && (layer === 'bronze' || layer === 'silver')) return { layer, entity: found } as const
  throw new ReadflowError('config', `${name === '' ? 'A table must be named' : `'${name}' is no table that can be replayed`}.`, {
    hint: `Tables: ${[...topicNames.map((each) => `bronze.${each}`), ...entityNames.map((each) => `silver.${each}`)].join(', ')}; Gold follows Silver by itself.`,
  })
}

/** Opens what a replay of a table needs. What is opened is released by `defer`. */
export const openReplay = async (
  config: Config,
  {
    name,
    program,
    log,
    signal,
    defer,
  }: { name: string; program: string; log: Log; signal: AbortSignal; defer: (release: Release) => void },
) => {
  const { layer, entity } = tableOf(name)
  const { topic } = catalogue[entity]
  const { brokers, registryUrl } = requireServices(config)
  const store = openStore(config.lakeUrl, { signal })
  defer(() => store.close())
  const table = openTable(store, `${layer}/${entity}`)
  const snapshot = await table.snapshot()
  if (!snapshot.metadata)
    throw new ReadflowError('config', `There is no table ${name} in ${config.lakeUrl}.`, {
      hint: 'Name another lake with --lake or --data.',
    })
  const client = await openKafka({ brokers, clientId: `readflow-${program}`, log })
  defer(() => client.close())
  const topicId = (await client.topicIds([topic])).get(topic)
  if (!topicId) throw new ReadflowError('kafka-unavailable', `Kafka does not know the topic ${topic} now.`)
  const registry = openRegistry(registryUrl)
  // What drifts is told by those who met it first.
  const drift = { policies: config.drift ?? {}, found: () => undefined }
  const stage = layer === 'bronze' ? createBronze({ registry, drift }) : createSilver({ registry, store, drift })
  const stageTable = stage.tables.find((each) => each.entity === entity)!
  const producer = await openProducer(client)
  defer(() => producer.close())
  const bronzeTable = layer === 'silver' ? openTable(store, `bronze/${entity}`) : null
  const bronze = bronzeTable && { table: bronzeTable, snapshot: await bronzeTable.snapshot() }
  const limits = { maxRecords: config.flushMaxRows, maxBytes: config.flushMaxBytes }
  return {
    layer,
    limits,
    entity,
    topic,
    topicId,
    store,
    table,
    snapshot,
    client,
    registry,
    stageTable,
    producer,
    bronze: bronze?.snapshot.metadata ? bronze : null,
  }
}

/** Opens what compares staged rows with those of the table. `stagedStore` is where the staged ones are. */
export const openComparison = async (
  config: Config,
  {
    store,
    root,
    stagedStore,
    signal,
    defer,
  }: { store: ObjectStore; root: string; stagedStore: ObjectStore; signal: AbortSignal; defer: (release: Release) => void },
): Promise<ReplayContext['withFiles']> => {
  const copies = await openProcessFolder(path.join(config.dataDir, 'cache', 'replay'))
  defer(copies.close)
  const temp = await openProcessFolder(path.join(config.dataDir, 'tmp', 'replay'))
  defer(temp.close)
  const duckdb = await openDuckDb({ memoryLimit: MEMORY_LIMIT, tempDir: temp.dir })
  defer(() => duckdb.close())
  const files = openLocalFiles({ store, dir: copies.dir, maxBytes: config.cacheMaxBytes })
  const stagedFiles =
    stagedStore === store ? files : openLocalFiles({ store: stagedStore, dir: copies.dir, maxBytes: config.cacheMaxBytes })
  return async (live, staged, use) => {
    const wanted = (of: typeof live) => of.map((file) => ({ path: `${root}/${filePath(file.path)}`, sizeBytes: file.size }))
    const heldLive = await files.hold(wanted(live), { signal })
    try {
      const heldStaged = await stagedFiles.hold(wanted(staged), { signal })
      try {
        const at = (held: typeof heldLive) => (below: string) => held.localPath(`${root}/${below}`)
        return await use({ duckdb, liveFile: at(heldLive), stagedFile: at(heldStaged) })
      } finally {
        heldStaged.release()
      }
    } finally {
      heldLive.release()
    }
  }
}
