import net from 'node:net'
import tls from 'node:tls'
import type { ISocketFactory } from './kafkajs.ts'

const KEEP_ALIVE_DELAY_MS = 60_000
/** Where a request carries its API key, and those of the requests that wait for other members of a group. */
const API_KEY_AT = 4
const JOIN_GROUP = 11
const SYNC_GROUP = 14

/** How long a broker may say nothing to a request: a little longer than kafkajs itself waits for the answer. */
const SILENT_MS = 31_000
/** The same where it waits for the group: for the time of a rebalance, 60 s unless told. */
const GROUP_SILENT_MS = 66_000

export interface WatchedSocketOptions {
  silentMs?: number
  groupSilentMs?: number
}

/**
 * Sockets for kafkajs that are given up where a broker does not answer. kafkajs lets a request time out and asks again on the same
 * connection, so that one that is dead and never closed (a cable, a firewall, a host that is gone) would stay so for as long as TCP
 * sends again: a quarter of an hour. Any byte that comes shows that it lives.
 * Of one that kafkajs has ended it hears nothing more: it would take its last bytes, and late faults, for those of the connection
 * that it opened in its place.
 */
export const createSocketFactory =
  ({ silentMs = SILENT_MS, groupSilentMs = GROUP_SILENT_MS }: WatchedSocketOptions = {}): ISocketFactory =>
  ({ host, port, ssl, onConnect }) => {
    const socket = ssl
      ? tls.connect({ host, port, ...(net.isIP(host) ? {} : { servername: host }), ...(ssl as tls.ConnectionOptions) }, onConnect)
      : net.connect({ host, port }, onConnect)
    socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS)
    let timer: NodeJS.Timeout | undefined
    const calm = () => {
      clearTimeout(timer)
      timer = undefined
    }
    const write = socket.write.bind(socket) as (...args: unknown[]) => boolean
    socket.write = ((...args: unknown[]) => {
      const [request] = args
      const apiKey = Buffer.isBuffer(request) && request.length >= API_KEY_AT + 2 ? request.readInt16BE(API_KEY_AT) : null
      const limitMs = apiKey === JOIN_GROUP || apiKey === SYNC_GROUP ? groupSilentMs : silentMs
      // A broker answers a connection's requests in order: those that come later wait for the first one.
      timer ??= setTimeout(() => socket.destroy(new Error(`${host}:${port} did not answer for ${limitMs / 1000} s`)), limitMs).unref()
      return write(...args)
    }) as typeof socket.write
    const end = socket.end.bind(socket) as (...args: unknown[]) => typeof socket
    socket.end = ((...args: unknown[]) => {
      for (const event of ['data', 'end', 'error', 'timeout']) socket.removeAllListeners(event)
      socket.on('error', () => undefined)
      socket.resume()
      end(...args)
      socket.destroySoon()
      return socket
    }) as typeof socket.end
    socket.on('data', calm)
    socket.on('close', calm)
    return socket
  }
