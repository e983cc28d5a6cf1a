import { type Request, type Response, Router } from 'express'
import { z } from 'zod'
import type { BrowsedTopic, KafkaBrowser } from '../../runtime/kafka/second/browser.ts'
import type { DeliveredRecord } from '../../runtime/kafka/second/reader.ts'
import type { EventStreams } from '../http/event-stream.ts'
import type { RouteModule } from '../http/module.ts'
import { isoTime, oneOf, shortText, whole, wholeOr } from '../http/parameters.ts'
import { Problem } from '../http/problem.ts'
import { parseParameters } from '../http/route.ts'
import { decodeRecordsCursor, encodeRecordsCursor } from './cursor.ts'
import { type TopicsKafka, topicOf } from './kafka.ts'
import { type Found, type Positions, readBack, readFrom } from './records.ts'
import { schemaChanges } from './schema-changes.ts'
import { groupInTopic, shapeTopic } from './shape.ts'
import { tailQuery, tailTopic } from './tail.ts'

const nothing = z.strictObject({})
const topicParams = z.strictObject({ topic: shortText.describe('name of the topic') })
const recordsQuery = z.strictObject({
  from: oneOf(['end', 'beginning']).optional().describe('end (default): the newest records, newest first; beginning: the oldest first'),
  partition: whole(0, 100_000).optional().describe('only this partition'),
  offset: whole(0, 999_999_999_999).optional().describe('from this offset on; needs partition'),
  timestamp: isoTime.optional().describe('from this time on (ISO 8601)'),
  group: shortText.optional().describe('what this consumer group has not consumed yet'),
  key: z.string().max(1000).optional().describe('only records with this key'),
  limit: wholeOr(1, 500, 50).describe('most records'),
  cursor: z.string().max(4000).optional().describe('next of the page before'),
})

const shape = z.looseObject({})
const json = (schema: z.ZodType) => ({ 'application/json': schema })
const record = z.object({
  partition: z.int(),
  offset: z.int(),
  timestamp: z.string(),
  timestamp_type: z.string(),
  key: z.string().nullable(),
  key_encoding: z.string().nullable().describe('text or base64'),
  headers: z.record(z.string(), z.string()),
  schema_id: z.int().nullable(),
  value: z.unknown(),
  value_format: z.string().nullable().describe('avro, json or text; null where there is none, or it can not be read'),
  raw: z.string().nullable().describe('its first 4 KiB in base64'),
  size_bytes: z.int().nullable(),
  error: z.string().nullable(),
})

/** `/v1/topics` and `/v1/groups`: what is in Kafka, beside every consumer group. */
export const topicRoutes = ({ kafka, streams }: { kafka: TopicsKafka; streams: EventStreams }): RouteModule => {
  const router = Router()

  router.get('/v1/topics', async (request, response) => {
    parseParameters(nothing, request.query)
    response.json({ topics: (await kafka.use((browser) => browser.topics())).map(shapeTopic) })
  })

  router.get('/v1/topics/:topic', async (request, response) => {
    const { topic: name } = parseParameters(topicParams, request.params)
    parseParameters(nothing, request.query)
    const answer = await kafka.use(async (browser) => {
      const topic = await topicOf(browser, name)
      const [newest, groups] = await Promise.all([
        readBack(
          browser,
          topic,
          topic.partitions.map(({ partition }) => partition),
          { limit: 1, isWanted: () => true },
        ),
        groupsOf(browser, topic),
      ])
      const newestMs = newest.records[0]?.record.timestampMs
      return { ...shapeTopic(topic), newest_record_at: newestMs === undefined ? null : new Date(newestMs).toISOString(), groups }
    })
    response.json(answer)
  })

  router.get('/v1/topics/:topic/schemas', async (request, response) => {
    const { topic } = parseParameters(topicParams, request.params)
    parseParameters(nothing, request.query)
    const registry = kafka.registry()
    if (!registry) throw new Problem(503, 'No schema registry is known here. Name it with --registry.', { headers: { 'Retry-After': '5' } })
    const subject = `${topic}-value`
    const versions = await registry.versions(subject)
    response.json({ topic, subject, versions: schemaChanges(versions) })
  })

  const answerRecords = async (request: Request, response: Response) => {
    const { topic: name } = parseParameters(topicParams, request.params)
    const query = parseParameters(recordsQuery, request.query)
    const found = await kafka.use(async (browser) => findRecords(browser, await topicOf(browser, name), query))
    const records = await Promise.all(found.records.map(({ partition, record: each }) => kafka.decode(partition, each)))
    response.json({
      topic: name,
      order: found.isBack ? 'newest first' : 'oldest first',
      records,
      scanned: found.scanned,
      next: found.next === null ? null : encodeRecordsCursor({ back: found.isBack, at: found.next }),
    })
  }
  router.get('/v1/topics/:topic/records', answerRecords)

  router.get('/v1/topics/:topic/tail', async (request, response) => {
    const { topic: name } = parseParameters(topicParams, request.params)
    const query = parseParameters(tailQuery, request.query)
    await tailTopic({ kafka, streams }, name, query, request.get('last-event-id'), response)
  })

  router.get('/v1/groups', async (request, response) => {
    parseParameters(nothing, request.query)
    response.json({ groups: await kafka.use((browser) => browser.groups()) })
  })

  router.get('/v1/groups/:group', async (request, response) => {
    const { group } = parseParameters(z.strictObject({ group: shortText }), request.params)
    parseParameters(nothing, request.query)
    const answer = await kafka.use(async (browser) => {
      const found = (await browser.groups()).find((each) => each.group === group)
      const committed = await browser.committed(group)
      if (!found && committed.length === 0) throw new Problem(404, `There is no consumer group '${group}'. /v1/groups lists them.`)
      const topics = await browser.topics([...new Set(committed.map(({ topic }) => topic))])
      const lags = await Promise.all(topics.map(async (topic) => ({ topic: topic.name, ...(await groupInTopic(browser, group, topic)) })))
      return { ...found, topics: lags, lag_records: lags.reduce((sum, { lag_records: lag = 0 }) => sum + lag, 0) }
    })
    response.json(answer)
  })

  const of = (
    path: string,
    summary: string,
    rest: { params?: z.ZodObject; query?: z.ZodObject; answer?: Record<string, z.ZodType> } = {},
  ) => ({ method: 'get', path, summary, answer: json(shape), errors: [404, 503], ...rest }) as const
  return {
    router,
    operations: [
      of('/v1/topics', 'Topics with their partitions, offsets and settings.'),
      of('/v1/topics/{topic}', 'One topic, and how far each consumer group is in it.', { params: topicParams }),
      of('/v1/topics/{topic}/schemas', 'The versions of its schema, each with what differs from the one before.', { params: topicParams }),
      of('/v1/topics/{topic}/records', 'Decoded records by offset, time, key or group; the newest ones without any of these.', {
        params: topicParams,
        query: recordsQuery,
        answer: json(
          z.object({
            topic: z.string(),
            order: z.string(),
            records: z.array(record),
            scanned: z.int().describe('records that were looked at: one answer looks at 50,000 at most'),
            next: z.string().nullable().describe('asks for what comes next, as cursor; null where nothing does'),
          }),
        ),
      }),
      of('/v1/topics/{topic}/tail', 'Server-sent events: records as they come, from now on or after Last-Event-ID.', {
        params: topicParams,
        query: tailQuery,
        answer: { 'text/event-stream': z.string() },
      }),
      of('/v1/groups', 'Consumer groups with their state and members.'),
      of('/v1/groups/{group}', 'One consumer group: what it has committed, and its lag, by topic and partition.', {
        params: z.strictObject({ group: shortText.describe('id of the group') }),
      }),
    ],
  }
}

