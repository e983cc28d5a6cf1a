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
