import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { lockDataDir } from '../../ops/stack/data-lock.ts'
import { findJava } from '../../ops/stack/java.ts'
import { type Stack, type StackOptions, startStack } from '../../ops/stack/stack.ts'
import { errorLine } from '../../runtime/errors.ts'
import { createLog } from '../../runtime/log.ts'

/** For node:test's `skip`: why the stack can't run here, or false. Under CI=true nothing is skipped, so it fails. */
export const stackSkip = async (): Promise<string | false> => {
  if (process.env['CI'] === 'true') return false
  return findJava(process.env).then(
    () => false,
    (error) => errorLine(error),
  )
}

/** A new folder for a test's state, with a space in its name as people's have. */
export const tempDataDir = async (): Promise<{ dir: string; remove: () => Promise<void> }> => {
  const dir = await mkdtemp(path.join(tmpdir(), 'readflow test '))
  return { dir, remove: () => rm(dir, { recursive: true, force: true, maxRetries: 5 }) }
}

export interface TestStack extends Stack {
  dataDir: string
}

/** A stack on a data folder that exists, on free ports. Its `stop` releases the folder but keeps it. */
export const startStackOn = async (dataDir: string, options: Partial<StackOptions> = {}): Promise<TestStack> => {
  const lock = lockDataDir(dataDir)
  try {
    const stack = await startStack({
      lock,
      kafkaPort: 0,
      registryPort: 0,
      isKafkaPortExplicit: true,
      isRegistryPortExplicit: true,
      env: process.env,
      log: createLog('test', 'error'),
      ...options,
    })
    const stop = async () => {
      await stack.stop()
      lock.release()
    }
    return { ...stack, stop, dataDir }
  } catch (error) {
    lock.release()
    throw error
  }
}

/**
 * The broker and registry for one test file: start it in `before`, stop it in `after`. Its data folder is its
 * own and goes with it.
 */
export const startTestStack = async (): Promise<TestStack> => {
  const { dir, remove } = await tempDataDir()
  try {
    const stack = await startStackOn(dir)
    return { ...stack, stop: () => stack.stop().finally(remove) }
  } catch (error) {
    await remove()
    throw error
  }
}

/** Calls `check` until it resolves to true. */
export const eventually = async (check: () => Promise<boolean> | boolean, { within = 60_000 } = {}): Promise<void> => {
  const giveUpMs = Date.now() + within
  while (
    !(await Promise.resolve()
      .then(check)
      .catch(() => false))
  ) {
    if (Date.now() > giveUpMs) throw new Error(`not so within ${within} ms`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
