import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { startProgram } from '../../../ops/up/child.ts'

test('of a program that is killed from outside the log says by what; of one that up ends, nothing', async (t) => {
  const dir = await mkdtemp(path.join(tmpdir(), 'readflow-child-'))
  t.after(() => rm(dir, { recursive: true }))
  const start = (logDir: string) =>
    startProgram('compact', { args: ['--data', dir, '--lake', `file:${dir}/lake`], env: process.env, logDir: path.join(dir, logDir) })
  const logOf = (logDir: string) => readFile(path.join(dir, logDir, 'compact.log'), 'utf8')

  const killed = start('killed')
  process.kill(killed.pid!, 'SIGKILL')
  const said = 'ended by SIGKILL, which did not come from up'
  assert.deepEqual(await killed.exited, { code: null, signal: 'SIGKILL', lastError: said })
  const line = JSON.parse((await logOf('killed')).trim().split('\n').at(-1)!)
  assert.deepEqual([line.level, line.program, line.msg], ['fatal', 'compact', said])

  const stopped = start('stopped')
  process.kill(stopped.pid!, 'SIGSTOP')
  await stopped.stop(10)
  const { code, lastError } = await stopped.exited
  assert.deepEqual([code, lastError], [null, null])
  assert.doesNotMatch(await logOf('stopped').catch(() => ''), /SIG/)
})
