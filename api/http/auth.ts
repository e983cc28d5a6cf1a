import type { Request, RequestHandler } from 'express'
import { type ApiKey, keyOf, type Scope } from '../keys/store.ts'
import { Problem } from './problem.ts'

const COOKIE = 'readflow_key'
/** What a refusal for want of a key has with it. */
export const REALM = { 'WWW-Authenticate': 'Bearer realm="ReadFlow"' }

/** What a request must be allowed to do; null for what anybody may: health, the page, and to sign in. */
export const scopeOf = ({ method, path: asked }: Pick<Request, 'method' | 'path'>): Scope | null => {
  // The framework takes paths in any case, and with a slash more.
  const path = asked.toLowerCase().replace(/\/+$/, '')
  if (path === '/v1/session' || (path !== '/metrics' && path !== '/v1' && !path.startsWith('/v1/'))) return null
  if (path === '/v1/sql' || path.startsWith('/v1/sql/') || path === '/v1/export') return 'sql'
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS' ? 'read' : 'write'
}

/** The text of the key that a request carries, and whether a browser sent it by itself. */
export const givenKey = (request: Request): { text: string; isCookie: boolean } | null => {
  const bearer = /^Bearer (\S+)$/i.exec(request.get('authorization') ?? '')?.[1] ?? request.get('x-api-key')
  if (bearer) return { text: bearer, isCookie: false }
  const cookie = new RegExp(`(?:^|;\\s*)${COOKIE}=([\\w-]+)`).exec(request.get('cookie') ?? '')?.[1]
  return cookie ? { text: cookie, isCookie: true } : null
}

/** The cookie that signs a browser in with a key, or out with none. No script of a page can read it, and no other site sends it. */
export const keyCookie = (key: string | null): string =>
  `${COOKIE}=${key ?? ''}; Path=/; HttpOnly; SameSite=Strict; ${key === null ? 'Max-Age=0' : 'Max-Age=2592000'}`

/**
 * Whether a request that changes something comes from a page of our own, or from no page at all. Browsers say where a request
 * comes from; what is no browser says nothing.
 */
export const isSameOrigin = (request: Request): boolean => {
  const site = request.get('sec-fetch-site')
  if (site !== undefined) return site === 'same-origin' || site === 'none'
  const origin = request.get('origin')
  if (origin === undefined) return true
  return URL.canParse(origin) && new URL(origin).host === request.get('host')
}

/**
 * Lets through what may pass. With keys, a request needs one that holds and has its scope; without, everything that only reads
 * passes. What changes something must come from the page itself, unless a key that no browser adds by itself says otherwise.
 */
export const authorize = ({ isOn, keys }: { isOn: boolean; keys: () => Promise<ApiKey[]> }): RequestHandler => {
  const refuseOtherSites = (request: Request) => {
    if (!isSameOrigin(request)) {
      throw new Problem(
        403,
        'This changes something, and the request comes from a page of another origin. Use the page itself, or a key in the Authorization header.',
      )
    }
  }
  return async (request, response, next) => {
    const scope = scopeOf(request)
    if (scope === null) return next()
    const isChange = scope === 'write'
    if (!isOn) {
      if (isChange) refuseOtherSites(request)
      return next()
    }
    const given = givenKey(request)
    if (!given) {
      throw new Problem(
        401,
        'This server asks for a key: send it as Authorization: Bearer rf_…. Whoever runs it makes one with: readflow keys add.',
        { headers: REALM },
      )
    }
    const key = keyOf(await keys(), given.text)
    if (!key)
      throw new Problem(401, 'The key is not known here, or it was revoked. Whoever runs this server makes one with: readflow keys add.', {
        headers: REALM,
      })
    if (!key.scopes.includes(scope)) {
      throw new Problem(
        403,
        `The key is for ${key.scopes.join(', ')}, and this needs ${scope}. Make another with: readflow keys add --scopes ${[...key.scopes, scope].join(',')}.`,
      )
    }
    if (isChange && given.isCookie) refuseOtherSites(request)
    response.locals['keyId'] = key.id
    next()
  }
}
