import express, { type Request, Router } from 'express'
import { z } from 'zod'
import { parseLetterId } from '../../lineage/letters/markers.ts'
import { parseIsoTime } from '../../runtime/iso-time.ts'
import type { RouteModule } from '../http/module.ts'
import type { Operation } from '../http/openapi.ts'
import { Problem } from '../http/problem.ts'
import { parseBody, parseParameters } from '../http/route.ts'
import { entityParams } from './dead-letter-routes.ts'
import type { LetterCommand } from './letter-command.ts'

const timeText = z.string().refine((text) => parseIsoTime(text) !== null, 'must be a time in ISO 8601, such as 2026-11-24T08:00:00Z')
const word = z.string().trim().min(1, 'must not be empty').max(1000, 'must not be longer than 1000 characters')
const which = {
  letters: z
    .array(
      z.string().refine((text) => parseLetterId(text) !== null, 'must be names of letters, as GET /v1/dead-letters/{entity} gives them'),
    )
    .min(1, 'must name a letter')
    .max(500, 'must not name more than 500')
    .optional()
    .describe('these letters, by name'),
  reason: word.optional().describe('all that this rule refused'),
  from: timeText.optional().describe('all that were refused at this time or later'),
  to: timeText.optional().describe('all that were refused before this time'),
  key: word.optional().describe('all of records with this key'),
  all: z.literal(true).optional().describe('every one that is open'),
  dry_run: z.boolean().default(false).describe('tell what would become of them, and change nothing'),
}
const WANTED = 'which letters'
const redriveBody = z.strictObject({
  ...which,
  wait_s: z.int().min(0).max(60).default(20).describe('longest time to wait for what becomes of them'),
})
const discardBody = z.strictObject({ ...which, why: word.describe('goes on record') })
const answer = z.looseObject({
  action: z.string(),
  dry_run: z.boolean(),
  letters: z.int().describe('to how many something was, or would be, done'),
  skipped: z.record(z.string(), z.int()).describe('letters that were meant and are left alone, by why'),
  outcomes: z.record(z.string(), z.int()).describe('letters by what became, or would become, of them'),
  by_reason: z.array(z.looseObject({ reason: z.string(), letters: z.int() })),
  told: z.array(z.looseObject({ letter: z.string() })).describe('the first 200 of them'),
})

/** `POST /v1/dead-letters/{entity}/redrive` and `/discard`: what `readflow dlq` does. */
export const letterActionRoutes = ({ command }: { command: LetterCommand }): RouteModule => {
  const router = Router()
  const json = express.json({ limit: '64kb' })

  const argsOf = (request: Request, body: z.output<typeof redriveBody> | z.output<typeof discardBody>, keyId: unknown) => {
    const { entity } = parseParameters(entityParams, request.params)
    const other = body.letters?.find((name) => parseLetterId(name)?.entity !== entity)
    if (other !== undefined) throw faulty('letters', `must be of ${entity}; ${other} is not`)
    const filters = (['reason', 'from', 'to', 'key'] as const).flatMap((name) =>
      body[name] === undefined ? [] : [`--${name}=${body[name]}`],
    )
    const ways = [body.letters !== undefined, filters.length > 0, body.all === true].filter(Boolean).length
    if (ways !== 1) throw faulty('letters', 'or filters, or all must say which letters are meant: one of the three')
    return [
      ...(body.letters ?? [`--entity=${entity}`, ...filters, ...(body.all ? ['--all'] : [])]),
      ...(body.dry_run ? ['--dry-run'] : []),
      `--by=${typeof keyId === 'string' ? `api key ${keyId}` : 'api'}`,
    ]
  }

  router.post('/v1/dead-letters/:entity/redrive', json, async (request, response) => {
    parseParameters(z.strictObject({}), request.query)
    const body = parseBody(redriveBody, request.body, WANTED)
    const args = argsOf(request, body, response.locals['keyId'])
    response.json(await command(['redrive', ...args, `--wait=${body.wait_s}s`]))
  })

  router.post('/v1/dead-letters/:entity/discard', json, async (request, response) => {
    parseParameters(z.strictObject({}), request.query)
    const body = parseBody(discardBody, request.body, WANTED)
    response.json(await command(['discard', ...argsOf(request, body, response.locals['keyId']), `--why=${body.why}`]))
  })

  const of = (path: string, summary: string, body: z.ZodType): Operation => ({
    ...{ method: 'post', path, summary, params: entityParams },
    ...{ body: { 'application/json': body }, answer: { 'application/json': answer }, errors: [404, 422, 503] },
  })
  return {
    router,
    operations: [
      of(
        '/v1/dead-letters/{entity}/redrive',
        'Sends dead letters again through the code of now, each once however often it is asked, and tells what became of them; with dry_run what would.',
        redriveBody,
      ),
      of('/v1/dead-letters/{entity}/discard', 'Takes dead letters off the list, on record; with dry_run it tells which.', discardBody),
    ],
  }
}

const faulty = (parameter: string, detail: string) => new Problem(400, `${parameter} ${detail}.`, { faults: [{ parameter, detail }] })
