import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { targetsFile } from '../../ops/up/targets.ts'
import { openKafka } from '../../runtime/kafka/client.ts'
import { openProducer } from '../../runtime/kafka/producer.ts'
import { createLog } from '../../runtime/log.ts'
import { readRunFile } from '../../runtime/run-file.ts'
import { startPrometheus, startServer } from '../helpers/prometheus.ts'
import { ruleFiles, scaleToSeconds } from '../helpers/rules.ts'
import { stackSkip } from '../helpers/stack.ts'
import { tool } from '../helpers/tool.ts'
import { childOf, readflow, root, startUp, tempDir, until } from '../helpers/up.ts'

const skip =
  (await stackSkip()) ||
  tool('prometheus', ['--version'], 'sudo apt-get install prometheus') ||
  tool('prometheus-alertmanager', ['--version'], 'sudo apt-get install prometheus-alertmanager')

interface Message {
  status: 'firing' | 'resolved'
  alerts: { labels: Record<string, string>; status: string }[]
}

/** A receiver of Alertmanager's messages. */
const startReceiver = async (t: TestContext) => {
  const messages: Message[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const piece of request) body += piece
    messages.push(JSON.parse(body))
    response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  return { messages, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` }
}

/** Prometheus and Alertmanager with the project's own files, a minute of which lasts a second. */
const startMonitoring = async (t: TestContext, dir: string, targets: string, webhook: string) => {
  const read = (file: string) => readFileSync(path.join(root, 'ops', file), 'utf8')
  const route = scaleToSeconds(read('alertmanager/alertmanager.yml')).replaceAll('http://127.0.0.1:9095/', webhook)
  writeFileSync(path.join(dir, 'alertmanager.yml'), route)
  const alertmanager = await startServer(t, dir, 'prometheus-alertmanager', [
    '--config.file=alertmanager.yml',
    '--storage.path=alertmanager',
    '--cluster.listen-address=',
  ])
  mkdirSync(path.join(dir, 'rules'), { recursive: true })
  for (const [file, text] of ruleFiles()) writeFileSync(path.join(dir, 'rules', file), scaleToSeconds(text))
  const config = read('prometheus/prometheus.yml')
    .replaceAll(/(_interval|_timeout): \d+s/g, '$1: 1s')
    .replace(/- files: \[.*\]/, `- files: ['${targets}']`)
    .replace('127.0.0.1:9093', `127.0.0.1:${alertmanager}`)
  return startPrometheus(t, { dir, config })
}

test('each fault sets off its alert, which clears when it is mended; one message an incident, one when it is over', { skip }, async (t) => {
  const dataDir = await tempDir(t)
  const quick = ['--flush-interval', '1s', '--build-interval', '1s', '--poll-interval', '2s']
  const up = await startUp(t, ['--data', dataDir, '--metrics-port', '0', ...quick], 240_000)
  await until('Gold', async () => (await fetch(`${up.url}/v1/books`)).status === 200, 120_000)
  const { messages, url } = await startReceiver(t)
  const { firing } = await startMonitoring(t, await tempDir(t), targetsFile(dataDir), url)
  const isFiring = async (name: string, of = '') =>
    (await firing()).some(({ alertname, ...labels }) => alertname === name && (of === '' || Object.values(labels).includes(of)))
  const fires = (name: string, of = '') => until(`${name} ${of} to fire`, () => isFiring(name, of), 90_000)
  const clears = (name: string, of = '') => until(`${name} ${of} to clear`, async () => !(await isFiring(name, of)), 90_000)
  const upPid = readRunFile(dataDir)?.pid ?? 0
  const told = (name: string, status: string) =>
    messages.filter((message) => message.status === status && message.alerts[0]?.labels['alertname'] === name).length

  await t.test('a program that hangs', async () => {
    const pid = childOf(upPid, 'compactor/main.ts')
    process.kill(pid, 'SIGSTOP')
    try {
      await fires('ReadflowTargetDown', 'compact')
      await until('the message', async () => told('ReadflowTargetDown', 'firing') === 1)
    } finally {
      process.kill(pid, 'SIGCONT')
    }
    await clears('ReadflowTargetDown', 'compact')
    await until('the message that it is over', async () => told('ReadflowTargetDown', 'resolved') === 1)
    assert.equal(told('ReadflowTargetDown', 'firing'), 1)
  })

  // Before programs are restarted: one that starts while the folder is gone makes another lake.
  await t.test('a lake that is away', async () => {
    const lake = path.join(dataDir, 'lake')
    renameSync(lake, `${lake}.away`)
    try {
      await fires('ReadflowStoreAway')
    } finally {
      renameSync(`${lake}.away`, lake)
    }
    await clears('ReadflowStoreAway')
  })

  await t.test('records that are no records, and a stage that is left paused', async () => {
    assert.equal((await readflow(['pause', 'poll', '--data', dataDir])).code, 0)
    const client = await openKafka({ brokers: up.brokers.split(','), clientId: 'test', log: createLog('test', 'error') })
    const producer = await openProducer(client)
    const value = Buffer.from('not Avro')
    // Beside them the ratings of just before count too: as many as it takes for a share of them.
    const send = () =>
      producer.send(Array.from({ length: 200 }, (_, n) => ({ topic: 'goodreads.ratings', key: Buffer.from(`${n}`), value })))
    const hasFired = async () => {
      await send()
      return isFiring('ReadflowDeadLetters', 'ratings')
    }
    await until('ReadflowDeadLetters to fire', hasFired, 90_000)
    await producer.close()
    await client.close()
    await fires('ReadflowStagePaused', 'poll')
    assert.equal((await readflow(['resume', 'poll', '--data', dataDir])).code, 0)
    await clears('ReadflowStagePaused', 'poll')
    await clears('ReadflowDeadLetters', 'ratings')
  })

  await t.test('a program that is killed again and again', async () => {
    for (let kills = 0; kills < 5 && !(await isFiring('ReadflowProgramRestarts', 'poll')); kills++) {
      const pid = await until('the poller', async () => childOf(upPid, 'producers/main.ts'))
      process.kill(pid, 'SIGKILL')
      await until('another poller', async () => {
        const now = childOf(upPid, 'producers/main.ts')
        return now > 0 && now !== pid
      })
    }
    await fires('ReadflowProgramRestarts', 'poll')
    await clears('ReadflowProgramRestarts', 'poll')
  })

  await t.test('brokers that hang', async () => {
    const pid = childOf(upPid, 'kafka.Kafka')
    process.kill(pid, 'SIGSTOP')
    try {
      await fires('ReadflowBrokerAway')
    } finally {
      process.kill(pid, 'SIGCONT')
    }
    await clears('ReadflowBrokerAway')
  })
})
