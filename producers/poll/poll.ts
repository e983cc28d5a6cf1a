import { DRIFT_HEADER, driftHeader } from '../../lineage/drift/header.ts'
import type { RunHandle } from '../../lineage/runs/recorder.ts'
import { compileAvro, frameAvro } from '../../runtime/avro.ts'
import type { OutgoingRecord, Producer } from '../../runtime/kafka/producer.ts'
import type { Log } from '../../runtime/log.ts'
import type { Registry } from '../../runtime/registry.ts'
import { catalogue, entityNames, topicNames } from '../../schemas/catalogue.ts'
import type { EntityName, TopicName } from '../../schemas/records.ts'
import type { Source, SourceDeletion, SourceRecord } from '../sources/source.ts'
import type { Positions } from './positions.ts'
import type { SourceWatch } from './source-watch.ts'

export type Polled = Record<EntityName, number>

/** Registers every schema of the catalogue and returns how a record becomes bytes. Throws ReadflowError `schema-incompatible`, `registry-unavailable`. */
export const createEncoder = async (registry: Registry) => {
  const codecs = new Map<TopicName, { encode: (value: unknown) => Buffer }>()
  for (const name of topicNames) {
    const { subject, schema } = catalogue[name]
    const schemaId = await registry.register(subject, schema)
    const codec = compileAvro(schema)
    codecs.set(name, { encode: (value) => frameAvro(schemaId, codec.encode(value)) })
  }
  return ({ entity, value, requestId }: SourceRecord, source: string, pollId: string, drifted: readonly string[] = []): OutgoingRecord => ({
    topic: catalogue[entity].topic,
    key: catalogue[entity].keyOf(value as never),
    value: codecs.get(entity)?.encode(value) ?? null,
    headers: {
      'readflow.source': source,
      'readflow.poll-id': pollId,
      ...(requestId === null ? {} : { 'readflow.request-id': requestId }),
      ...(drifted.length === 0 ? {} : { [DRIFT_HEADER]: driftHeader(drifted) }),
    },
  })
}

const tombstone = ({ entity, key }: SourceDeletion, source: string, pollId: string): OutgoingRecord => ({
  topic: catalogue[entity].topic,
  key,
  value: null,
  headers: { 'readflow.source': source, 'readflow.poll-id': pollId },
})

export type Encode = Awaited<ReturnType<typeof createEncoder>>

export interface PollOptions {
  source: Source
  positions: Positions
  encode: Encode
  producer: Producer
  log: Log
  nowMs: () => number
  /** The poll is this run: its id is the poll's. */
  run: RunHandle
  /** Watches the fields of what is published. */
  watch: SourceWatch
  onProgress?: (polled: Polled) => void
  /** Hears of what was acknowledged. */
  metrics?: { published: (entity: TopicName, records: number) => void; deleted: (entity: EntityName, records: number) => void }
}

/**
 * One poll: publishes what the source has since its position. A batch's position is kept only after the
 * brokers acknowledged its records: a poller that dies publishes some records twice, and loses none.
 */
export const poll = async (
  { source, positions, encode, producer, log, nowMs, run, watch, onProgress, metrics }: PollOptions,
  signal: AbortSignal,
): Promise<Polled> => {
  const pollId = run.id
  const polled = Object.fromEntries(entityNames.map((name) => [name, 0])) as Polled
  const published: Partial<Record<TopicName, number>> = {}
  const startedMs = nowMs()
  log.info({ pollId, source: source.name }, 'poll started')
  await watch.beginPoll({ pollId, nowMs: startedMs })
  for await (const { records, deletions = [], position } of source.poll(await positions.load(), { pollId, signal, log, nowMs })) {
    signal.throwIfAborted()
    if (records.length + deletions.length > 0) run.begin({ inputs: [{ type: 'source', name: source.name }] })
    const watched = records.map(watch.take)
    const removed = deletions.map((deletion) => tombstone(deletion, source.name, pollId))
    await producer.send([...watched.map(({ record, drifted }) => encode(record, source.name, pollId, drifted)), ...removed])
    for (const [entity, { length }] of Map.groupBy(records, (record) => record.entity)) metrics?.published(entity, length)
    for (const [entity, { length }] of Map.groupBy(deletions, (deletion) => deletion.entity)) metrics?.deleted(entity, length)
    await positions.save(position)
    for (const { entity } of records) {
      published[entity] = (published[entity] ?? 0) + 1
      if (entity !== 'raw') polled[entity]++
    }
    for (const { entity } of deletions) published[entity] = (published[entity] ?? 0) + 1
    run.note({ outputs: outputsOf(published), counts: published })
    onProgress?.(polled)
  }
  await watch.endPoll()
  log.info({ pollId, source: source.name, ...polled, durationMs: nowMs() - startedMs }, 'poll done')
  return polled
}

const outputsOf = (published: Partial<Record<TopicName, number>>) =>
  topicNames.flatMap((name) => {
    const rows = published[name]
    return rows === undefined ? [] : [{ type: 'topic' as const, name: catalogue[name].topic, rows }]
  })
