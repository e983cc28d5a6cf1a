import { compileAvro, unframeAvro } from '../../runtime/avro.ts'
import { errorLine, isRetriable } from '../../runtime/errors.ts'
import type { Producer } from '../../runtime/kafka/producer.ts'
import type { SecondReader } from '../../runtime/kafka/second/reader.ts'
import type { Registry } from '../../runtime/registry.ts'
import { catalogue, entityNames } from '../../schemas/catalogue.ts'
import type { EntityName, RawResponse } from '../../schemas/records.ts'
import type { Encode } from '../poll/poll.ts'
import { isParsed, type Reparsed, reparse } from './derive.ts'
import type { PublishedIndex } from './published.ts'

/** Records that are sent together. */
const BATCH_RECORDS = 2000
const SAMPLES = 10

export interface ReparseReport {
  /** Responses in the range, those that are parsed, and those that no parser of the API is for. */
  responses: number
  parsed: number
  others: number
  /** Responses that can not be parsed, with why the first ones can not. */
  failed: number
  failures: string[]
  /** Records by entity and by what they are to what was published before. */
  records: Record<EntityName, Record<Reparsed['state'], number>>
  published: number
  samples: { entity: EntityName; key: string; state: Reparsed['state']; requestId: string }[]
}

export interface ReparseOptions {
  reader: Pick<SecondReader, 'read'>
  registry: Pick<Registry, 'schemaById'>
  spans: readonly { topicId: string; partition: number; from: number; to: number }[]
  published: PublishedIndex
  encode: Encode
  /** Null for a dry run. */
  producer: Pick<Producer, 'send'> | null
  onProgress: (report: ReparseReport) => void
  signal: AbortSignal
}

/** Decodes responses whatever version of their schema wrote them; null for what is none. */
const createRawDecoder = (registry: Pick<Registry, 'schemaById'>) => {
  const ours = compileAvro(catalogue.raw.schema)
  const decoders = new Map<number, (bytes: Buffer) => unknown>()
  return async (value: Buffer | null): Promise<RawResponse | null> => {
    const framed = value === null ? null : unframeAvro(value)
    if (!framed) return null
    if (!decoders.has(framed.schemaId)) {
      const writer = await registry.schemaById(framed.schemaId)
      if (writer === null) return null
      decoders.set(framed.schemaId, ours.decoderOf(writer))
    }
    return decoders.get(framed.schemaId)!(framed.bytes) as RawResponse
  }
}

/**
 * Makes records of the responses on `goodreads.raw` again, and publishes those that were not published as they are now. Told to
 * stop it leaves what is published, which the next one finds to be the same.
 */
export const runReparse = async (options: ReparseOptions): Promise<ReparseReport> => {
  const { reader, registry, spans, published, encode, producer, onProgress, signal } = options
  const none = () => ({ same: 0, different: 0, new: 0 })
  const report: ReparseReport = {
    ...{ responses: 0, parsed: 0, others: 0, failed: 0, failures: [], published: 0, samples: [] },
    records: Object.fromEntries(entityNames.map((name) => [name, none()])) as ReparseReport['records'],
  }
  const decode = createRawDecoder(registry)
  let waiting: Reparsed[] = []
  const flush = async () => {
    if (producer) await producer.send(waiting.map(({ record }) => record))
    if (producer) report.published += waiting.length
    waiting = []
    onProgress(report)
  }
  const fail = (offset: string, why: string) => {
    report.failed++
    if (report.failures.length < SAMPLES) report.failures.push(`${offset}: ${why}`)
  }
  for (const { topicId, partition, ...span } of spans)
    for await (const { records } of reader.read({ topic: catalogue.raw.topic, topicId, partition, ...span }))
      for (const { offset, timestampMs, value } of records) {
        signal.throwIfAborted()
        report.responses++
        try {
          const raw = await decode(value)
          if (raw === null) {
            fail(`${partition}:${offset}`, 'it is no response of ours')
            continue
          }
          if (!isParsed(raw)) {
            report.others++
            continue
          }
          const made = reparse({ raw, topicId, partition, offset, timestampMs }, encode, published)
          report.parsed++
          for (const each of made) {
            report.records[each.entity][each.state]++
            if (each.state === 'same') continue
            waiting.push(each)
            if (report.samples.length < SAMPLES)
              report.samples.push({ entity: each.entity, key: each.key, state: each.state, requestId: raw.request_id })
          }
        } catch (error) {
          // A registry that is away says nothing of the response.
          if (isRetriable(error)) throw error
          fail(`${partition}:${offset}`, errorLine(error))
        }
        if (waiting.length >= BATCH_RECORDS) await flush()
      }
  await flush()
  return report
}
