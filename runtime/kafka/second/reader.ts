import { Admin, ConfigResourceTypes, FetchIsolationLevels, ListOffsetTimestamps } from '@platformatic/kafka'
import { ReadflowError } from '../../errors.ts'
import { sleep } from '../../lifecycle.ts'
import { type CommittedBatch, committedBatches } from './committed-batches.ts'
import { type FetchAnswer, fetchApi } from './fetch.ts'

export interface DeliveredRecord {
  offset: number
  /** Epoch milliseconds: the broker's where `isLogAppendTime`, else the producer's. */
  timestampMs: number
  isLogAppendTime: boolean
  key: Buffer | null
  value: Buffer | null
  headers: [name: Buffer | null, value: Buffer | null][]
}

/**
 * What was received of the offsets from `fromOffset` to `nextOffset` (exclusive). `lost` says why nothing of them could
 * be: the topic has `expired` them, the batch is `corrupt`, the topic is `gone`, or it ends before them (`beyond-end`).
 */
export interface Delivered {
  fromOffset: number
  nextOffset: number
  records: DeliveredRecord[]
  lost: 'expired' | 'corrupt' | 'gone' | 'beyond-end' | null
}

export interface TopicState {
  id: string
  isCompacted: boolean
  /** `end` is where a read_committed consumer stops. */
  partitions: { partition: number; logStart: number; end: number }[]
}

/** Reads topics beside every consumer group: it joins none and commits nothing. */
export interface SecondReader {
  clusterId: string
  /** Null where there is no such topic. */
  topic: (name: string) => Promise<TopicState | null>
  /** What a read_committed consumer receives of [from, to), in offset order, each offset covered once. */
  read: (range: { topic: string; topicId: string; partition: number; from: number; to: number }) => AsyncGenerator<Delivered>
  /** The offsets that a group has committed of a topic, with what it said beside them. */
  committed: (group: string, topic: string) => Promise<{ partition: number; offset: number; metadata: string | null }[]>
  close: () => Promise<void>
}

const OK = 0
const OFFSET_OUT_OF_RANGE = 1
const UNKNOWN_TOPIC_ID = 100
const UNKNOWN_TOPIC = 3
/** Leader unknown or moved, request timed out, replica away, storage error, epochs, offset not ready. */
const passing = new Set([-1, 5, 6, 7, 8, 9, 56, 74, 75, 76, 78])
const MAX_ATTEMPTS = 12
const RETRY_MS = 250
/** Bytes are asked for so that an answer holds about this many records, within these limits. */
const RECORDS_A_FETCH = 2_500
const FETCH_BYTES = { least: 64 * 1024, most: 1024 * 1024 }
/** A batch that is larger than what was asked for comes alone and whole; a broker that cuts it is asked for more. */
const LARGEST_FETCH_BYTES = 128 * 1024 * 1024

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

