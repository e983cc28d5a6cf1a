import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { isPortFree } from '../../ops/stack/ports.ts'
import { openKafka } from '../../runtime/kafka/client.ts'
import { createLog } from '../../runtime/log.ts'
import { isAlive } from '../../runtime/process.mjs'
import { openRegistry } from '../../runtime/registry.ts'
import { readRunFile } from '../../runtime/run-file.ts'
import { eventually, stackSkip, startStackOn, type TestStack, tempDataDir } from '../helpers/stack.ts'

const skip = await stackSkip()
const root = fileURLToPath(new URL('../..', import.meta.url))
const silent = createLog('test', 'error')
const headers = { 'content-type': 'application/vnd.schemaregistry.v1+json' }
const pidOf = (dataDir: string, name: string) =>
  (JSON.parse(readFileSync(path.join(dataDir, 'run', `${name}.json`), 'utf8')) as { pid: number }).pid
const schema = (fields: object[]) => JSON.stringify({ schema: JSON.stringify({ type: 'record', name: 'probe', fields }) })

const register = (url: string, subject: string, fields: object[]) =>
  fetch(`${url}/subjects/${subject}/versions`, { method: 'POST', headers, body: schema(fields) })
const idOf = async (response: Response) => ((await response.json()) as { id: number }).id

describe('the local stack', { skip }, () => {
  let dir: string
  let remove: () => Promise<void>
  let stack: TestStack
  const ended: string[] = []
  before(async () => {
    ;({ dir, remove } = await tempDataDir())
    stack = await startStackOn(dir, { onService: (name, state) => state === 'restarting' && ended.push(name) })
  })
  after(async () => {
    await stack.stop()
    await remove()
  })

  const endOffset = async (topic: string) => {
    const kafka = await openKafka({ brokers: stack.brokers, clientId: 'test', log: silent })
    const offsets = await kafka.topicOffsets(topic).finally(kafka.close)
    return offsets.reduce((sum, { end }) => sum + end, 0)
  }

  test('the registry refuses an incompatible schema with 409 under BACKWARD_TRANSITIVE', async () => {
    const first = await register(stack.registryUrl, 'probe-value', [{ name: 'a', type: 'int' }])
    assert.equal(first.status, 200)
    // A subject that has no schema yet can have no rule in this registry.
    await fetch(`${stack.registryUrl}/config/probe-value`, { method: 'PUT', headers, body: '{"compatibility":"BACKWARD_TRANSITIVE"}' })
    const second = await register(stack.registryUrl, 'probe-value', [{ name: 'b', type: 'string' }])
    assert.equal(second.status, 409)
  })

  test('a schema whose program was killed before it had set the level is registered under it', async () => {
    const fields = [{ name: 'a', type: 'int' }]
    const id = await idOf(await register(stack.registryUrl, 'killed-value', fields))
    assert.equal(await openRegistry(stack.registryUrl).register('killed-value', { type: 'record', name: 'probe', fields }), id)
    const level = await fetch(`${stack.registryUrl}/config/killed-value`)
    assert.deepEqual(await level.json(), { compatibilityLevel: 'BACKWARD_TRANSITIVE' })
    await assert.rejects(
      openRegistry(stack.registryUrl).register('killed-value', { type: 'record', name: 'probe', fields: [{ name: 'b', type: 'string' }] }),
      { code: 'schema-incompatible' },
    )
  })

  test('topics are not created by asking for them', async () => {
    const kafka = await openKafka({ brokers: stack.brokers, clientId: 'test', log: silent })
    await assert.rejects(kafka.topicOffsets('nobody-made-this'))
    await kafka.close()
  })

  test('a topic has the id that the broker keeps beside its records, and another when it is made anew', async () => {
    const ids: (string | undefined)[] = []
    for (let time = 0; time < 2; time++) {
      const kafka = await openKafka({ brokers: stack.brokers, clientId: 'test', log: silent })
      const admin = kafka.kafka.admin()
      await admin.connect()
      await admin.createTopics({ topics: [{ topic: 'with-id', numPartitions: 3 }], waitForLeaders: true })
      const id = (await kafka.topicIds(['with-id'])).get('with-id')
      const file = path.join(dir, 'kafka', 'log', 'with-id-0', 'partition.metadata')
      await eventually(async () => existsSync(file))
      const [, stored = ''] = /^topic_id: (.*)$/m.exec(readFileSync(file, 'utf8')) ?? []
      assert.equal(id?.replaceAll('-', ''), Buffer.from(stored, 'base64url').toString('hex'))
      ids.push(id)
      await admin.deleteTopics({ topics: ['with-id'] })
      await eventually(async () => !(await admin.listTopics()).includes('with-id'))
      await assert.rejects(kafka.topicIds(['with-id']), { code: 'kafka-unavailable' })
      await admin.disconnect()
      await kafka.close()
    }
    assert.notEqual(ids[0], ids[1])
  })

  test('asking for the ids of some topics leaves what is told of others as it is', async () => {
    const kafka = await openKafka({ brokers: stack.brokers, clientId: 'test', log: silent })
    const spec = { partitions: 2, replicationFactor: 1, configs: {} }
    await kafka.ensureTopics(['asked-a', 'asked-b'].map((topic) => ({ topic, ...spec })))
    let isDone = false
    const asking = async () => {
      while (!isDone) await kafka.topicIds(['asked-b'])
    }
    const asked = asking()
    for (let round = 0; round < 100; round++) assert.equal((await kafka.topicOffsets('asked-a')).length, 2)
    isDone = true
    await asked
    await kafka.close()
  })

  test('both services killed at once come back on their ports with their data', async () => {
    const id = await idOf(await register(stack.registryUrl, 'kept-value', [{ name: 'a', type: 'int' }]))
    const kafka = await openKafka({ brokers: stack.brokers, clientId: 'test', log: silent })
    await kafka.ensureTopics([{ topic: 'kept', partitions: 2, replicationFactor: 1, configs: {} }])
    const producer = kafka.kafka.producer({ allowAutoTopicCreation: false, idempotent: true })
    await producer.connect()
    await producer.send({ topic: 'kept', acks: -1, messages: Array.from({ length: 100 }, (_, n) => ({ key: `${n}`, value: `${n}` })) })
    await producer.disconnect()

    const before = [pidOf(dir, 'kafka'), pidOf(dir, 'registry')]
    for (const pid of before) process.kill(pid, 'SIGKILL')
    // A broker that is away is a fault, which is waited out, and no defect.
    await assert.rejects(kafka.topicOffsets('kept'), { code: 'kafka-unavailable' })
    // It may be back by now: then it has been waited for.
    const found = await kafka.groupOffsets('nobody', ['kept']).catch((error: Error & { code: string }) => error.code)
    assert.ok(found === 'kafka-unavailable' || typeof found === 'object', String(found))
    await kafka.close()
    await eventually(async () => pidOf(dir, 'kafka') !== before[0] && (await endOffset('kept')) === 100)
    await eventually(async () => (await fetch(`${stack.registryUrl}/schemas/ids/${id}`)).ok)
    assert.deepEqual([...new Set(ended)].sort(), ['kafka', 'registry'])
    // A new schema must not take the id of one that records on disk were written with.
    assert.ok((await idOf(await register(stack.registryUrl, 'later-value', [{ name: 'z', type: 'int' }]))) > id)
  })

  test('a second start on the same folder is refused and names the first', async () => {
    await assert.rejects(startStackOn(dir), { code: 'stack-failed', message: new RegExp(`process ${process.pid}`) })
  })

  test('stop leaves nothing running, and a new start finds the data', async () => {
    const pids = [pidOf(dir, 'kafka'), pidOf(dir, 'registry')]
    await stack.stop()
    assert.deepEqual(pids.map(isAlive), [false, false])
    stack = await startStackOn(dir)
    assert.equal(await endOffset('kept'), 100)
    const subjects = (await (await fetch(`${stack.registryUrl}/subjects`)).json()) as string[]
    assert.ok(subjects.includes('kept-value'), String(subjects))
  })
})

