import { rm } from 'node:fs/promises'
import express, { type Request, type Response, Router } from 'express'
import type { z } from 'zod'
import { parseShelfAddress, shownShelf } from '../../lineage/shelves/address.ts'
import { exportId, feedId, type Inbox, type NewShelf, type Shelf } from '../../lineage/shelves/inbox.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import { createTurns } from '../../runtime/turns.ts'
import type { GoldReader } from '../gold/reader.ts'
import type { RouteModule } from '../http/module.ts'
import { Problem } from '../http/problem.ts'
import { parseParameters } from '../http/route.ts'
import type { Arrivals } from './arrival.ts'
import { DEFAULT_NAME, feedBody, named, nothing, one, type shelfAnswer, shelfOperations } from './schemas.ts'
import { receiveUpload } from './upload.ts'

const MAX_SHELVES = 100
/** What browsers and programs call a CSV file. */
const csvTypes = ['text/csv', 'application/csv', 'application/vnd.ms-excel']

const iso = (epochMs: number | null | undefined) => (epochMs == null ? null : new Date(epochMs).toISOString())

/** Shelves that readers add to the running pipeline: uploads and feeds, and what became of them. */
export const shelfRoutes = ({
  inbox,
  gold,
  arrivals,
}: {
  inbox: Inbox
  gold: Pick<GoldReader, 'current'>
  arrivals: Arrivals
}): RouteModule => {
  const router = Router()

  const shown = async ({ request, status }: Shelf): Promise<z.output<typeof shelfAnswer>> => {
    const { id, kind, name, userId, feed, sizeBytes, addedAt } = request
    const version = gold.current()?.version ?? null
    const readAt = status?.readAt ?? null
    return {
      ...{ id, kind, name, user_id: userId, feed },
      state: status?.state ?? 'waiting',
      detail: status?.detail ?? null,
      counts: status?.counts ?? null,
      unread_lines: status?.unreadLines ?? 0,
      ...{ size_bytes: sizeBytes, added_at: addedAt, read_at: readAt },
      next_read_at: iso(status?.nextMs),
      in_gold:
        readAt !== null &&
        version !== null &&
        (await arrivals.hasArrived({ readAtMs: Date.parse(readAt), ends: status?.ends ?? {} }, version)),
    }
  }

  /** What is added and removed at once is so one after the other. */
  const inTurn = createTurns()

  const answerAdded = async (response: Response, shelf: NewShelf, put: () => Promise<unknown>) => {
    const before = await inbox.get(shelf.id)
    if (!before && (await inbox.list()).length >= MAX_SHELVES)
      throw new Problem(409, `There are ${MAX_SHELVES} shelves already. Remove one with DELETE /v1/shelves/ID.`)
    await put()
    const added = await inbox.get(shelf.id)
    if (!added) throw new Problem(409, 'It was removed at the same moment. Send it again.')
    response
      .status(before ? 200 : 201)
      .set('Location', `/v1/shelves/${encodeURIComponent(shelf.id)}`)
      .json(await shown(added))
  }

  const addExport = async (request: Request, response: Response) => {
    const { name = DEFAULT_NAME } = parseParameters(named, request.query)
    const id = exportId(name)
    if (id === null)
      throw new Problem(400, 'name must have letters or digits.', {
        faults: [{ parameter: 'name', detail: 'must have letters or digits' }],
      })
    const file = await inbox.uploadPath()
    try {
      const declared = request.get('content-length')
      const sizeBytes = await receiveUpload(request, declared === undefined ? null : Number(declared), file)
      const shelf: NewShelf = { id, kind: 'export', name: name.trim(), userId: id, feed: null }
      await inTurn(() => answerAdded(response, shelf, () => inbox.putExport(shelf, file, sizeBytes)))
    } finally {
      // It is in its shelf's folder by now, unless it was refused.
      await rm(file, { force: true })
    }
  }

  const addFeed = async (request: Request, response: Response) => {
    parseParameters(nothing, request.query)
    const body = parseFeedBody(request.body)
    const address = parseFeedAddress(body.feed)
    const feed = shownShelf(address)
    const shelf: NewShelf = { id: feedId(address), kind: 'feed', name: body.name?.trim() || feed, userId: address.userId, feed }
    await inTurn(() => answerAdded(response, shelf, () => inbox.putFeed(shelf, address)))
  }

  const find = async (request: Request) => {
    parseParameters(nothing, request.query)
    const { id } = parseParameters(one, request.params)
    const shelf = await inbox.get(id)
    if (!shelf) throw new Problem(404, 'There is no such shelf. GET /v1/shelves lists them.')
    return shelf
  }

  const json = express.json({ limit: '16kb' })
  router.post(
    '/v1/shelves',
    async (request, response, next) => {
      if (request.is(csvTypes)) await addExport(request, response)
      else if (request.is('application/json')) json(request, response, next)
      else
        throw new Problem(
          415,
          'Send an export as its CSV file with Content-Type: text/csv, or a feed as JSON: {"feed": "https://www.goodreads.com/review/list_rss/…"}.',
        )
    },
    addFeed,
  )
  router.get('/v1/shelves', async (request, response) => {
    parseParameters(nothing, request.query)
    response.json({ shelves: await Promise.all((await inbox.list()).map(shown)) })
  })
  router.get('/v1/shelves/:id', async (request, response) => {
    response.json(await shown(await find(request)))
  })
  router.delete('/v1/shelves/:id', async (request, response) => {
    await inTurn(async () => inbox.remove((await find(request)).request.id))
    response.status(204).end()
  })

  return {
    router,
    operations: shelfOperations,
  }
}

const parseFeedBody = (given: unknown) => {
  const parsed = feedBody.safeParse(given ?? {})
  if (parsed.success) return parsed.data
  throw new Problem(400, 'Send the address as {"feed": "https://www.goodreads.com/review/list_rss/…"}, with a "name" where you like.', {
    faults: parsed.error.issues.map((issue) => ({ parameter: issue.path.join('.') || 'body', detail: issue.message })),
  })
}

const parseFeedAddress = (text: string) => {
  try {
    return parseShelfAddress(text)
  } catch (error) {
    if (!(error instanceof ReadflowError)) throw error
    throw new Problem(400, `${error.message} ${error.hint ?? ''}`.trim(), { faults: [{ parameter: 'feed', detail: error.message }] })
  }
}
