import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { tryLock, waitForLock } from '../../../ops/setup/lock.mjs'
import { lockDataDir } from '../../../ops/stack/data-lock.ts'
import { processMark } from '../../../runtime/process.mjs'
import { tempDir } from '../../helpers/up.ts'

test('a lock that is held names its holder and is free after release', async (t) => {
  const file = path.join(await tempDir(t), 'run', 'lock')
  const first = tryLock(file)
  assert.ok(first.release)
  assert.deepEqual(tryLock(file), { heldBy: process.pid })
  first.release()
  assert.ok(tryLock(file).release)
})

test('a lock of a dead process, or of an earlier one with the same pid, is taken over', async (t) => {
  const file = path.join(await tempDir(t), 'lock')
  for (const holder of [
    { pid: 2 ** 22 + 1, mark: null },
    ...(processMark(process.pid) ? [{ pid: process.pid, mark: 'of another boot' }] : []),
  ]) {
    await writeFile(file, JSON.stringify(holder))
    const lock = tryLock(file)
    assert.ok(lock.release)
    lock.release()
  }
})

test('who waits for a lock is told for whom, and gets it', async (t) => {
  const file = path.join(await tempDir(t), 'lock')
  const first = tryLock(file)
  const waitedFor: (number | null)[] = []
  const second = await waitForLock(file, {
    onWait: (pid) => {
      waitedFor.push(pid)
      first.release?.()
    },
  })
  assert.deepEqual(waitedFor, [process.pid])
  second.release()
})

test('a data folder that another ReadFlow uses is refused in one line', async (t) => {
  const dataDir = await tempDir(t)
  await mkdir(path.join(dataDir, 'run'))
  const lock = lockDataDir(dataDir)
  assert.throws(() => lockDataDir(dataDir), {
    code: 'stack-failed',
    message: `Another ReadFlow (process ${process.pid}) runs on ${dataDir}.`,
    hint: /--data DIR/,
  })
  lock.release()
})
