import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { dataMark, endLeftover, findLeftover, writePidFile } from '../../../ops/stack/pid-file.ts'
import { isAlive } from '../../../runtime/process.mjs'
import { tempDir } from '../../helpers/up.ts'

const startIdle = async (t: TestContext, ...args: string[]): Promise<ChildProcess & { pid: number }> => {
  const child = spawn(process.execPath, ['-e', 'console.log(1); setInterval(() => undefined, 1000)', '--', ...args], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  t.after(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  return child as typeof child & { pid: number }
}

test('a service that an earlier run left behind is found and ended', async (t) => {
  const dataDir = path.join(await tempDir(t), 'with a space')
  const { pid } = await startIdle(t, dataMark(dataDir))
  writePidFile({ dataDir, name: 'kafka', pid })
  assert.equal(findLeftover(dataDir, 'kafka'), pid)
  assert.equal(await endLeftover(dataDir, 'kafka'), pid)
  assert.equal(isAlive(pid), false)
  assert.equal(existsSync(path.join(dataDir, 'run', 'kafka.json')), false)
})

test('a process that is no service of this folder is left alone', async (t) => {
  const dataDir = await tempDir(t)
  const { pid } = await startIdle(t, dataMark('/another/folder'))
  writePidFile({ dataDir, name: 'kafka', pid })
  assert.equal(await endLeftover(dataDir, 'kafka'), null)
  assert.equal(isAlive(pid), true)
})

test('without a pid file there is nothing to end', async (t) => {
  assert.equal(await endLeftover(await tempDir(t), 'registry'), null)
})
