import assert from 'node:assert/strict'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import pino from 'pino'
import { metricsPorts } from '../../../runtime/config/metrics-knobs.ts'
import { openMetrics } from '../../../runtime/metrics/open.ts'

const log = pino({ level: 'silent' })
const config = { metricsHost: '127.0.0.1', metricsPort: 0, allowedHosts: undefined, isOnce: false }

const open = (t: TestContext, of: Partial<typeof config> & { metricsPort?: number | undefined } = {}, fallbacks: object[] = []) =>
  openMetrics('poll', {
    config: { ...config, ...of },
    log,
    defer: (close) => t.after(() => void close()),
    onFallback: (port) => fallbacks.push(port),
  })

const ask = (address: string, { path = '/metrics', method = 'GET', host = address } = {}) =>
  new Promise<{ status: number | undefined; body: string; type: string | undefined }>((resolve, reject) => {
    const asking = request(`http://${address}${path}`, { method, headers: { host }, agent: false }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (text) => {
        body += text
      })
      response.on('end', () => resolve({ status: response.statusCode, body, type: response.headers['content-type'] }))
    })
    asking.on('error', reject).end()
  })

const taken = async (t: TestContext, port: number) => {
  const server = createServer()
  const isOurs = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => resolve(true))
  })
  if (isOurs) t.after(() => void server.close())
  return (server.address() as { port: number } | null)?.port ?? port
}

test('serves /metrics and /healthz, and nothing else', async (t) => {
  const { address } = await open(t)
  assert.ok(address)
  const metrics = await ask(address)
  assert.equal(metrics.status, 200)
  assert.match(metrics.type ?? '', /^text\/plain; version=0\.0\.4/)
  assert.match(metrics.body, /^process_cpu_seconds_total /m)
  assert.deepEqual(await ask(address, { path: '/healthz' }), { status: 200, body: '{"status":"ok"}', type: 'application/json' })
  assert.equal((await ask(address, { method: 'HEAD' })).body, '')
  assert.equal((await ask(address, { path: '/' })).status, 404)
  assert.equal((await ask(address, { method: 'POST' })).status, 405)
})

test('answers under its address and the names it was given only', async (t) => {
  const { address } = await openMetrics('poll', {
    config: { ...config, allowedHosts: ['poll'] },
    log,
    defer: (close) => t.after(() => void close()),
  })
  assert.equal((await ask(address!, { host: 'evil.example' })).status, 421)
  assert.equal((await ask(address!, { host: 'poll:8091' })).status, 200)
})

test('a taken default port gives way to a free one, and says so', async (t) => {
  await taken(t, metricsPorts.poll)
  const fallbacks: object[] = []
  const { address } = await open(t, { metricsPort: undefined }, fallbacks)
  const port = Number(address?.split(':')[1])
  assert.deepEqual(fallbacks, [{ wanted: metricsPorts.poll, port }])
  assert.equal((await ask(address!)).status, 200)
})

test('a taken port that was chosen fails, and names its flag', async (t) => {
  const port = await taken(t, 0)
  await assert.rejects(open(t, { metricsPort: port }), (error: { code?: string; hint?: string }) => {
    assert.equal(error.code, 'port-taken')
    assert.match(error.hint ?? '', /--metrics-port/)
    return true
  })
})

test('a run once serves none unless a port was chosen', async (t) => {
  assert.equal((await open(t, { isOnce: true, metricsPort: undefined })).address, null)
  assert.notEqual((await open(t, { isOnce: true, metricsPort: 0 })).address, null)
})
