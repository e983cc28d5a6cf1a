import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import { z } from 'zod'
import { problemSchema } from '../../api/http/openapi.ts'
import { lakeRoutes, routes } from '../../api/routes/routes.ts'
import { type Api, startApi } from './helpers/api.ts'
import { publishGold, smallGold } from './helpers/gold-lake.ts'

const api = {} as Api
const releases: (() => Promise<void>)[] = []
before(async () => {
  Object.assign(api, await startApi({ after: (release) => void releases.push(release) }))
  await publishGold(api.store, smallGold())
  await api.gold.refresh()
})
after(async () => {
  for (const release of releases) await release()
})

const pinned = z.object({ version: z.int(), complete_through: z.string().nullable(), as_of: z.string() })

describe('the OpenAPI document', () => {
  it('is valid OpenAPI 3.1 by an independent validator', async () => {
    const { body } = await api.get('/v1/openapi.json')
    const validator = new Validator()
    const { valid, errors } = await validator.validate(body)
    assert.ok(valid, JSON.stringify(errors))
    assert.equal(validator.version, '3.1')
  })

  it('has every route, each with an id of its own, its parameters and its errors', async () => {
    const { body } = await api.get('/v1/openapi.json')
    for (const { path, query } of [...routes, ...lakeRoutes]) {
      const operation = body.paths[path]?.get
      assert.ok(operation, path)
      const named = (operation.parameters ?? []).filter((parameter: { in: string }) => parameter.in === 'query')
      assert.deepEqual(named.map(({ name }: { name: string }) => name).toSorted(), Object.keys(query.shape).toSorted(), path)
      for (const status of ['200', '400', '404', '500', '503']) assert.ok(operation.responses[status], `${path} ${status}`)
    }
    const operations: { operationId: string }[] = Object.values(body.paths).flatMap((methods) => Object.values(methods as object))
    assert.equal(new Set(operations.map(({ operationId }) => operationId)).size, operations.length)
  })

  it('is a page, too', async () => {
    const { body, headers } = await api.get('/docs')
    assert.match(headers.get('content-type') ?? '', /^text\/html/)
    assert.match(String(body), /\/v1\/books\/\{id\}\/history/)
    assert.doesNotMatch(String(body), /<script|style=/)
  })
})

describe('answers', () => {
  const ids: Record<string, string> = {
    '/v1/books/{id}': '1',
    '/v1/books/{id}/history': '1',
    '/v1/books/{id}/ratings': '1',
    '/v1/authors/{id}': 'a1',
    '/v1/shelves/{id}/books': 'export-ann',
    '/v1/shelves/{id}/stats': 'export-ann',
    ...Object.fromEntries(['by-month', 'by-year', 'stars', 'genres'].map((name) => [`/v1/shelves/{id}/${name}`, 'export-ann'])),
  }
  for (const route of routes) {
    it(`of ${route.path} are what the document says`, async () => {
      const { status, body } = await api.get(route.path.replace('{id}', ids[route.path] ?? ''))
      assert.equal(status, 200, JSON.stringify(body))
      const { version, complete_through, as_of, ...rest } = body
      pinned.parse({ version, complete_through, as_of })
      const parsed = z.strictObject(route.answer.shape).safeParse(rest)
      assert.ok(parsed.success, `${route.path}: ${parsed.error?.message}`)
      if (route.rows) assert.ok(body[route.rows].length > 0, `${route.path} has rows to look at`)
    })
  }

  it('that are errors are what the document says', async () => {
    for (const [route, status] of [
      ['/v1/books?limit=0', 400],
      ['/v1/books/404', 404],
      ['/v1/books?as_of=2001-01-01', 410],
      ['/nowhere', 404],
    ] as const) {
      const answer = await api.get(route)
      assert.equal(answer.status, status)
      z.strictObject(problemSchema.shape).parse(answer.body)
    }
  })
})
