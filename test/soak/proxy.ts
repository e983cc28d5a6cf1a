import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { NetworkFault } from './plan.ts'

export interface TcpProxy {
  port: number
  /** Breaks the network in this way until `mend`; `reset` is over at once. */
  break: (fault: NetworkFault) => void
  mend: () => void
  close: () => Promise<void>
}

const DELAY_MS = 400
const CUT_AFTER_BYTES = 32 * 1024

/**
 * A forwarder of TCP in front of a server on this machine:
 * - `delay`: every piece comes late, in order;
 * - `cut`: a connection ends in the middle of an answer, again and again;
 * - `reset`: all connections are reset;
 * - `half-open`: the server's side is gone, and the client is told nothing: what it sends is swallowed, also by connections
 *   that it opens meanwhile, and those stay so when the network works again.
 */
export const startTcpProxy = async (targetPort: number, { cutAfterBytes = CUT_AFTER_BYTES } = {}): Promise<TcpProxy> => {
  let fault: NetworkFault | null = null
  const pairs = new Map<Socket, Socket | null>()

  const pipe = (from: Socket, to: Socket, isAnswer: boolean) => {
    let passed = 0
    let last = Promise.resolve()
    from.on('data', (bytes) => {
      if (fault === 'cut' && isAnswer) {
        passed += bytes.length
        if (passed > cutAfterBytes) return void to.end(bytes.subarray(0, bytes.length >> 1), () => to.destroy())
      }
      const waits = fault === 'delay' ? new Promise<void>((resolve) => setTimeout(resolve, DELAY_MS)) : null
      from.pause()
      last = last
        .then(() => waits ?? undefined)
        .then(async () => {
          if (to.writable && !to.write(bytes)) await Promise.race([once(to, 'drain'), once(to, 'close')]).catch(() => undefined)
          from.resume()
        })
    })
    from.on('end', () => void last.then(() => to.end()))
    from.on('close', () => void last.then(() => to.destroy()))
    from.on('error', () => to.destroy())
  }
  const swallow = (client: Socket, upstream: Socket | null) => {
    client.removeAllListeners('data')
    client.on('data', () => undefined)
    client.resume()
    pairs.set(client, null)
    // Its end says nothing to the client.
    upstream?.removeAllListeners('close').removeAllListeners('end').destroy()
  }

  const server = createServer({ allowHalfOpen: false }, (client) => {
    client.on('error', () => client.destroy())
    client.on('close', () => pairs.delete(client))
    if (fault === 'half-open') return swallow(client, null)
    const upstream = connect({ port: targetPort, host: '127.0.0.1' })
    pairs.set(client, upstream)
    for (const socket of [client, upstream]) socket.setNoDelay(true)
    pipe(client, upstream, false)
    pipe(upstream, client, true)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    break: (how) => {
      if (how === 'reset') {
        for (const client of pairs.keys()) client.resetAndDestroy()
        return
      }
      fault = how
      if (how === 'half-open') for (const [client, upstream] of pairs) swallow(client, upstream)
    },
    mend: () => {
      fault = null
    },
    close: async () => {
      for (const client of pairs.keys()) client.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
