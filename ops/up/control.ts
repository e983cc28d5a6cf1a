import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { errorLine } from '../../runtime/errors.ts'
import type { StageName } from '../../runtime/stage-names.ts'
import { stageVerbs, type UpStatus } from '../../runtime/up-status.ts'
import type { StageKeeper } from './stages.ts'

const digest = (text: string) => createHash('sha256').update(text).digest()

/**
 * Serves `GET /status`, `POST /stages/<stage>/{run,retry,pause,resume}` and `POST /programs/<name>/restart` on a free port
 * of 127.0.0.1, to who knows the token. An answer is `{ status, isNew }`, of a stage at once: who wants to know when what
 * was asked for is done asks again. A restart answers when it is done; `failure` says why the program does not run.
 */
export const startControl = async ({
  stages,
  status,
  restart,
}: {
  stages: Pick<StageKeeper, 'list' | 'ask'>
  status: () => UpStatus
  /** Null for what does not run here. */
  restart: (name: string) => Promise<string | null> | null
}) => {
  const token = randomBytes(32).toString('base64url')
  const wanted = digest(`Bearer ${token}`)
  const answer = async ({ method, url = '', headers }: IncomingMessage): Promise<[number, object]> => {
    if (!timingSafeEqual(digest(headers.authorization ?? ''), wanted)) return [401, { error: 'the token is not right' }]
    if (method === 'GET' && url === '/status') return [200, { status: status(), isNew: false }]
    const restarting = method === 'POST' ? restart(/^\/programs\/(\w+)\/restart$/.exec(url)?.[1] ?? '') : null
    if (restarting) return [200, { failure: await restarting, status: status(), isNew: true }]
    const [, name, asked] = /^\/stages\/(\w+)\/(\w+)$/.exec(url) ?? []
    const verb = stageVerbs.find((each) => each === asked)
    if (method !== 'POST' || !verb || !stages.list().some((stage) => stage.name === name))
      return [404, { error: 'there is no such stage here' }]
    const isNew = stages.ask(name as StageName, verb)
    return [200, { status: status(), isNew }]
  }
  const server = createServer(async (request, response) => {
    const [status, body] = await answer(request).catch((error): [number, object] => [500, { error: errorLine(error) }])
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
