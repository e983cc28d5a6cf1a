import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { waitForLock } from '../setup/lock.mjs'
import { type MavenOptions, runMaven } from './maven.ts'

const pomFile = fileURLToPath(new URL('./pom.xml', import.meta.url))
const STAMP = 'complete.json'

export interface Artifacts {
  /** Folder of both, where more may be kept that belongs to these versions. */
  dir: string
  /** Folder of Kafka's jars. */
  kafkaDir: string
  /** The registry's runnable jar. */
  registryJar: string
  kafkaVersion: string
  registryVersion: string
}

export interface FetchOptions {
  env: NodeJS.ProcessEnv
  /** Told what is fetched, only when something is. */
  onProgress: (line: string) => void
  signal?: AbortSignal
  /** Puts the jars into a folder; Maven does. */
  fetch?: (options: MavenOptions) => Promise<void>
}

/** Where downloads of this user are kept: `$XDG_CACHE_HOME/readflow`, else `~/.cache/readflow`. */
export const cacheDir = (env: NodeJS.ProcessEnv): string =>
  path.join(env['XDG_CACHE_HOME'] || path.join(env['HOME'] || homedir(), '.cache'), 'readflow')

const property = (pom: string, name: string) => new RegExp(`<${name}>([^<]+)</${name}>`).exec(pom)?.[1] ?? ''

const listFiles = (dir: string): [string, number][] =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== STAMP)
    .map((entry): [string, number] => {
      const file = path.join(entry.parentPath, entry.name)
      return [path.relative(dir, file), statSync(file).size]
    })
    .sort(([a], [b]) => (a < b ? -1 : 1))

/** Whether a folder holds every file that was fetched into it, each of its size. */
export const isComplete = (dir: string): boolean => {
  try {
    const wanted = JSON.parse(readFileSync(path.join(dir, STAMP), 'utf8')) as [string, number][]
    return wanted.length > 0 && wanted.every(([file, size]) => statSync(path.join(dir, file)).size === size)
  } catch {
    return false // no stamp, or a file is gone: not complete
  }
}

const stackDir = (cache: string, pom: string) => path.join(cache, `stack-${createHash('sha256').update(pom).digest('hex').slice(0, 12)}`)

/** Whether Kafka and the registry are in the cache, so that Maven is not needed. */
export const areFetched = (env: NodeJS.ProcessEnv): boolean => isComplete(stackDir(cacheDir(env), readFileSync(pomFile, 'utf8')))

/**
 * Kafka's and the registry's jars, from the cache, or fetched into it: complete or not at all, once for
 * however many ask at the same time. Throws ReadflowError `missing-tool` or `stack-failed`.
 */
export const fetchArtifacts = async ({ env, onProgress, signal, fetch = runMaven }: FetchOptions): Promise<Artifacts> => {
  const pom = readFileSync(pomFile, 'utf8')
  const kafkaVersion = property(pom, 'kafka.version')
  const registryVersion = property(pom, 'apicurio.version')
  const cache = cacheDir(env)
  const dir = stackDir(cache, pom)

  if (!isComplete(dir)) {
    const lock = await waitForLock(path.join(cache, 'stack.lock'), {
      signal,
      onWait: (pid) => onProgress(`waiting for another download${pid ? ` (process ${pid})` : ''}`),
    })
    try {
      if (!isComplete(dir)) await fetchInto(dir)
    } finally {
      lock.release()
    }
  }

  async function fetchInto(target: string) {
    const title = `Kafka ${kafkaVersion}, Apicurio ${registryVersion}`
    // Beside the target, so that it can be renamed; what an interrupted fetch left there is of no use.
    const temp = path.join(cache, 'stack.partial')
    await rm(temp, { recursive: true, force: true })
    await mkdir(temp, { recursive: true })
    onProgress(`${title}: fetching from Maven Central (about 200 MB, once)`)
    await fetch({ pom: pomFile, defines: { 'stack.dir': temp }, env, signal, onProgress: (line) => onProgress(`${title}: ${line}`) })
    await rm(path.join(temp, 'markers'), { recursive: true, force: true })
    await writeFile(path.join(temp, STAMP), JSON.stringify(listFiles(temp)))
    await rm(target, { recursive: true, force: true })
    await rename(temp, target)
  }

  return {
    dir,
    kafkaDir: path.join(dir, 'kafka'),
    registryJar: path.join(dir, 'registry', `apicurio-registry-app-${registryVersion}-runner.jar`),
    kafkaVersion,
    registryVersion,
  }
}
