import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { ReadflowError } from '../../runtime/errors.ts'

const run = promisify(execFile)
const OLDEST_JAVA = 17
const TIMEOUT_MS = 20_000
const exe = process.platform === 'win32' ? '.exe' : ''

const installHint = (what: { debian: string; mac: string }) =>
  `Install it: sudo apt-get install ${what.debian} (Debian, Ubuntu), brew install ${what.mac} (macOS).`
const javaHint = installHint({ debian: 'openjdk-17-jre-headless', mac: 'openjdk@17' })
export const mavenHint = installHint({ debian: 'maven', mac: 'maven' })

/** The major version in what `java -version` prints (`1.8.0_392` is 8); null where there is none. */
export const parseJavaVersion = (text: string): number | null => {
  const match = /version "(\d+)(?:\.(\d+))?/.exec(text)
  if (!match) return null
  return match[1] === '1' ? Number(match[2] ?? 0) : Number(match[1])
}

/** The path of a Java ≥ 17, as `lookAtJava` finds it. */
export const findJava = async (env: NodeJS.ProcessEnv): Promise<string> => (await lookAtJava(env)).java

/**
 * The path of a Java ≥ 17, and what its `-version` prints: that of JAVA_HOME, else the one on PATH. Throws ReadflowError
 * `missing-tool` with the command that installs it, naming the version where it is too old.
 */
export const lookAtJava = async (env: NodeJS.ProcessEnv): Promise<{ java: string; version: string }> => {
  const home = env['JAVA_HOME'] ? path.join(env['JAVA_HOME'], 'bin', `java${exe}`) : null
  const java = home && existsSync(home) ? home : 'java'
  let text: string
  try {
    const { stdout, stderr } = await run(java, ['-version'], { env, timeout: TIMEOUT_MS })
    text = `${stderr}\n${stdout}`
  } catch (cause) {
    throw new ReadflowError(
      'missing-tool',
      `Java ${OLDEST_JAVA} or newer is needed for Kafka and the schema registry, and there is none.`,
      { hint: javaHint, cause },
    )
  }
  const major = parseJavaVersion(text)
  if (major !== null && major < OLDEST_JAVA) {
    throw new ReadflowError(
      'missing-tool',
      `Java ${OLDEST_JAVA} or newer is needed for Kafka and the schema registry; ${java} is Java ${major}.`,
      { hint: `${javaHint} Or set JAVA_HOME.` },
    )
  }
  return { java, version: text }
}

/** What a Java process of ours gets of the environment: nothing by which a user's settings would configure it. */
export const javaEnv = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(
    ['PATH', 'HOME', 'JAVA_HOME', 'JAVA_TOOL_OPTIONS', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'SystemRoot', 'TEMP', 'USERPROFILE'].flatMap(
      (name) => (env[name] === undefined ? [] : [[name, env[name]]]),
    ),
  )
