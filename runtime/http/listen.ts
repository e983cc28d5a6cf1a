import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ReadflowError } from '../errors.ts'
import { isWildcardHost, urlHost } from './hosts.ts'

export interface ListenOptions {
  listener: RequestListener
  host: string
  port: number
  /** A port that a person chose is the only one that will do; a default one gives way to a free one. */
  isPortExplicit: boolean
  /** What a person would change, for the message: `--port` unless it says otherwise. */
  portFlag?: string
  hostFlag?: string
}

const DRAIN_MS = 5000

/**
 * Serves on host and port. Gives the URL to open and a `close` that lets running answers end, for at most 5 s.
 * Throws ReadflowError `port-taken` for a chosen port that is taken, `config` for an address that can't be bound.
 */
export const listen = async ({ listener, host, port, isPortExplicit, portFlag = '--port', hostFlag = '--host' }: ListenOptions) => {
  const server = createServer({ requestTimeout: 30_000, headersTimeout: 10_000 }, listener)
  await bind(server, host, port).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'EADDRINUSE' && !isPortExplicit) return bind(server, host, 0)
    throw listenError(cause, { host, port, portFlag, hostFlag })
  })
  const bound = (server.address() as AddressInfo).port
  const url = `http://${isWildcardHost(host) ? '127.0.0.1' : urlHost(host)}:${bound}/`
  return { url, port: bound, isFallback: port !== 0 && bound !== port, close: () => drain(server) }
}

const bind = (server: Server, host: string, port: number) =>
  new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port }, () => {
      server.off('error', reject)
      resolve()
    })
  })

const listenError = (
  cause: NodeJS.ErrnoException,
  { host, port, portFlag, hostFlag }: { host: string; port: number; portFlag: string; hostFlag: string },
) => {
  if (cause.code === 'EADDRINUSE') {
    return new ReadflowError('port-taken', `Port ${port} on ${host} is taken.`, {
      cause,
      hint: `Stop what listens there, or choose another with ${portFlag} (0 takes a free one).`,
    })
  }
  const reason = cause.code === 'EACCES' ? 'this user may not' : (cause.code ?? cause.message)
  return new ReadflowError('config', `Can't listen on port ${port} of ${host}: ${reason}.`, {
    cause,
    hint: `Choose others with ${hostFlag} and ${portFlag}.`,
  })
}

const drain = (server: Server) =>
  new Promise<void>((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), DRAIN_MS)
    server.close(() => {
      clearTimeout(cut)
      resolve()
    })
    server.closeIdleConnections()
  })
