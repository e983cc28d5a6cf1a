import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { openRegistry } from '../../runtime/registry.ts'

const schema = { type: 'record', name: 'R', fields: [{ name: 'a', type: 'string' }] }

/** A registry that gives one answer to everything, or none at all. */
const serve = async (t: TestContext, answer: { status: number; body: object } | null) => {
  const server = createServer((_, response) => {
    if (answer) response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('a registry that accepts connections and never answers is unavailable, not a hang', async (t) => {
  const registry = openRegistry(await serve(t, null), { requestTimeoutMs: 300 })
  await assert.rejects(registry.register('s-value', schema), { code: 'registry-unavailable' })
  await assert.rejects(registry.schemaById(1), { code: 'registry-unavailable' })
})

test('a schema id that the registry does not have is null, a fault is an error', async (t) => {
  assert.equal(await openRegistry(await serve(t, { status: 404, body: {} })).schemaById(7), null)
  await assert.rejects(openRegistry(await serve(t, { status: 500, body: {} })).schemaById(7), { code: 'registry-unavailable' })
})

test('nobody there is one clear line that names the address', async () => {
  await assert.rejects(openRegistry('http://user:secret@127.0.0.1:1').register('s-value', schema), (error: Error & { code: string }) => {
    assert.equal(error.code, 'registry-unavailable')
    assert.match(error.message, /127\.0\.0\.1:1/)
    assert.doesNotMatch(error.message, /secret/)
    return true
  })
})

test('a user and a password of the address are sent with every request, and named in no message', async (t) => {
  const seen: (string | undefined)[] = []
  const server = createServer((request, response) => {
    seen.push(request.headers.authorization)
    response.writeHead(request.method === 'POST' ? 500 : 404, { 'content-type': 'application/json' }).end('{"message":"no"}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const registry = openRegistry(`http://us%40er:secret@127.0.0.1:${(server.address() as AddressInfo).port}`)
  assert.equal(await registry.schemaById(1), null)
  await assert.rejects(registry.register('s-value', schema), (error: Error) => !error.message.includes('secret'))
  assert.ok(seen.length >= 4)
  assert.deepEqual([...new Set(seen)], [`Basic ${Buffer.from('us@er:secret').toString('base64')}`])
})

test('a subject that was left without its level gets it, and a stricter one is kept', async (t) => {
  const levels = new Map([
    ['left-value', 'NONE'],
    ['strict-value', 'FULL_TRANSITIVE'],
  ])
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const subject = request.url?.split('/')[2] ?? ''
    if (request.method === 'PUT') levels.set(subject, JSON.parse(body).compatibility)
    const level = levels.get(subject)
    const answer = request.method === 'POST' ? { id: 3 } : { compatibilityLevel: level, compatibility: level }
    response.writeHead(level ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const registry = openRegistry(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  assert.equal(await registry.register('left-value', schema), 3)
  assert.equal(await registry.register('strict-value', schema), 3)
  assert.deepEqual(Object.fromEntries(levels), { 'left-value': 'BACKWARD_TRANSITIVE', 'strict-value': 'FULL_TRANSITIVE' })
})
