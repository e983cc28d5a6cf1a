import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { dataMark } from '../../../ops/stack/pid-file.ts'
import { type ServiceSpec, startService } from '../../../ops/stack/service.ts'
import { startWatcher } from '../../../ops/stack/watcher.ts'
import { isAlive } from '../../../runtime/process.mjs'
import { tempDir } from '../../helpers/up.ts'

const setUp = async (t: TestContext, script: string, spec: Partial<ServiceSpec> = {}) => {
  const dataDir = await tempDir(t)
  const watcher = startWatcher()
  t.after(watcher.close)
  const full: ServiceSpec = {
    name: 'kafka',
    title: 'Kafka',
    dataDir,
    address: '127.0.0.1:1',
    command: process.execPath,
    args: ['-e', script, '--', dataMark(dataDir)],
    env: process.env,
    cwd: dataDir,
    isReady: async () => true,
    ...spec,
  }
  return { start: () => startService(full, { watcher }), watcher }
}
const idle = 'setInterval(() => undefined, 1000)'

test('a service that ends before it is ready is one line with its last error', async (t) => {
  const { start } = await setUp(t, 'console.log("INFO hello"); console.error("ERROR the disk is full"); process.exit(3)', {
    isReady: async () => false,
  })
  await assert.rejects(start(), {
    code: 'stack-failed',
    message: 'Kafka (127.0.0.1:1) ended before it was ready: ERROR the disk is full.',
    hint: /^Its log: .*kafka\.log$/,
  })
})

test('a command that is not there is a failure as well', async (t) => {
  const { start } = await setUp(t, '', { command: '/no/such/java', isReady: async () => false })
  await assert.rejects(start(), { code: 'stack-failed' })
})

test('the end of a service that ran is told with its signal', async (t) => {
  const { start } = await setUp(t, idle)
  const service = await start()
  process.kill(service.pid, 'SIGKILL')
  assert.deepEqual(await service.exited, { lastError: 'Kafka ended (SIGKILL)' })
})

test('stop ends the service, and is no failure', async (t) => {
  const { start } = await setUp(t, idle)
  const service = await start()
  await service.stop()
  assert.deepEqual(await service.exited, { lastError: null })
  assert.equal(isAlive(service.pid), false)
})

test('when the pipe to the watcher closes, what it watches is ended', async (t) => {
  const { start, watcher } = await setUp(t, idle)
  const service = await start()
  await watcher.close()
  await service.exited
  assert.equal(isAlive(service.pid), false)
})
