import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import pino from 'pino'

export interface Reply {
  status?: number
  type?: string
  headers?: Record<string, string>
  body?: string
  /** Sends half of the body, then breaks the connection. */
  isCut?: true
  /** Never answers. */
  hangs?: true
}

export const document = (content: string) =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<GoodreadsResponse><Request/>${content}</GoodreadsResponse>`

/** A server that answers as told, and the paths (with query) that it was asked for. Closed at the test's end. */
export const serve = async (t: TestContext, answer: (path: string, request: IncomingMessage) => Reply | string) => {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url!)
    const told = answer(request.url!, request)
    const {
      status = 200,
      type = 'application/xml',
      headers = {},
      body = '',
      isCut,
      hangs,
    } = typeof told === 'string' ? { body: told } : told
    if (hangs) return
    response.writeHead(status, { 'content-type': type, ...headers, ...(isCut ? { 'content-length': Buffer.byteLength(body) } : {}) })
    if (isCut) {
      response.write(body.slice(0, body.length >> 1))
      setImmediate(() => response.destroy())
    } else response.end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

/** A log that keeps its warnings' reasons. */
export const keepingLog = () => {
  const lines: string[] = []
  return { lines, log: pino({ level: 'warn' }, { write: (line) => void lines.push(line) }) }
}
