import { connect, createServer } from 'node:net'
import { ReadflowError } from '../../runtime/errors.ts'

const CONNECT_TIMEOUT_MS = 500
const FALLBACK_TRIES = 200
/** Below the range that systems take outgoing ports from: a client that retries could else connect to itself. */
const FREE_FROM = 20_000
const FREE_TO = 32_000

const canListen = (port: number, host: string) =>
  new Promise<boolean>((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)))
  })

/** Whether something accepts connections there. */
export const answers = (port: number, host = '127.0.0.1') =>
  new Promise<boolean>((resolve) => {
    const socket = connect({ port, host, timeout: CONNECT_TIMEOUT_MS })
    const done = (result: boolean) => {
      socket.destroy()
      resolve(result)
    }
    socket.once('connect', () => done(true))
    socket.once('error', () => done(false))
    socket.once('timeout', () => done(false))
  })

/** Whether nothing listens there and we may. Some systems let two listen, one on the wildcard: so both are asked. */
export const isPortFree = async (port: number, host = '127.0.0.1'): Promise<boolean> =>
  !(await answers(port, host)) && (await canListen(port, host))

export interface PickPortOptions {
  /** The wanted port; 0 takes any free one. */
  port: number
  isExplicit: boolean
  host?: string
  /** What a person would change, such as `--port`. */
  flag: string
  /** Ports that are spoken for though nothing listens there yet. */
  reserved?: ReadonlySet<number>
}

export interface PickedPort {
  port: number
  isFallback: boolean
}

/**
 * A port to listen on: the wanted one, or where a default is taken the next of 1xxxx (8080: 18080, 18081 …).
 * Throws ReadflowError `port-taken` when an explicit one is taken, naming its flag.
 */
export const pickPort = async ({
  port,
  isExplicit,
  host = '127.0.0.1',
  flag,
  reserved = new Set(),
}: PickPortOptions): Promise<PickedPort> => {
  const isFree = async (candidate: number) => !reserved.has(candidate) && (await isPortFree(candidate, host))
  if (port !== 0) {
    if (await isFree(port)) return { port, isFallback: false }
    if (isExplicit)
      throw new ReadflowError('port-taken', `Port ${port} (${flag}) is taken on ${host}.`, {
        hint: `Stop what listens there, or choose another with ${flag}; 0 takes a free one.`,
      })
  }
  for (let attempt = 0; attempt < FALLBACK_TRIES; attempt++) {
    const candidate = port === 0 || port >= 10_000 ? FREE_FROM + Math.floor(Math.random() * (FREE_TO - FREE_FROM)) : 10_000 + port + attempt
    if (await isFree(candidate)) return { port: candidate, isFallback: port !== 0 }
  }
  throw new ReadflowError('port-taken', `No free port was found on ${host} for ${flag}.`, { hint: `Choose one with ${flag}.` })
}
