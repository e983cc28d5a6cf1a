import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { assets, page, pagePaths } from '../../api/http/assets.ts'
import { startApi } from './helpers/api.ts'

const expected = {
  'content-security-policy': /^default-src 'none';script-src 'self';style-src 'self';/,
  'cross-origin-opener-policy': /^same-origin$/,
  'cross-origin-resource-policy': /^same-origin$/,
  'referrer-policy': /^no-referrer$/,
  'x-content-type-options': /^nosniff$/,
  'x-frame-options': /^DENY$/i,
}

describe('every answer', () => {
  it('carries the security headers and a request id, and does not name its server', async (t) => {
    const { get } = await startApi(t)
    for (const route of ['/', '/healthz', '/v1/books', '/nowhere']) {
      const { headers } = await get(route)
      for (const [name, value] of Object.entries(expected)) assert.match(headers.get(name) ?? '', value, `${name} of ${route}`)
      assert.ok(headers.get('x-request-id'))
      assert.equal(headers.get('x-powered-by'), null)
    }
  })

  it("names no source but the page's own origin in its content security policy", async (t) => {
    const { get } = await startApi(t)
    const policy = (await get('/')).headers.get('content-security-policy') ?? ''
    const sources = policy.split(/;\s*/).flatMap((directive) => directive.split(' ').slice(1))
    assert.deepEqual(new Set(sources), new Set(["'none'", "'self'"]))
  })

  it('keeps the request id of its caller, and repeats it in a problem', async (t) => {
    const { get } = await startApi(t)
    const { headers, body } = await get('/nowhere', { headers: { 'x-request-id': 'mine-1' } })
    assert.equal(headers.get('x-request-id'), 'mine-1')
    assert.equal(body.request_id, 'mine-1')
  })
})

describe('a request that can not be answered', () => {
  it('under a foreign Host is refused', async (t) => {
    const { getAs } = await startApi(t)
    assert.equal(await getAs('evil.example'), 421)
    assert.equal(await getAs('localhost:1234'), 200)
  })

  it('for a path that is not there is a 404 that points to the list of routes', async (t) => {
    const { get } = await startApi(t)
    const { status, body, headers } = await get('/v1/nothing')
    assert.equal(status, 404)
    assert.match(headers.get('content-type') ?? '', /^application\/problem\+json/)
    assert.equal(body.instance, '/v1/nothing')
    assert.match(body.detail, /\/v1 lists the routes/)
  })

  it('by a method that changes things is a 405', async (t) => {
    const { get } = await startApi(t)
    const { status, headers } = await get('/v1/books', { method: 'POST' })
    assert.equal(status, 405)
    assert.equal(headers.get('allow'), 'GET, HEAD')
  })

  it('by OPTIONS is told the methods of its path, whatever answers there', async (t) => {
    const { get } = await startApi(t)
    for (const [route, allow] of [
      ['/v1/books', 'GET, HEAD, OPTIONS'],
      ['/v1/events', 'GET, HEAD, OPTIONS'],
      ['/v1/sql', 'POST, OPTIONS'],
    ]) {
      const { status, headers } = await get(route!, { method: 'OPTIONS' })
      assert.deepEqual([status, headers.get('allow')], [204, allow], route)
    }
    assert.equal((await get('/v1/nothing', { method: 'OPTIONS' })).status, 404)
  })

  it('for lack of valid percent-encoding is a 400', async (t) => {
    const { get } = await startApi(t)
    const { status, body } = await get('/v1/books/%E0%A4%A')
    assert.equal(status, 400)
    assert.match(body.detail, /encoding/)
  })

  it('because something broke is a 500 that tells nothing of the inside', async (t) => {
    const { get } = await startApi(t, {
      lag: () => {
        throw new Error('secret detail of /home/somebody')
      },
    })
    const { status, body } = await get('/v1/status')
    assert.equal(status, 500)
    assert.doesNotMatch(JSON.stringify(body), /secret|\/home|\.ts/)
    assert.match(body.detail, /request_id/)
  })
})

describe('the page', () => {
  it('is made of files that are all there, and of no others', async (t) => {
    const { get } = await startApi(t)
    for (const [path, { type }] of [...Object.entries(assets()), ...pagePaths.map((each) => [each, page] as const)]) {
      const { status, headers } = await get(path.replace(/:\w+/, 'x'))
      assert.equal(status, 200, path)
      assert.equal(headers.get('content-type'), type)
    }
    assert.ok(assets()['/assets/app.js'], 'the bundle is there')
    for (const path of [
      '/assets/../app.ts',
      '/assets/..%2fapp.ts',
      '/assets/%2e%2e/package.json',
      '/web/app.tsx',
      '/package.json',
      '/assets/stamp',
    ]) {
      assert.equal((await get(path)).status, 404, path)
    }
  })

  it('may be kept as far as its names change with what is in it', async (t) => {
    const { get } = await startApi(t)
    const chunk = Object.keys(assets()).find((path) => /-[A-Z0-9]{8}\.js$/.test(path))
    assert.match((await get(chunk ?? '')).headers.get('cache-control') ?? '', /immutable/)
    for (const path of ['/', '/assets/app.js', '/assets/style.css'])
      assert.equal((await get(path)).headers.get('cache-control'), 'no-cache', path)
  })

  it('asks nothing of other hosts, and has no inline script or style', async (t) => {
    const { get } = await startApi(t)
    for (const path of ['/', '/assets/style.css', '/docs']) {
      const text = String((await get(path)).body).replaceAll('http://www.w3.org/2000/svg', '')
      assert.doesNotMatch(text, /https?:\/\//, path)
    }
    const html = String((await get('/')).body)
    assert.doesNotMatch(html, /<style|style=|<script(?![^>]*src=)|\son\w+=/i)
  })
})
