import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What is done to a request. Those with `status` answer by themselves; `isForwarded` says whether the store has seen it. */
export type Fault =
  | { kind: 'answer'; status: number; code: string; isForwarded?: boolean; headers?: Record<string, string> }
  /** Passed on after a while. */
  | { kind: 'slow'; delayMs: number }
  /** No answer ever, until the client gives up. */
  | { kind: 'hang'; isForwarded: boolean }
  /** The connection is cut before the answer. */
  | { kind: 'drop'; isForwarded: boolean }
  /** The answer's head says all bytes; only so many come. */
  | { kind: 'cut'; afterBytes: number }

export interface FaultProxy {
  endpoint: string
  /** The requests that came, such as `PUT /lake/a?partNumber=2`. */
  seen: string[]
  /** Does these to the next requests that match, one each, in their order. */
  script: (match: RegExp, faults: Fault[]) => void
  /** Does this to every request that matches, until `clear`. */
  always: (match: RegExp, fault: Fault) => void
  /** Asked about every request for which nothing else is told, until `clear`. */
  sometimes: (pick: (line: string) => Fault | undefined) => void
  clear: () => void
  stop: () => Promise<void>
}

/**
 * A forwarder in front of an HTTP server on this machine, which does faults as told. Host and headers go on as they came,
 * so that signatures hold.
 */
export const startFaultProxy = async (targetPort: number): Promise<FaultProxy> => {
  const rules: { match: RegExp; faults: Fault[]; isLasting: boolean }[] = []
  const seen: string[] = []
  let pick: (line: string) => Fault | undefined = () => undefined

  const faultFor = (line: string): Fault | undefined => {
    const rule = rules.find(({ match, faults }) => faults.length > 0 && match.test(line))
    if (!rule) return pick(line)
    return rule.isLasting ? rule.faults[0] : rule.faults.shift()
  }

  const server = createServer((incoming, outgoing) => {
    const line = `${incoming.method} ${incoming.url}`
    seen.push(line)
    handle(incoming, outgoing, faultFor(line)).catch(() => incoming.destroy())
  })

  const forward = (incoming: IncomingMessage): Promise<{ status: number; headers: IncomingMessage['headers']; body: Buffer }> =>
    new Promise((resolve, reject) => {
      const { method, url, headers } = incoming
      const asking = request({ host: '127.0.0.1', port: targetPort, method, path: url, headers, agent: false }, (answer) => {
        const chunks: Buffer[] = []
        answer.on('data', (chunk) => chunks.push(chunk))
        answer.on('error', reject)
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) }))
      })
      asking.on('error', reject)
      incoming.pipe(asking)
    })

  const handle = async (incoming: IncomingMessage, outgoing: ServerResponse, fault: Fault | undefined) => {
    if (fault?.kind === 'slow') await new Promise((resolve) => setTimeout(resolve, fault.delayMs))
    const isForwarded = !fault || fault.kind === 'slow' || fault.kind === 'cut' || fault.isForwarded === true
    if (!isForwarded) for await (const _ of incoming);
    const answer = isForwarded ? await forward(incoming) : null
    if (fault?.kind === 'hang') return
    if (fault?.kind === 'drop') return void incoming.socket.destroy()
    if (fault?.kind === 'answer') {
      const xml = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${fault.code}</Code><Message>scripted</Message></Error>`
      return void outgoing.writeHead(fault.status, { 'content-type': 'application/xml', ...fault.headers }).end(xml)
    }
    if (!answer) return
    outgoing.writeHead(answer.status, answer.headers)
    if (fault?.kind !== 'cut') return void outgoing.end(answer.body)
    // Written out first, or the client would not even see the head.
    outgoing.write(answer.body.subarray(0, fault.afterBytes), () => setTimeout(() => incoming.socket.destroy(), 20))
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    script: (match, faults) => void rules.push({ match, faults: [...faults], isLasting: false }),
    always: (match, fault) => void rules.push({ match, faults: [fault], isLasting: true }),
    sometimes: (of) => {
      pick = of
    },
    clear: () => {
      pick = () => undefined
      rules.length = 0
      seen.length = 0
    },
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}