test('an explicit port that is taken is one line that names its flag, and nothing is started', { skip }, async () => {
  const { dir, remove } = await tempDataDir()
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  await assert.rejects(startStackOn(dir, { kafkaPort: port }), {
    code: 'port-taken',
    message: `Port ${port} (--kafka-port) is taken on 127.0.0.1.`,
  })
  server.close()
  await remove()
})

describe('readflow stack', { skip }, () => {
  /** Starts the command and waits until it says that it runs. */
  const startCommand = async (dataDir: string): Promise<{ child: ChildProcess; output: () => string }> => {
    const child = spawn(
      process.execPath,
      [path.join(root, 'ops/stack/main.ts'), '--data', dataDir, '--kafka-port', '0', '--registry-port', '0'],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    )
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text) => (output += text))
    await eventually(() => output.includes('is running') || child.exitCode !== null)
    assert.match(output, /is running/)
    return { child, output: () => output }
  }

  test('killed with -9, it leaves no service behind, and starts again', async () => {
    const { dir, remove } = await tempDataDir()
    const { child } = await startCommand(dir)
    const pids = [pidOf(dir, 'kafka'), pidOf(dir, 'registry')]
    assert.equal(readRunFile(dir)?.pid, child.pid)
    child.kill('SIGKILL')
    await eventually(() => pids.every((pid) => !isAlive(pid)))
    assert.equal(readRunFile(dir), null, 'what it left behind counts as nothing')

    const again = await startCommand(dir)
    const port = Number(/KAFKA_BROKERS=127\.0\.0\.1:(\d+)/.exec(again.output())?.[1])
    assert.deepEqual(readRunFile(dir)?.brokers, [`127.0.0.1:${port}`])
    again.child.kill('SIGTERM')
    const [code] = await once(again.child, 'exit')
    assert.equal(code, 0, again.output())
    assert.equal(readRunFile(dir), null)
    assert.ok(await isPortFree(port))
    await remove()
  })
})
