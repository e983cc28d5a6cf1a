import { Router } from 'express'
import { z } from 'zod'
import { originOf } from '../../lineage/letters/letter.ts'
import { shownHistory } from '../../lineage/letters/shown.ts'
import { letterStates } from '../../lineage/letters/states.ts'
import { dlqTopic, entityNames } from '../../schemas/catalogue.ts'
import { contracts } from '../../schemas/contracts/contracts.ts'
import type { RouteModule } from '../http/module.ts'
import { isoTime, oneOf, shortText, whole } from '../http/parameters.ts'
import { parseParameters } from '../http/route.ts'
import { type ReadCounts, violationsOf } from '../pipeline/contracts.ts'
import { decodeRecordsCursor, encodeRecordsCursor } from './cursor.ts'
import { edgeMs, outlookOf } from './dead-letters.ts'
import type { TopicsKafka } from './kafka.ts'
import type { LetterBook } from './letter-book.ts'

/** Whose dead letters. */
export const entityParams = z.strictObject({
  entity: oneOf(entityNames as unknown as [string, ...string[]]).describe('whose records were refused'),
})
const query = z.strictObject({
  reason: shortText.optional().describe('rule that refused it'),
  from: isoTime.optional().describe('from this time on'),
  to: isoTime.optional().describe('before this time'),
  key: shortText.optional().describe('only of records with this key'),
  state: oneOf([...letterStates, 'all'])
    .default('open')
    .describe('open: those that wait for a person; or what became of others; or all'),
  limit: whole(1, 200).default(50).describe('letters on a page'),
  cursor: z.string().max(4000).optional().describe('next_cursor of the page before'),
})
const letter = z.looseObject({
  reason: z.string().nullable(),
  message: z.string().nullable(),
  origin: z.looseObject({}),
  letter: z.string().nullable().describe('its name; null for what is no letter of Silver'),
  state: z.string().nullable().describe(letterStates.join(', ')),
  attempts: z.array(z.looseObject({})).describe('each redrive, with who, when, where to and what became of it'),
  discarded: z.looseObject({}).nullable().describe('who took it off the list, when and why'),
  redrive: z.string(),
  discard: z.string(),
})

/** `/v1/dead-letters`: what Silver refused, why, and what became of it. Nothing of it is changed here. */
export const deadLetterRoutes = ({
  kafka,
  book,
  ruleCounts,
}: {
  kafka: TopicsKafka
  book: LetterBook
  ruleCounts: ReadCounts
}): RouteModule => {
  const router = Router()

  router.get('/v1/dead-letters', async (request, response) => {
    parseParameters(z.strictObject({}), request.query)
    const counts = await ruleCounts()
    const { topics, handled } = await kafka.use(async (browser) => {
      const found = await browser.topics(entityNames.map(dlqTopic))
      const edges = found.map(async (topic) => ({
        ...{ topic, first: await edgeMs(browser, topic, 'first'), last: await edgeMs(browser, topic, 'last') },
      }))
      return { topics: await Promise.all(edges), handled: await book.handled(browser) }
    })
    const iso = (ms: number | null | undefined) => (ms === null || ms === undefined ? null : new Date(ms).toISOString())
    response.json({
      entities: entityNames.map((entity) => {
        const found = topics.find(({ topic }) => topic.name === dlqTopic(entity))
        const reasons = violationsOf(contracts[entity], counts[entity])
          .filter(({ severity, count }) => severity === 'reject' && count > 0)
          .map((each) => ({ ...each, open: Math.max(0, each.count - (handled.get(`${entity} ${each.rule}`) ?? 0)) }))
        return {
          entity,
          topic: dlqTopic(entity),
          count: reasons.reduce((sum, { count }) => sum + count, 0),
          open: reasons.reduce((sum, { open }) => sum + open, 0),
          in_topic: found?.topic.partitions.reduce((sum, { logStart, end }) => sum + end - logStart, 0) ?? 0,
          first_at: iso(found?.first),
          last_at: iso(found?.last),
          reasons: reasons
            .sort((a, b) => b.count - a.count)
            .map(({ rule, count, open }) => ({
              ...{ reason: rule, count, open },
              because: contracts[entity].rules.find(({ id }) => id === rule)?.because ?? null,
            })),
        }
      }),
    })
  })

  router.get('/v1/dead-letters/:entity', async (request, response) => {
    const entity = parseParameters(entityParams, request.params).entity as (typeof entityNames)[number]
    const { from, to, cursor, ...rest } = parseParameters(query, request.query)
    const asked = {
      ...{ ...rest, fromMs: from, toMs: to },
      before: cursor === undefined ? undefined : decodeRecordsCursor(cursor).at,
    }
    const found = await kafka.use((browser) => book.page(browser, entity, asked))
    const letters = await Promise.all(
      found.letters.map(async ({ partition, record, of }) => {
        const refusal = originOf(record)
        const { reason: why, message, ...origin } = refusal
        const history = of ? shownHistory(of) : { letter: null, state: null, attempts: [], discarded: null }
        const outlook = outlookOf(entity, refusal, of)
        return { ...{ reason: why, message, origin }, ...history, ...(await kafka.decode(partition, record)), ...outlook }
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
        summary:
          'How many records of each entity Silver refused, by reason, how many of them still wait for a person, and how many are in their topic.',
        answer: {
          'application/json': z.object({ entities: z.array(z.looseObject({ entity: z.string(), count: z.int(), open: z.int() })) }),
        },
        errors: [503],
      },
      {
        method: 'get',
        path: '/v1/dead-letters/{entity}',
        summary:
          'Dead letters, newest first: decoded and raw, with why, from where, what became of them, and what a redrive or a discard does.',
        params: entityParams,
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