const groupsOf = async (browser: KafkaBrowser, topic: BrowsedTopic) => {
  const groups = await browser.groups()
  const found = await Promise.all(
    groups.map(async ({ group, state, members }) => {
      const lag = await groupInTopic(browser, group, topic)
      return lag && { group, state, members: members.length, ...lag }
    }),
  )
  return found.filter((each) => each !== null)
}

const findRecords = async (
  browser: KafkaBrowser,
  topic: BrowsedTopic,
  query: z.output<typeof recordsQuery>,
): Promise<Found & { isBack: boolean }> => {
  const { key, limit } = query
  const all = topic.partitions.map(({ partition }) => partition)
  if (query.partition !== undefined && !all.includes(query.partition)) {
    throw fault('partition', `is not one of the ${all.length} that ${topic.name} has`)
  }
  const chosen = query.partition === undefined ? all : [query.partition]
  const wantedKey = key === undefined ? null : Buffer.from(key)
  const isWanted = ({ key: given }: DeliveredRecord) => wantedKey === null || (given !== null && wantedKey.equals(given))
  const cursor = query.cursor === undefined ? null : decodeRecordsCursor(query.cursor)
  const starts = [query.from, query.offset, query.timestamp, query.group].filter((each) => each !== undefined)
  if (starts.length > 1) throw fault('from', 'offset, timestamp and group say where to begin: only one of them can')
  if (cursor ? cursor.back : starts.length === 0 || query.from === 'end') {
    return { ...(await readBack(browser, topic, chosen, { limit, isWanted, ...(cursor ? { before: cursor.at } : {}) })), isBack: true }
  }
  const positions = cursor ? cursor.at : await startOf(browser, topic, query)
  const kept = Object.fromEntries(Object.entries(positions).filter(([partition]) => chosen.includes(Number(partition))))
  return { ...(await readFrom(browser, topic, kept, { limit, isWanted })), isBack: false }
}

/** Where a person asks to begin, by partition. */
const startOf = async (browser: KafkaBrowser, topic: BrowsedTopic, query: z.output<typeof recordsQuery>): Promise<Positions> => {
  const { offset, timestamp, group, partition } = query
  if (offset !== undefined) {
    if (partition === undefined) throw fault('offset', 'needs partition')
    return { [partition]: offset }
  }
  if (timestamp !== undefined) return Object.fromEntries(await browser.offsetsAt(topic, timestamp))
  if (group !== undefined) {
    const committed = (await browser.committed(group)).filter((each) => each.topic === topic.name)
    if (committed.length === 0)
      throw new Problem(404, `The group '${group}' has committed nothing of ${topic.name}. /v1/topics/${topic.name} lists those that have.`)
    const at = new Map(committed.map((each) => [each.partition, each.offset]))
    return Object.fromEntries(topic.partitions.map(({ partition: number, logStart }) => [number, at.get(number) ?? logStart]))
  }
  return Object.fromEntries(topic.partitions.map(({ partition: number, logStart }) => [number, logStart]))
}

const fault = (parameter: string, detail: string) => new Problem(400, `${parameter} ${detail}.`, { faults: [{ parameter, detail }] })
