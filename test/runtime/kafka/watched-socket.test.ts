import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { type TestContext, test } from 'node:test'
import { createSocketFactory } from '../../../runtime/kafka/watched-socket.ts'

/** A request as far as its API key. */
const requestOf = (apiKey: number): Buffer => {
  const request = Buffer.alloc(8)
  request.writeInt32BE(4, 0)
  request.writeInt16BE(apiKey, 4)
  return request
}

const open = async (t: TestContext, isAnswering: () => boolean) => {
  const server = net.createServer((peer) => {
    peer.on('error', () => undefined)
    peer.on('data', (bytes) => isAnswering() && peer.write(bytes))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as net.AddressInfo
  const socket = createSocketFactory({ silentMs: 100, groupSilentMs: 400 })({
    host: '127.0.0.1',
    port,
    ssl: undefined as never,
    onConnect: () => undefined,
  })
  t.after(() => socket.destroy())
  return socket
}

test('a connection on which no answer comes is given up', async (t) => {
  const socket = await open(t, () => false)
  socket.write(requestOf(3))
  const [error] = await once(socket, 'close').catch((failure) => [failure])
  assert.match(String(error), /did not answer for 0\.1 s/)
})

test('one that was answered before, and then is not', async (t) => {
  let isAnswering = true
  const socket = await open(t, () => isAnswering)
  socket.write(requestOf(3))
  await once(socket, 'data')
  await new Promise((resolve) => setTimeout(resolve, 200))
  assert.equal(socket.destroyed, false, 'an idle connection is none that is dead')
  isAnswering = false
  socket.write(requestOf(3))
  const [error] = await once(socket, 'close').catch((failure) => [failure])
  assert.match(String(error), /did not answer/)
})

test('a request that waits for the members of a group may wait longer, and what comes after it too', async (t) => {
  const socket = await open(t, () => false)
  const beganMs = performance.now()
  socket.write(requestOf(11))
  socket.write(requestOf(12))
  await once(socket, 'close').catch(() => undefined)
  assert.ok(performance.now() - beganMs >= 390)
})
