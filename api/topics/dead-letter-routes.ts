import { Router } from 'express'
import { z } from 'zod'
import { dlqTopic, entityNames } from '../../schemas/catalogue.ts'
import { contracts } from '../../schemas/contracts/contracts.ts'
import type { RouteModule } from '../http/module.ts'
import { isoTime, oneOf, shortText, whole } from '../http/parameters.ts'
import { parseParameters } from '../http/route.ts'
import { type ReadCounts, violationsOf } from '../pipeline/contracts.ts'
import { decodeRecordsCursor, encodeRecordsCursor } from './cursor.ts'
import { edgeMs, everything, originOf, outlookOf } from './dead-letters.ts'
import type { TopicsKafka } from './kafka.ts'
import { readBack } from './records.ts'

const params = z.strictObject({ entity: oneOf(entityNames as unknown as [string, ...string[]]).describe('whose records were refused') })
const query = z.strictObject({
  reason: shortText.optional().describe('rule that refused it'),
  from: isoTime.optional().describe('from this time on'),
  to: isoTime.optional().describe('before this time'),
  limit: whole(1, 200).default(50).describe('letters on a page'),
  cursor: z.string().max(4000).optional().describe('next_cursor of the page before'),
})
const letter = z.looseObject({
  reason: z.string().nullable(),
  message: z.string().nullable(),
  origin: z.looseObject({}),
  redrive: z.string(),
  discard: z.string(),
})

/** `/v1/dead-letters`: what Silver refused, and why. Nothing of it is changed here. */
export const deadLetterRoutes = ({ kafka, ruleCounts }: { kafka: TopicsKafka; ruleCounts: ReadCounts }): RouteModule => {
  const router = Router()

  router.get('/v1/dead-letters', async (request, response) => {
    parseParameters(z.strictObject({}), request.query)
    const counts = await ruleCounts()
    const topics = await kafka.use(async (browser) => {
      const found = await browser.topics(entityNames.map(dlqTopic))
      return Promise.all(
        found.map(async (topic) => ({ topic, first: await edgeMs(browser, topic, 'first'), last: await edgeMs(browser, topic, 'last') })),
      )
    })
    const iso = (ms: number | null | undefined) => (ms === null || ms === undefined ? null : new Date(ms).toISOString())
    response.json({
      entities: entityNames.map((entity) => {
        const found = topics.find(({ topic }) => topic.name === dlqTopic(entity))
        const reasons = violationsOf(contracts[entity], counts[entity]).filter(({ severity, count }) => severity === 'reject' && count > 0)
        return {
          entity,
          topic: dlqTopic(entity),
          count: reasons.reduce((sum, { count }) => sum + count, 0),
          in_topic: found?.topic.partitions.reduce((sum, { logStart, end }) => sum + end - logStart, 0) ?? 0,
          first_at: iso(found?.first),
          last_at: iso(found?.last),
          reasons: reasons
            .sort((a, b) => b.count - a.count)
            .map(({ rule, count }) => ({
              reason: rule,
              count,
              because: contracts[entity].rules.find(({ id }) => id === rule)?.because ?? null,
            })),
        }
      }),
    })
  })

  router.get('/v1/dead-letters/:entity', async (request, response) => {
    const entity = parseParameters(params, request.params).entity as (typeof entityNames)[number]
    const { reason, from, to, limit, cursor } = parseParameters(query, request.query)
    const before = cursor === undefined ? undefined : decodeRecordsCursor(cursor).at
    const found = await kafka.use(async (browser) => {
      const [topic] = await browser.topics([dlqTopic(entity)])
      if (!topic) return { records: [], scanned: 0, next: null }
      const isWanted = (record: Parameters<typeof originOf>[0] & { timestampMs: number }) =>
        (reason === undefined || originOf(record).reason === reason) &&
        (from === undefined || record.timestampMs >= from) &&
        (to === undefined || record.timestampMs < to)
      return readBack(browser, topic, everything(topic), { limit, isWanted, ...(before ? { before } : {}) })
    })
    const letters = await Promise.all(
      found.records.map(async ({ partition, record }) => {
        const { reason: why, message, ...origin } = originOf(record)
        return { reason: why, message, origin, ...(await kafka.decode(partition, record)), ...outlookOf(entity, originOf(record)) }
      }),
    )
    const next = found.next === null ? null : encodeRecordsCursor({ back: true, at: found.next })
    response.json({ entity, topic: dlqTopic(entity), letters, scanned: found.scanned, next_cursor: next })
  })
  return {
    router,
    operations: [
      {
        method: 'get',
        path: '/v1/dead-letters',
        summary: 'How many records of each entity Silver refused, by reason, and how many are still in their topic.',
        answer: { 'application/json': z.object({ entities: z.array(z.looseObject({ entity: z.string(), count: z.int() })) }) },
        errors: [503],
      },
      {
        method: 'get',
        path: '/v1/dead-letters/{entity}',
        summary: 'Dead letters, newest first: decoded and raw, with why, from where, and what a redrive or a discard would do.',
        params,
        query,
        answer: {
          'application/json': z.object({
            entity: z.string(),
            topic: z.string(),
            letters: z.array(letter),
            scanned: z.int(),
            next_cursor: z.string().nullable(),
          }),
        },
        errors: [404, 503],
      },
    ],
  }
}
