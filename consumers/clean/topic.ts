import type { AddFile } from '../../lake/delta/actions.ts'
import { changedFiles } from '../../lake/delta/changed-files.ts'
import type { Snapshot } from '../../lake/delta/snapshot.ts'
import { openTable } from '../../lake/delta/table.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { compileAvro } from '../../runtime/avro.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import type { KafkaClient } from '../../runtime/kafka/client.ts'
import type { TransactionalProducer } from '../../runtime/kafka/offset-transactions.ts'
import type { Log } from '../../runtime/log.ts'
import type { Registry } from '../../runtime/registry.ts'
import { createTurns, type Turns } from '../../runtime/turns.ts'
import { catalogue } from '../../schemas/catalogue.ts'
import { cleanSchema, cleanSubject, cleanTopic } from '../../schemas/clean.ts'
import type { EntityName } from '../../schemas/records.ts'
import { cleanTopicSpec } from '../../schemas/topics.ts'
import { isNewer } from '../silver/dedupe-state.ts'
import { partitionOfProgress, progressId, readLedger } from '../sink/ledger.ts'
import { publishDifference } from './difference.ts'
import { readCleanTopic, readHeld } from './held.ts'
import { type KeyVersions, NO_VALUE } from './key-versions.ts'
import { type CleanIdentity, type CleanPartition, type CleanStart, cleanMetadata, decideCleanStart } from './offsets.ts'
import { newOutgoing, type Outgoing, recordsOf } from './publish.ts'
import { type Change, filesOf, mayDelete, readChanges, scanOrigins, scanVersions } from './rows.ts'
import { filesWithin, type Ranges, takeWindow } from './window.ts'

export const CLEAN_GROUP = 'readflow.clean'

export interface CleanOptions {
  store: ObjectStore
  client: KafkaClient
  registry: Registry
  /** Opens a producer under a transactional id. */
  transactions: (transactionalId: string) => TransactionalProducer
  replicationFactor: number
  groupId?: string
  /** Shared with the sinks of the process, so that the rows of one of them are in memory at a time. */
  turns?: Turns
  log: Log
}

/** Records of one entity that were published. */
export interface CleanCounts {
  published: number
  deleted: number
}

/** One transaction has at most this much, unless a single row is larger. */
const LIMITS = { rows: 5000, bytes: 8 * 1024 * 1024 }

/** What the group and the table say of each partition, for where the clean topic goes on. */
export const cleanPartitions = async (
  client: Pick<KafkaClient, 'clusterId' | 'groupOffsets'>,
  { groupId, source, topicId, count, snapshot }: { groupId: string; source: string; topicId: string; count: number; snapshot: Snapshot },
): Promise<CleanPartition[]> => {
  const offsets = await client.groupOffsets(groupId, [source])
  return Array.from({ length: count }, (_, partition) => {
    const { progress, start, epoch } = readLedger(
      snapshot,
      progressId({ stage: 'silver', clusterId: client.clusterId, topicId, partition }),
    )
    const group = offsets.find((each) => each.partition === partition) ?? null
    return { partition, group, progress, start, epoch: epoch ?? 0 }
  })
}

/** Whether a table has changes of no other topic than that. */
const isOnlyOf = ({ txns }: Snapshot, clusterId: string, topicId: string): boolean =>
  [...txns.keys()].every((appId) => {
    const of = partitionOfProgress(appId)
    return of === null || of.stage !== 'silver' || (of.clusterId === clusterId && of.topicId === topicId)
  })

/** Where the clean topic of an entity goes on. */
export const cleanStart = (
  clusterId: string,
  { identity, snapshot, partitions }: { identity: CleanIdentity; snapshot: Snapshot; partitions: readonly CleanPartition[] },
): CleanStart =>
  decideCleanStart({ identity, version: snapshot.version, isFirst: isOnlyOf(snapshot, clusterId, identity.topicId) }, partitions)

/**
 * Publishes one entity's changes from committed Silver. `open` takes the transactional id, so that whoever published before
 * can not any more, and reads from Kafka alone where the topic stands; null where there is nothing to publish from yet. `catchUp`
 * publishes what the table has beyond that. After either has failed, `open` begins anew.
 */