/** Connects to a cluster by the client that the pipeline does not use. Throws ReadflowError `kafka-unavailable`. */
export const openSecondReader = async ({
  brokers,
  clientId,
  fetchBytes = FETCH_BYTES,
}: {
  brokers: readonly string[]
  clientId: string
  fetchBytes?: { least: number; most: number }
}): Promise<SecondReader> => {
  const admin = new Admin({ clientId, bootstrapBrokers: [...brokers], autocreateTopics: false, retries: 3, connectTimeout: 3000 })
  const unavailable = (cause: unknown) =>
    new ReadflowError('kafka-unavailable', `No Kafka broker answers at ${brokers.join(', ')}.`, {
      cause,
      hint: 'Start it, or set KAFKA_BROKERS to one that runs.',
    })
  const asked = async <T>(what: string, work: Promise<T>): Promise<T> => {
    try {
      return await work
    } catch (cause) {
      throw new ReadflowError('kafka-unavailable', `Kafka did not tell ${what}: ${messageOf(cause)}.`, { cause })
    }
  }
  const clusterId = await admin.metadata({ topics: [] }).then(
    ({ id }) => id,
    async (cause: unknown) => {
      await admin.close().catch(() => undefined)
      throw unavailable(cause)
    },
  )

  const offsets = async (name: string, partitions: readonly number[], timestamp: bigint): Promise<Map<number, number>> => {
    const requests = [{ name, partitions: partitions.map((partitionIndex) => ({ partitionIndex, timestamp })) }]
    const answer = await asked(
      `the offsets of ${name}`,
      admin.listOffsets({ topics: requests, isolationLevel: FetchIsolationLevels.READ_COMMITTED }),
    )
    return new Map(answer.flatMap((each) => each.partitions).map(({ partitionIndex, offset }) => [partitionIndex, Number(offset)]))
  }

  const topic = async (name: string): Promise<TopicState | null> => {
    if (!(await asked('its topics', admin.listTopics({ includeInternals: true }))).includes(name)) return null
    const { topics } = await asked(`of ${name}`, admin.metadata({ topics: [name], forceUpdate: true }))
    const found = topics.get(name)
    if (!found) return null
    const numbers = Object.keys(found.partitions).map(Number)
    const starts = await offsets(name, numbers, ListOffsetTimestamps.EARLIEST)
    const ends = await offsets(name, numbers, ListOffsetTimestamps.LATEST)
    const described = await asked(
      `the settings of ${name}`,
      admin.describeConfigs({
        resources: [{ resourceType: ConfigResourceTypes.TOPIC, resourceName: name, configurationKeys: ['cleanup.policy'] }],
      }),
    )
    const isCompacted = described.some(({ configs }) => configs.some(({ value }) => value?.includes('compact')))
    const partitions = numbers.map((partition) => ({ partition, logStart: starts.get(partition) ?? 0, end: ends.get(partition) ?? 0 }))
    return { id: found.id, isCompacted, partitions }
  }

  const fetchOnce = async (name: string, request: Parameters<typeof fetchApi.async>[1], isRetry: boolean): Promise<FetchAnswer> => {
    const { brokers: nodes, topics } = await admin.metadata({ topics: [name], forceUpdate: isRetry })
    const leader = topics.get(name)?.partitions[request.partition]?.leader
    const broker = leader === undefined ? undefined : nodes.get(leader)
    if (!broker) throw new Error(`no leader of ${name}/${request.partition} is known`)
    return fetchApi.async(await admin.connections.get(broker), request)
  }

  const fetch = async (name: string, request: Parameters<typeof fetchApi.async>[1]): Promise<FetchAnswer> => {
    let reason: unknown
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      if (attempt > 0) await sleep(RETRY_MS)
      try {
        const answer = await fetchOnce(name, request, attempt > 0)
        if (!passing.has(answer.errorCode)) return answer
        reason = `error ${answer.errorCode}`
      } catch (error) {
        if (/unknown topic/i.test(messageOf(error)))
          return { errorCode: UNKNOWN_TOPIC, lastStableOffset: -1, aborted: [], bytes: Buffer.alloc(0) }
        reason = error
      }
    }
    throw new ReadflowError('kafka-unavailable', `${name}/${request.partition} can not be read: ${messageOf(reason)}.`, { cause: reason })
  }

  async function* read({ topic: name, topicId, partition, from, to }: Parameters<SecondReader['read']>[0]): AsyncGenerator<Delivered> {
    let position = from
    let maxBytes = fetchBytes.least
    const passed = (nextOffset: number, lost: Delivered['lost'] = null, records: DeliveredRecord[] = []): Delivered => {
      const fromOffset = position
      position = Math.min(to, Math.max(position, nextOffset))
      return { fromOffset, nextOffset: position, records, lost }
    }
    while (position < to) {
      const { errorCode, lastStableOffset, aborted, bytes } = await fetch(name, { topicId, partition, offset: position, maxBytes })
      if (errorCode === UNKNOWN_TOPIC_ID || errorCode === UNKNOWN_TOPIC) yield passed(to, 'gone')
      else if (errorCode === OFFSET_OUT_OF_RANGE) {
        const logStart = (await offsets(name, [partition], ListOffsetTimestamps.EARLIEST)).get(partition) ?? 0
        yield logStart > position ? passed(logStart, 'expired') : passed(to, 'beyond-end')
      } else if (errorCode !== OK)
        throw new ReadflowError('kafka-invalid', `Kafka refused to give ${name}/${partition} from ${position}: error ${errorCode}.`)
      else if (bytes.length === 0 && position >= lastStableOffset) yield passed(to, 'beyond-end')
      else {
        const before = position
        let count = 0
        for (const batch of committedBatches(bytes, aborted)) {
          if (position >= to) break
          if (batch.nextOffset <= position) continue
          count += batch.records?.length ?? 0
          yield passed(batch.nextOffset, batch.records ? null : 'corrupt', deliveredOf(batch, position, to))
        }
        maxBytes =
          position === before
            ? Math.min(LARGEST_FETCH_BYTES, maxBytes * 2)
            : Math.round(Math.min(fetchBytes.most, Math.max(fetchBytes.least, (bytes.length * RECORDS_A_FETCH) / (count + 1))))
      }
    }
  }

  const committed: SecondReader['committed'] = async (group, name) => {
    const [found] = await asked(`the offsets of ${group}`, admin.listConsumerGroupOffsets({ groups: [group] }))
    const of = found?.topics.find((each) => each.name === name)?.partitions ?? []
    return of.flatMap(({ partitionIndex, committedOffset, metadata }) =>
      committedOffset < 0n ? [] : [{ partition: partitionIndex, offset: Number(committedOffset), metadata: metadata ?? null }],
    )
  }

  return { clusterId, topic, read, committed, close: () => admin.close() }
}

const deliveredOf = (
  { baseOffset, isLogAppendTime, timestampOf, records }: CommittedBatch,
  from: number,
  to: number,
): DeliveredRecord[] => {
  const delivered: DeliveredRecord[] = []
  for (const record of records ?? []) {
    const offset = baseOffset + record.offsetDelta
    if (offset < from || offset >= to) continue
    const { key, value } = record
    const headers = record.headers as DeliveredRecord['headers']
    delivered.push({ offset, timestampMs: timestampOf(record), isLogAppendTime, key, value, headers })
  }
  return delivered
}
