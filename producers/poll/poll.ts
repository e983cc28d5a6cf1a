import { DRIFT_HEADER, driftHeader } from '../../lineage/drift/header.ts'
import { POLL_ID, REQUEST_ID, SOURCE } from '../../lineage/record-headers.ts'
import type { RunHandle } from '../../lineage/runs/recorder.ts'
import { compileAvro, frameAvro } from '../../runtime/avro.ts'
import { errorLine } from '../../runtime/errors.ts'
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
      [SOURCE]: source,
      [POLL_ID]: pollId,
      ...(requestId === null ? {} : { [REQUEST_ID]: requestId }),
      ...(drifted.length === 0 ? {} : { [DRIFT_HEADER]: driftHeader(drifted) }),
    },
  })
}

const tombstone = ({ entity, key }: SourceDeletion, source: string, pollId: string): OutgoingRecord => ({
  topic: catalogue[entity].topic,
  key,
  value: null,
  headers: { [SOURCE]: source, [POLL_ID]: pollId },
})

export type Encode = Awaited<ReturnType<typeof createEncoder>>

export interface PollOptions {
  source: Source
  positions: Pick<Positions, 'resume' | 'save'>
  encode: Encode
  producer: Producer
  log: Log
  nowMs: () => number
  /** The poll is this run: its id is the poll's. */
  run: RunHandle
  /** What the run is called on record. */
  job?: string
  /** Watches the fields of what is published. */
  watch: SourceWatch
  onProgress?: (polled: Polled, pollId: string) => void
  /** Hears of what was acknowledged. */
  metrics?: { published: (entity: TopicName, records: number) => void; deleted: (entity: EntityName, records: number) => void }
}

/**
 * One poll: publishes what the source has since its position. A batch's position is kept only after the
 * brokers acknowledged its records: a poller that dies publishes some records twice, and loses none. After a position that could
 * not be kept nothing is published before one can.
 */
export const poll = async (options: PollOptions, signal: AbortSignal): Promise<Polled> => {
  const { source, run, job, nowMs } = options
  const log = options.log.child({ run_id: run.id, poll_id: run.id, source: source.name, job })
  const startedMs = nowMs()
  log.info({}, 'poll started')
  try {
    const polled = await publishPolled({ ...options, log }, startedMs, signal)
    log.info({ counts: polled, duration_ms: nowMs() - startedMs }, 'poll done')
    return polled
  } catch (error) {
    // Who asked for the poll says what comes of it.
    log.info({ error: errorLine(error), duration_ms: nowMs() - startedMs }, 'poll broken off')
    throw error
  }
}

const publishPolled = async (
  { source, positions, encode, producer, log, nowMs, run, watch, onProgress, metrics }: PollOptions,
  startedMs: number,
  signal: AbortSignal,
): Promise<Polled> => {
  const pollId = run.id
  const polled = Object.fromEntries(entityNames.map((name) => [name, 0])) as Polled
  const published: Partial<Record<TopicName, number>> = {}
  await watch.beginPoll({ pollId, nowMs: startedMs })
  for await (const { records, deletions = [], position } of source.poll(await positions.resume(), { pollId, signal, log, nowMs })) {
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
    onProgress?.(polled, pollId)
  }
  await watch.endPoll()
  return polled
}

const outputsOf = (published: Partial<Record<TopicName, number>>) =>
  topicNames.flatMap((name) => {
    const rows = published[name]
    return rows === undefined ? [] : [{ type: 'topic' as const, name: catalogue[name].topic, rows }]
  })
