import { spawn } from 'node:child_process'
import { stripVTControlCharacters } from 'node:util'
import { ReadflowError } from '../../runtime/errors.ts'
import { mavenHint } from './java.ts'

const PROGRESS_MS = 2000
const LAST_LINES = 200
/** A stalled download ends by itself; Maven's own limits are half an hour. */
const NETWORK = [
  '-Dmaven.wagon.http.retryHandler.count=3',
  '-Dmaven.wagon.rto=60000',
  '-Dmaven.wagon.httpconnectionManager.ttlSeconds=25',
  '-Daether.connector.connectTimeout=15000',
  '-Daether.connector.requestTimeout=60000',
]
const unitsMb: Record<string, number> = { B: 1e-6, kB: 1e-3, MB: 1, GB: 1e3 }

/** One file that Maven says it downloaded: its name and size in MB; null for any other line. */
export const parseDownloaded = (line: string): { name: string; mb: number } | null => {
  const match = /Downloaded from \S+: (\S+) \(([\d.]+) ([kMG]?B)/.exec(line)
  return match ? { name: (match[1] ?? '').split('/').pop() ?? '', mb: Number(match[2]) * (unitsMb[match[3] ?? ''] ?? 0) } : null
}

/** What a person should read of a failed Maven run: which artifact, why. */
export const mavenReason = (lines: readonly string[]): string => {
  const plain = lines.map((line) => stripVTControlCharacters(line))
  const error =
    plain.find((line) => line.startsWith('[ERROR]') && /resolve|transfer|artifact|find/i.test(line)) ??
    plain.find((line) => line.startsWith('[ERROR]'))
  if (!error) return plain.findLast((line) => line.trim()) ?? 'Maven said nothing'
  const artifact = /(?:transfer artifact|Could not find artifact|resolve artifact|read artifact descriptor for) ([\w.-]+:[\w.:-]*\w)/.exec(
    error,
  )?.[1]
  const cause = error
    .split(': ')
    .slice(-2)
    .join(': ')
    .replace(/ -> \[Help.*$/, '')
    .trim()
  return artifact ? `${artifact} (${cause})` : error.replace('[ERROR] ', '').replace(/ -> \[Help.*$/, '')
}

export interface MavenOptions {
  pom: string
  defines: Record<string, string>
  env: NodeJS.ProcessEnv
  onProgress: (line: string) => void
  signal?: AbortSignal
}

/**
 * Runs the pom's `initialize` phase and reports what it downloads. Throws ReadflowError `missing-tool` where
 * there is no Maven, `stack-failed` naming the artifact where it can't be fetched.
 */
export const runMaven = async ({ pom, defines, env, onProgress, signal }: MavenOptions): Promise<void> => {
  const isWindows = process.platform === 'win32'
  const args = ['-B', '-U', '-f', pom, 'initialize', ...NETWORK, ...Object.entries(defines).map(([name, value]) => `-D${name}=${value}`)]
  const child = spawn('mvn', isWindows ? args.map((arg) => `"${arg}"`) : args, {
    env,
    shell: isWindows,
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
  })
  const lines: string[] = []
  let files = 0
  let mb = 0
  let current = ''
  let rest = ''
  const onData = (text: string) => {
    const whole = (rest + text).split('\n')
    rest = whole.pop() ?? ''
    for (const line of whole) {
      lines.push(line)
      if (lines.length > LAST_LINES) lines.shift()
      current = /Downloading from \S+: \S+\/(\S+)/.exec(line)?.[1] ?? current
      const done = parseDownloaded(line)
      if (done) {
        files++
        mb += done.mb
      }
    }
  }
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', onData)
  const startedMs = Date.now()
  const report = () =>
    onProgress(`${files} files, ${mb.toFixed(0)} MB, ${((Date.now() - startedMs) / 1000).toFixed(0)} s${current ? `, now ${current}` : ''}`)
  const ticker = setInterval(report, PROGRESS_MS)
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
    .catch((cause: NodeJS.ErrnoException) => {
      signal?.throwIfAborted()
      throw cause.code === 'ENOENT'
        ? new ReadflowError('missing-tool', 'Maven (mvn) is needed to fetch Kafka and the schema registry once, and there is none.', {
            hint: mavenHint,
            cause,
          })
        : cause
    })
    .finally(() => clearInterval(ticker))
  signal?.throwIfAborted()
  if (code !== 0) {
    const reason = /not (recognized|found)/i.test(lines.join(' ')) && isWindows ? 'mvn was not found' : mavenReason(lines)
    throw new ReadflowError('stack-failed', `Maven could not fetch what the local stack needs: ${reason}.`, {
      hint: "Check the network, or Maven's proxy settings in ~/.m2/settings.xml, and start again.",
    })
  }
  current = ''
  report()
}
