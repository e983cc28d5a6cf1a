import { once } from 'node:events'
import net from 'node:net'

/** Passes everything on, but ends the first `cuts` connections in the middle of their first answer. */
export const startCuttingProxy = async (targetPort: number, cuts: number) => {
  let connections = 0
  const server = net.createServer((client) => {
    const isCut = ++connections <= cuts
    const upstream = net.connect({ port: targetPort, host: '127.0.0.1' })
    const drop = () => {
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) socket.on('error', drop).on('close', drop)
    client.pipe(upstream)
    if (isCut) upstream.once('data', (answer) => client.end(answer.subarray(0, Math.floor(answer.length / 3))))
    else upstream.pipe(client)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { port: (server.address() as net.AddressInfo).port, connections: () => connections, close: () => server.close() }
}
