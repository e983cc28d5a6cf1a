import express, { Router } from 'express'
import { z } from 'zod'
import { givenKey, isSameOrigin, keyCookie, REALM } from '../http/auth.ts'
import type { RouteModule } from '../http/module.ts'
import { Problem } from '../http/problem.ts'
import { type ApiKey, keyOf, scopes } from './store.ts'

const body = z.strictObject({ key: z.string().max(100).describe('rf_…, as `readflow keys add` printed it') })
const answer = z.object({ asks_for_keys: z.boolean(), signed_in: z.boolean() })
const session = answer.extend({
  key: z
    .object({ id: z.string(), name: z.string(), scopes: z.array(z.enum(scopes)) })
    .nullable()
    .describe('the one that the request carries, where one is asked for'),
})

/** `/v1/session`: a browser signs in with a key, which it then keeps in a cookie that no script can read. */
export const sessionRoutes = ({ isOn, keys }: { isOn: boolean; keys: () => Promise<ApiKey[]> }): RouteModule => {
  const router = Router()
  router.get('/v1/session', async (request, response) => {
    const given = isOn ? givenKey(request) : null
    const key = given && keyOf(await keys(), given.text)
    response.json({ asks_for_keys: isOn, signed_in: key !== null, key: key && { id: key.id, name: key.name, scopes: key.scopes } })
  })
  router.post('/v1/session', express.json({ limit: 1024 }), async (request, response) => {
    if (!isSameOrigin(request)) throw new Problem(403, 'Sign in on the page of this server itself.')
    const parsed = body.safeParse(request.body)
    if (!parsed.success) throw new Problem(400, 'Send {"key": "rf_…"} as JSON.')
    if (!keyOf(await keys(), parsed.data.key))
      throw new Problem(401, 'The key is not known here, or it was revoked.', {
        headers: REALM,
      })
    response.set('Set-Cookie', keyCookie(parsed.data.key)).json({ asks_for_keys: isOn, signed_in: true })
  })
  router.delete(
    '/v1/session',
    (_request, response) => void response.set('Set-Cookie', keyCookie(null)).json({ asks_for_keys: isOn, signed_in: false }),
  )
  return {
    router,
    operations: [
      {
        method: 'get',
        path: '/v1/session',
        summary: 'Whether keys are asked for, and which one the request carries.',
        answer: { 'application/json': session },
      },
      {
        method: 'post',
        path: '/v1/session',
        summary: 'Signs a browser in with a key, by a cookie.',
        body: { 'application/json': body },
        answer: { 'application/json': answer },
        errors: [413, 415],
      },
      { method: 'delete', path: '/v1/session', summary: 'Signs a browser out.', answer: { 'application/json': answer } },
    ],
  }
}
