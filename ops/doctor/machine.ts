import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify, stripVTControlCharacters } from 'node:util'
import { readRunFile } from '../../runtime/run-file.ts'
import { tryLock } from '../setup/lock.mjs'
import { areFetched } from '../stack/artifacts.ts'
import { findJava, mavenHint } from '../stack/java.ts'
import { isPortFree } from '../stack/ports.ts'
import { type Check, fail, ok, warn } from './check.ts'

const NODE_MAJOR = 24
const GIB = 1024 ** 3
const FAIL_FREE_BYTES = GIB
const WARN_FREE_BYTES = 5 * GIB
/** As the alert ReadflowDiskNearlyFull has it. */
const WARN_FREE_SHARE = 0.1
const TOOL_MS = 20_000

export const checkNode = (version: string): Check =>
  Number(/^v?(\d+)/.exec(version)?.[1]) >= NODE_MAJOR
    ? ok('node', version)
    : fail('node', `${version} is older than ${NODE_MAJOR}`, 'Install the packages again, which bring one: npm ci')

/** Java is needed for the local stack alone. */
export const checkJava = async (env: NodeJS.ProcessEnv, needsStack: boolean): Promise<Check> => {
  try {
    return ok('java', await findJava(env))
  } catch (error) {
    const { message, hint } = error as Error & { hint?: string }
    const make = needsStack ? fail : warn
    return make('java', message, hint ?? 'Install Java 17 or newer.')
  }
}

/** Maven is needed once, to fetch the local stack. */
export const checkMaven = async (env: NodeJS.ProcessEnv, needsStack: boolean): Promise<Check> => {
  try {
    const { stdout } = await promisify(execFile)('mvn', ['-v'], { env, timeout: TOOL_MS })
    return ok('maven', stripVTControlCharacters(stdout.split('\n')[0] ?? 'found'))
  } catch {
    if (areFetched(env)) return ok('maven', 'none, and not needed: Kafka and the registry are fetched already')
    return (needsStack ? fail : warn)('maven', 'Maven (mvn) is needed to fetch Kafka and the registry once, and there is none', mavenHint)
  }
}

/** A port that `up` would listen on. */
export const checkPort = async (
  name: string,
  { port, flag, isExplicit, isOurs }: { port: number; flag: string; isExplicit: boolean; isOurs: boolean },
): Promise<Check> => {
  if (isOurs) return ok(name, 'in use by what runs here')
  if (port === 0 || (await isPortFree(port))) return ok(name, port === 0 ? 'a free one is taken' : `${port} is free`)
  return isExplicit
    ? fail(name, `${port} is taken by another program`, `Stop that, or choose another with ${flag}.`)
    : warn(name, `${port} is taken by another program; up takes a free one instead`, `${flag} chooses one.`)
}

const existingPart = (dir: string): string => (existsSync(dir) ? dir : existingPart(path.dirname(dir)))

/** Free space where the data folder is, or will be. */
export const checkDisk = async (dataDir: string, freeBytes?: number): Promise<Check> => {
  const { bavail, bsize, blocks } = await statfs(existingPart(dataDir))
  const free = freeBytes ?? bavail * bsize
  const share = free / (blocks * bsize)
  const isNearlyFull = share < WARN_FREE_SHARE
  const what = `${(free / GIB).toFixed(1)} GiB free at ${dataDir}${isNearlyFull ? `, ${Math.round(share * 100)} % of it` : ''}`
  const todo = 'Make room: readflow vacuum --dry-run says what it would remove; or move the folder and name it with --data.'
  if (free < FAIL_FREE_BYTES) return fail('disk', what, todo)
  return free < WARN_FREE_BYTES || isNearlyFull ? warn('disk', what, todo) : ok('disk', what)
}

/** Whether the data folder can be written, and who holds it. */
export const checkDataFolder = async (dataDir: string): Promise<Check[]> => {
  const isThere = existsSync(dataDir)
  const probe = path.join(isThere ? dataDir : existingPart(dataDir), `.readflow-doctor-${randomUUID()}`)
  try {
    await mkdir(probe)
    await writeFile(path.join(probe, 'probe'), 'written')
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return [
      fail(
        'data folder',
        `${dataDir} can not be written: ${reason}`,
        /^ENOSPC/.test(reason) ? 'Free some space there.' : 'Give yourself the right to, or choose another with --data DIR.',
      ),
    ]
  } finally {
    await rm(probe, { recursive: true, force: true }).catch(() => undefined)
  }
  return [
    ok('data folder', isThere ? `${dataDir} can be written` : `${dataDir} is made at the first start`),
    isThere ? checkLock(dataDir) : [],
  ].flat()
}

const checkLock = (dataDir: string): Check => {
  const run = readRunFile(dataDir)
  if (run) return ok('lock', `${run.program} runs here (process ${run.pid})`)
  const lock = tryLock(path.join(dataDir, 'run', 'lock'))
  lock.release?.()
  if (lock.release) return ok('lock', 'nothing runs here')
  const holder = lock.heldBy === null ? 'a process that is just starting' : `process ${lock.heldBy}`
  return warn('lock', `${holder} holds the folder, and does not say what it is`, 'It may be starting or stopping: look again in a minute.')
}
