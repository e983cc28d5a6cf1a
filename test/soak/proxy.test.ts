import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { startTcpProxy, type TcpProxy } from './proxy.ts'

const BIG = 256 * 1024
/** Answers each line with itself, and `big` with many bytes. */
const server = createServer((socket) => {
  socket.on('error', () => socket.destroy())
  socket.on('data', (bytes) => socket.write(bytes.toString() === 'big' ? Buffer.alloc(BIG) : bytes))
})
let proxy: TcpProxy
before(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  proxy = await startTcpProxy((server.address() as AddressInfo).port)
})
after(async () => {
  await proxy.close()
  server.close()
})

const open = async () => {
  const socket = connect({ port: proxy.port, host: '127.0.0.1' })
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}
const ask = async (socket: Socket, text: string, withinMs = 5000): Promise<string | null> => {
  socket.write(text)
  return Promise.race([
    once(socket, 'data').then(([bytes]) => String(bytes)),
    new Promise<null>((resolve) => setTimeout(() => resolve(null), withinMs)),
  ])
}

test('it passes bytes on, late where it delays', async () => {
  const socket = await open()
  assert.equal(await ask(socket, 'a'), 'a')
  proxy.break('delay')
  const began = Date.now()
  assert.equal(await ask(socket, 'b'), 'b')
  assert.ok(Date.now() - began >= 700, 'both ways')
  proxy.mend()
  assert.equal(await ask(socket, 'c'), 'c')
  socket.destroy()
})

test('cut: an answer ends in its middle', async () => {
  proxy.break('cut')
  const socket = await open()
  let bytes = 0
  socket.on('data', (chunk) => {
    bytes += chunk.length
  })
  socket.write('big')
  await once(socket, 'close')
  assert.ok(bytes > 0 && bytes < BIG, `${bytes} bytes`)
  proxy.mend()
  const other = await open()
  assert.equal(await ask(other, 'd'), 'd')
  other.destroy()
})

test('reset: the client gets an error; new connections work', async () => {
  const socket = await open()
  assert.equal(await ask(socket, 'e'), 'e')
  const failed = once(socket, 'error')
  proxy.break('reset')
  await failed.catch((error) => assert.equal(error.code, 'ECONNRESET'))
  const other = await open()
  assert.equal(await ask(other, 'f'), 'f')
  other.destroy()
})

test('half open: no answer and no end, then and later; new connections work once it is mended', async () => {
  const old = await open()
  assert.equal(await ask(old, 'g'), 'g')
  proxy.break('half-open')
  const meanwhile = await open()
  assert.equal(await ask(old, 'h', 300), null)
  assert.equal(await ask(meanwhile, 'i', 300), null)
  proxy.mend()
  assert.equal(await ask(old, 'j', 300), null)
  assert.equal(old.destroyed || meanwhile.destroyed, false)
  const other = await open()
  assert.equal(await ask(other, 'k'), 'k')
  for (const socket of [old, meanwhile, other]) socket.destroy()
})
