import { Router } from 'express'
import { z } from 'zod'
import type { EventStream, EventStreams } from '../http/event-stream.ts'
import type { RouteModule } from '../http/module.ts'
import { listOf } from '../http/parameters.ts'
import { Problem } from '../http/problem.ts'
import { parseParameters } from '../http/route.ts'
import { eventTypes, positionOf } from './history.ts'
import type { Hub } from './hub.ts'

const query = z.strictObject({
  types: listOf(eventTypes)
    .optional()
    .describe(`what is told: ${eventTypes.join(', ')}, with commas between; all without it`),
  last_event_id: z
    .string()
    .max(40)
    .meta({ override: { type: 'string', pattern: '^(-1|\\d{1,12})\\.(-1|\\d{1,12})$' } })
    .optional()
    .describe('the same as the header Last-Event-ID, for readers that can not send one'),
})

/** `GET /v1/events`: each published Gold version and each run, as it comes. */
export const eventRoutes = ({ hub, streams }: { hub: Hub; streams: EventStreams }): RouteModule => {
  const router = Router()
  router.get('/v1/events', async (request, response) => {
    const wanted = parseParameters(query, request.query)
    const given = request.get('last-event-id') ?? wanted.last_event_id
    const after = given === undefined || given === '' ? undefined : positionOf(given)
    if (after === null) {
      const detail = 'is not an id of an event from here'
      throw new Problem(400, `Last-Event-ID ${detail}. Leave it out to hear from now on.`, {
        faults: [{ parameter: 'last_event_id', detail }],
      })
    }
    let stream: EventStream | undefined
    const { leave } = await hub.subscribe({
      after,
      types: wanted.types ?? eventTypes,
      begin: (id) => {
        stream = streams.begin(response)
        // Who has heard nothing yet comes back with this.
        stream.mark(id)
      },
      hear: (event) => stream!.send(event),
    })
    if (stream!.signal.aborted) leave()
    else stream!.signal.addEventListener('abort', leave, { once: true })
  })
  return {
    router,
    operations: [
      {
        method: 'get',
        path: '/v1/events',
        summary:
          'Server-sent events: `gold` for each published version, `run` for each begin and end of a run. Last-Event-ID goes on where a reader was.',
        query,
        answer: { 'text/event-stream': z.string() },
        errors: [503],
      },
    ],
  }
}