export const createCleanTopic = (entity: EntityName, options: CleanOptions) => {
  const { store, client, registry, groupId = CLEAN_GROUP, turns = createTurns(), log } = options
  const { topic: source } = catalogue[entity]
  const topic = cleanTopic(entity)
  const root = `silver/${entity}`
  const schema = cleanSchema(entity)
  const codec = compileAvro(schema)
  const table = openTable(store, root)
  const producer = options.transactions(`${groupId}.${entity}`)
  const rows = { store, root, schema, encode: codec.encode }
  const counts: CleanCounts = { published: 0, deleted: 0 }

  const topicNow = async (name: string) => {
    const now = (await client.topicStates([name])).get(name)
    if (now) return now
    throw new ReadflowError('kafka-unavailable', `Kafka does not know the topic ${name} now.`)
  }

  const ensureTopic = async (partitions: number) => {
    try {
      await client.ensureTopics([cleanTopicSpec(entity, { partitions, replicationFactor: options.replicationFactor })])
    } catch (cause) {
      // kafkajs may know of a topic that is gone, and then nothing of any other.
      throw new ReadflowError('kafka-unavailable', `Kafka has no topic ${topic}, and did not create it now.`, { cause })
    }
  }

  const open = async (signal: AbortSignal) => {
    if ((await table.snapshot()).metadata === null) return null
    const { id: topicId, partitions: count } = await topicNow(source)
    await ensureTopic(count)
    const { id: cleanTopicId } = await topicNow(topic)
    const names = { source, topic, schemaId: await registry.register(cleanSubject(entity), schema) }
    await producer.fence()
    const snapshot = await table.snapshot()
    const identity = { clusterId: client.clusterId, topicId, tableId: snapshot.metadata?.id ?? '', cleanTopicId }
    const partitions = await cleanPartitions(client, { groupId, source, topicId, count, snapshot })
    const start = cleanStart(client.clusterId, { identity, snapshot, partitions })
    if (start.isAhead) {
      log.warn({ stage: 'clean', topic, reason: start.difference }, 'waiting until Silver has again what was published')
      return null
    }
    const held = await readHeld({ client, log, registry, topic, codec, schemaId: names.schemaId, signal })
    const session = createSession({ names, identity, count, held, start, signal })
    await session.begin(snapshot, partitions)
    return session
  }

  interface SessionOptions {
    names: { source: string; topic: string; schemaId: number }
    identity: CleanIdentity
    count: number
    held: KeyVersions
    start: CleanStart
    signal: AbortSignal
  }

  const createSession = ({ names, identity, count, held, start, signal }: SessionOptions) => {
    const { topicId } = identity
    const position = new Map(start.from)
    let base = start.version
    let epochs: readonly number[] = []
    let maxRows = LIMITS.rows

    const ledgerOf = (snapshot: Snapshot, partition: number) =>
      readLedger(snapshot, progressId({ stage: 'silver', clusterId: identity.clusterId, topicId, partition }))
    const all = Array.from({ length: count }, (_, partition) => partition)
    const epochsOf = (snapshot: Snapshot) => all.map((partition) => ledgerOf(snapshot, partition).epoch ?? 0)

    /** One transaction: records, and the group's offsets beside them. `version` as of which all before them is published. */
    const publish = async (outgoing: Outgoing, next: ReadonlyMap<number, number>, version: number | null) => {
      signal.throwIfAborted()
      const offsets = [...next].map(([partition, offset]) => ({
        topic: source,
        partition,
        offset,
        metadata: cleanMetadata({
          identity,
          next: offset,
          epoch: epochs[partition] ?? 0,
          version,
          again: start.again.get(partition) ?? null,
        }),
      }))
      const ranges = [...next].map(([partition, to_offset]) => ({ partition, from_offset: position.get(partition) ?? 0, to_offset }))
      await producer.commit({ records: outgoing.records, groupId, offsets })
      for (const [key, each] of outgoing.held) held.set(key, each)
      for (const [partition, offset] of next) position.set(partition, offset)
      const deleted = outgoing.records.filter(({ value }) => value === null).length
      counts.deleted += deleted
      counts.published += outgoing.records.length - deleted
      if (outgoing.records.length > 0)
        log.info(
          { stage: 'clean', topic, table: `silver.${entity}`, version, records: outgoing.records.length, counts: { deleted }, ranges },
          'published',
        )
    }

    const takeDifference = async (snapshot: Snapshot, reason: string) => {
      log.info({ stage: 'clean', topic, version: snapshot.version, reason }, 'comparing the topic with the table')
      await publishDifference({
        names,
        rows,
        snapshot,
        held,
        limits: LIMITS,
        eachKey: (call) => readCleanTopic({ client, log, topic, signal }, ({ key }) => (key === null ? undefined : call(key.toString()))),
        publish: (outgoing) => publish(outgoing, new Map(), null),
      })
      epochs = epochsOf(snapshot)
      const reached = all.flatMap((partition) => {
        const { progress } = ledgerOf(snapshot, partition)
        return progress === null || start.reset.includes(partition) ? [] : [[partition, progress] as const]
      })
      await publish(newOutgoing(), new Map(reached), start.reset.length > 0 ? null : snapshot.version)
      base = start.reset.length > 0 ? null : snapshot.version
    }

    /** A deletion is in the topic for a time only; what is older than it must not come after it all the same. */
    const noteDeletions = async (snapshot: Snapshot) => {
      for await (const { key, order, hash, isDeleted, ...at } of scanVersions(store, snapshot, root, mayDelete)) {
        if (!isDeleted || (at.topicId === topicId && at.offset >= (position.get(at.partition) ?? 0))) continue
        const known = held.get(key)
        if (known === null || (known.value === NO_VALUE && isNewer({ order, hash }, known))) held.set(key, { order, hash, value: NO_VALUE })
      }
    }

    const rangesBehind = (snapshot: Snapshot): Ranges =>
      new Map(
        all.flatMap((partition) => {
          const ledger = ledgerOf(snapshot, partition)
          const from = position.get(partition) ?? ledger.start ?? 0
          return ledger.progress !== null && from < ledger.progress ? [[partition, { from, to: ledger.progress }] as const] : []
        }),
      )

    /** The changes of some ranges, or null where they are more than a transaction should have. */
    const changesOf = async (snapshot: Snapshot, files: readonly AddFile[], window: Ranges, maxBytes: number) => {
      const changes: Change[] = []
      let bytes = 0
      const isWanted = (row: { topicId: string; partition: number; offset: number }) => {
        const range = row.topicId === topicId ? window.get(row.partition) : undefined
        return range !== undefined && row.offset >= range.from && row.offset < range.to
      }
      for await (const change of readChanges(rows, filesOf(snapshot, filesWithin(files, window)), { isWanted })) {
        changes.push(change)
        bytes += change.value?.length ?? 0
        if (bytes > maxBytes) return null
      }
      return changes
    }

    const publishNext = async (snapshot: Snapshot, files: readonly AddFile[], ranges: Ranges): Promise<void> => {
      const ends = await takeWindow({
        topicId,
        files,
        ranges,
        maxRows,
        origins: (some) => scanOrigins(store, filesOf(snapshot, some), root),
      })
      const window = new Map([...ranges].map(([partition, { from, to }]) => [partition, { from, to: ends.get(partition) ?? to }]))
      const isLeast = maxRows <= ranges.size
      const changes = await changesOf(snapshot, files, window, isLeast ? Number.POSITIVE_INFINITY : LIMITS.bytes)
      if (changes === null) {
        maxRows = Math.max(ranges.size, Math.ceil(maxRows / 4))
        return
      }
      maxRows = Math.min(LIMITS.rows, maxRows * 2)
      const isAgain = ({ partition, offset }: Change) => offset < (start.again.get(partition) ?? 0)
      const isWhole = [...ranges].every(([partition, { to }]) => ends.get(partition) === to)
      await publish(recordsOf(names, held, changes, isAgain), ends, isWhole ? snapshot.version : base)
    }

    /** The files that rows came with since all before `base` was published; null where rows went as well. */
    const candidates = async (snapshot: Snapshot): Promise<readonly AddFile[] | null> => {
      const changed = base === null ? null : await changedFiles(table, base, snapshot.version)
      if (changed && changed.removed.length > 0) return null
      return changed ? (changed.added as AddFile[]) : [...snapshot.files.values()]
    }

    const isReplayed = (snapshot: Snapshot) => epochsOf(snapshot).some((epoch, partition) => epoch !== epochs[partition])

    return {
      begin: async (snapshot: Snapshot, partitions: readonly CleanPartition[]) => {
        epochs = partitions.map(({ epoch }) => epoch)
        if (start.difference !== null) await takeDifference(snapshot, start.difference)
        await noteDeletions(snapshot)
      },
      /** Publishes all that the table has. Rejects with `topic-changed` where it has to begin anew. */
      catchUp: async (): Promise<void> => {
        const snapshot = await table.snapshot()
        const states = await client.topicStates([source, topic])
        const isSameSource = states.get(source)?.id === topicId && states.get(source)?.partitions === count
        const isSameTable = snapshot.metadata?.id === identity.tableId && snapshot.version >= (base ?? 0)
        if (!isSameSource || !isSameTable || states.get(topic)?.id !== identity.cleanTopicId)
          throw new ReadflowError('topic-changed', `the table ${root}, the topic ${source} or its clean topic is another one than before`)
        if (snapshot.version === base && rangesBehind(snapshot).size === 0) return
        if (isReplayed(snapshot)) return takeDifference(snapshot, 'the table was replayed')
        const files = await candidates(snapshot)
        if (files === null) return takeDifference(snapshot, 'rows of the table were removed')
        for (let ranges = rangesBehind(snapshot); ranges.size > 0; ranges = rangesBehind(snapshot)) {
          signal.throwIfAborted()
          await turns(() => publishNext(snapshot, files, ranges))
        }
        base = snapshot.version
        start.again.clear()
        start.reset = []
      },
    }
  }

  return { entity, source, topic, counts, open, close: producer.close }
}

export type CleanTopic = ReturnType<typeof createCleanTopic>
