import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { parseConfig } from '../../runtime/config/config.ts'
import { readRunFile, writeRunFile } from '../../runtime/run-file.ts'
import { requireServices } from '../../runtime/services.ts'
import { tempDir } from '../helpers/up.ts'

const run = {
  program: 'up' as const,
  brokers: ['127.0.0.1:1'],
  registryUrl: 'http://127.0.0.1:2',
  lakeUrl: 's3://bucket/lake',
  apiUrl: 'http://127.0.0.1:3',
  control: { port: 4, token: 'secret' },
}
const fileOf = (dir: string) => path.join(dir, 'run', 'up.json')
const rewrite = (dir: string, change: object) =>
  writeFileSync(fileOf(dir), JSON.stringify({ ...JSON.parse(readFileSync(fileOf(dir), 'utf8')), ...change }))

test('what runs is found by its folder, only its user may read it, and once removed nothing runs', async (t) => {
  const dir = await tempDir(t)
  assert.equal(readRunFile(dir), null)
  const { remove } = writeRunFile(dir, run)
  assert.deepEqual(readRunFile(dir), { ...run, pid: process.pid })
  if (process.platform !== 'win32') assert.equal(statSync(fileOf(dir)).mode & 0o777, 0o600)
  remove()
  assert.equal(readRunFile(dir), null)
})

test('a file that a killed one left behind counts as nothing, also where its pid is used again', async (t) => {
  const dir = await tempDir(t)
  writeRunFile(dir, run)
  const child = spawn(process.execPath, ['-e', ''])
  await once(child, 'exit')
  rewrite(dir, { pid: child.pid })
  assert.equal(readRunFile(dir), null, 'its process is gone')
  rewrite(dir, { pid: process.pid, mark: 'another boot 1' })
  assert.equal(readRunFile(dir), null, 'its pid is another process now')
  writeFileSync(fileOf(dir), '{"pid":')
  assert.equal(readRunFile(dir), null, 'torn')
})

test('a command takes what it was not told from the run file; a flag wins over the environment, and both over it', async (t) => {
  const dir = await tempDir(t)
  assert.throws(() => requireServices(parseConfig('consume', ['--data', dir], {})!), {
    code: 'config',
    message: `KAFKA_BROKERS (--brokers) and SCHEMA_REGISTRY_URL (--registry) must be set: no up or stack runs on ${dir}.`,
  })
  writeRunFile(dir, run)
  const from = (args: string[], env = {}) => {
    const config = parseConfig('consume', ['--data', dir, ...args], env)!
    return { ...requireServices(config), lakeUrl: config.lakeUrl }
  }
  const { brokers, registryUrl, lakeUrl } = run
  assert.deepEqual(from([]), { brokers, registryUrl, lakeUrl })
  assert.deepEqual(from([], { KAFKA_BROKERS: 'env:1', LAKE_URL: 'file:/env' }), { brokers: ['env:1'], registryUrl, lakeUrl: 'file:/env' })
  assert.deepEqual(from(['--brokers', 'flag:1'], { KAFKA_BROKERS: 'env:1' }).brokers, ['flag:1'])
  assert.equal(parseConfig('up', ['--data', dir], {})?.kafkaBrokers, undefined, 'up starts its own')
})
