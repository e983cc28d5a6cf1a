import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ReadflowError } from '../../../runtime/errors.ts'
import { listen } from '../../../runtime/http/listen.ts'

const ok = (_request: unknown, response: { end: (text: string) => void }) => response.end('ok')
const on = (port: number, isPortExplicit: boolean) => listen({ listener: ok, host: '127.0.0.1', port, isPortExplicit })

describe('listening', () => {
  it('takes a free port for 0 and tells its URL', async (t) => {
    const server = await on(0, true)
    t.after(server.close)
    assert.equal(server.isFallback, false)
    assert.equal(await (await fetch(server.url)).text(), 'ok')
  })

  it('refuses a chosen port that is taken, in one line that names it', async (t) => {
    const first = await on(0, true)
    t.after(first.close)
    await assert.rejects(on(first.port, true), (error: unknown) => {
      assert.ok(error instanceof ReadflowError)
      assert.equal(error.code, 'port-taken')
      assert.match(error.message, new RegExp(`^Port ${first.port} on 127\\.0\\.0\\.1 is taken\\.$`))
      assert.match(error.hint ?? '', /--port/)
      return true
    })
  })

  it('falls back to a free port when the default one is taken', async (t) => {
    const first = await on(0, true)
    t.after(first.close)
    const second = await on(first.port, false)
    t.after(second.close)
    assert.ok(second.isFallback)
    assert.notEqual(second.port, first.port)
  })

  it('refuses an address that this machine does not have', async () => {
    const listening = listen({ listener: ok, host: '192.0.2.1', port: 0, isPortExplicit: true })
    await assert.rejects(listening, (error: unknown) => error instanceof ReadflowError && error.code === 'config')
  })
})
