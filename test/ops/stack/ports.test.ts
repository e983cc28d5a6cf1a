import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { isPortFree, pickPort } from '../../../ops/stack/ports.ts'

const takenPort = async (t: TestContext, host = '127.0.0.1') => {
  const server = createServer().listen(0, host)
  t.after(() => server.close())
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

test('a free port is taken as it is', async () => {
  const { port } = await pickPort({ port: 0, isExplicit: true, flag: '--port' })
  assert.ok(port >= 20_000 && port < 32_000, String(port))
  assert.deepEqual(await pickPort({ port, isExplicit: false, flag: '--port' }), { port, isFallback: false })
})

test('a default port that is taken gives way to a free one', async (t) => {
  const wanted = await takenPort(t)
  const { port, isFallback } = await pickPort({ port: wanted, isExplicit: false, flag: '--port' })
  assert.ok(isFallback)
  assert.notEqual(port, wanted)
  assert.ok(await isPortFree(port))
})

test('an explicit port that is taken is refused, naming its flag', async (t) => {
  const port = await takenPort(t)
  await assert.rejects(pickPort({ port, isExplicit: true, flag: '--kafka-port' }), {
    code: 'port-taken',
    message: `Port ${port} (--kafka-port) is taken on 127.0.0.1.`,
  })
})

test('a port that somebody holds on every address is not free', async (t) => {
  assert.equal(await isPortFree(await takenPort(t, '0.0.0.0')), false)
})

test('a port that is spoken for is not given twice', async () => {
  const { port } = await pickPort({ port: 0, isExplicit: false, flag: '--port' })
  const other = await pickPort({ port, isExplicit: false, flag: '--port', reserved: new Set([port]) })
  assert.notEqual(other.port, port)
})
