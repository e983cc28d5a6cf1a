import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { StageName, UpStatus } from '../../runtime/up-status.ts'
import type { StageKeeper } from './stages.ts'

const digest = (text: string) => createHash('sha256').update(text).digest()

/**
 * Serves `GET /stages` and `POST /stages/<stage>/{pause,resume}` on a free port of 127.0.0.1, to who knows
 * the token. Every answer is `{ stages, programs, isNew }` at once: who wants to know when a pause is done asks again.
 */
export const startControl = async (stages: Pick<StageKeeper, 'list' | 'ask'>, programs: () => UpStatus['programs']) => {
  const token = randomBytes(32).toString('base64url')
  const wanted = digest(`Bearer ${token}`)
  const answer = ({ method, url = '', headers }: IncomingMessage): [number, object] => {
    if (!timingSafeEqual(digest(headers.authorization ?? ''), wanted)) return [401, { error: 'the token is not right' }]
    if (method === 'GET' && url === '/stages') return [200, { stages: stages.list(), programs: programs(), isNew: false }]
    const [, name, verb] = /^\/stages\/(\w+)\/(pause|resume)$/.exec(url) ?? []
    if (method !== 'POST' || !stages.list().some((stage) => stage.name === name)) return [404, { error: 'there is no such stage here' }]
    const isNew = stages.ask(name as StageName, verb === 'pause')
    return [200, { stages: stages.list(), programs: programs(), isNew }]
  }
  const server = createServer((request, response) => {
    const [status, body] = answer(request)
    // One request a connection: nothing idle holds up the stop.
    response.writeHead(status, { 'content-type': 'application/json', connection: 'close' }).end(JSON.stringify(body))
    request.resume()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    token,
    close: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
