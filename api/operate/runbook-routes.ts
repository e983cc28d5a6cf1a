import { readdirSync, readFileSync } from 'node:fs'
import { Router } from 'express'
import { z } from 'zod'
import type { RouteModule } from '../http/module.ts'
import { Problem } from '../http/problem.ts'

const folder = new URL('../../ops/runbooks/', import.meta.url)

/** Name → text of each runbook. They are files of the program itself, so that they are read once. */
const readRunbooks = (): ReadonlyMap<string, string> =>
  new Map(
    readdirSync(folder)
      .filter((file) => file.endsWith('.md'))
      .sort()
      .map((file) => [file.slice(0, -'.md'.length), readFileSync(new URL(file, folder), 'utf8')]),
  )

/** `/runbooks/NAME`: what an alert's `runbook_url` leads to, as text, which any browser shows. */
export const runbookRoutes = (): RouteModule => {
  const runbooks = readRunbooks()
  const router = Router()
  router.get('/runbooks', (_request, response) => {
    response.type('text').send([...runbooks.keys()].map((name) => `/runbooks/${name}\n`).join(''))
  })
  router.get('/runbooks/:name', ({ params }, response) => {
    const text = runbooks.get(params.name)
    if (text === undefined) throw new Problem(404, 'There is no such runbook. /runbooks lists them.')
    response.type('text').send(text)
  })
  const answer = { 'text/plain': z.string() }
  return {
    router,
    operations: [
      { method: 'get', path: '/runbooks', summary: 'The runbooks, one a fault: where each is.', answer },
      {
        method: 'get',
        path: '/runbooks/{name}',
        summary: 'What to do about a fault, as the runbook_url of its alert says; Markdown.',
        params: z.strictObject({ name: z.string().describe('its name, such as gate-held') }),
        answer,
        errors: [404],
      },
    ],
  }
}
