// Installs the packages when package-lock.json changed, and bundles the page: `npm start` and `npm test` run this first.
// Plain JS with no dependencies, because none is there yet. Runs under Node >= 20.
import { spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensurePage } from './build-page.mjs'
import { isInstalled, writeStamp } from './installed.mjs'
import { waitForLock } from './lock.mjs'
import { majorOf } from './node.mjs'

const OLDEST_NODE = 20
const PROGRESS_MS = 5000
const ARGS = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', '--progress=false']

const say = (line) => process.stderr.write(`setup: ${line}\n`)
const countPackages = (root) => {
  try {
    return readdirSync(path.join(root, 'node_modules')).filter((name) => !name.startsWith('.')).length
  } catch {
    return 0
  }
}

/** npm as this process can start it: the very npm that runs us, else the one on PATH. */
const npmCommand = () => {
  const cli = process.env.npm_execpath
  return cli && /npm-cli\.c?js$/.test(cli)
    ? { command: process.execPath, args: [cli, ...ARGS], shell: false }
    : { command: 'npm', args: ARGS, shell: process.platform === 'win32' }
}

/** What a person should read of npm's errors: its own line that says why. */
export const npmReason = (text) => {
  const lines = text
    .split('\n')
    .map((line) => line.replace(/^npm (error|ERR!) ?/i, '').trim())
    .filter(
      (line) =>
        line &&
        !/^(code|errno|syscall|A complete log|\/.*\.log$|Log files|If you are behind a proxy|'proxy' config|.*npm help config)/i.test(line),
    )
  const telling = lines.filter((line) =>
    /request to|network|ENOTFOUND|ECONN|ETIMEDOUT|EAI_AGAIN|EACCES|ENOSPC|E?40\d|in sync|certificate/i.test(line),
  )
  return (telling[0] ?? lines.at(-1) ?? '').replace(/[.\s]+$/, '')
}

/** Runs `npm ci`: `{ code, stderr }`, code null where npm is missing. */
const runNpm = (root) =>
  new Promise((resolve) => {
    const { command, args, shell } = npmCommand()
    const child = spawn(command, args, { cwd: root, shell, stdio: ['ignore', 'ignore', 'pipe'] })
    let stderr = ''
    child.stderr.setEncoding('utf8')
    child.stderr.on('data', (text) => {
      stderr = (stderr + text).slice(-20_000)
    })
    child.on('error', () => resolve({ code: null, stderr }))
    child.on('close', (code, signal) => resolve({ code: signal ? 130 : code, stderr }))
  })

const installUnderLock = async (root) => {
  if (isInstalled(root)) return 0
  const startedMs = Date.now()
  const seconds = () => Math.round((Date.now() - startedMs) / 1000)
  say('installing packages (npm ci); about a minute the first time …')
  const ticker = setInterval(() => say(`installing packages … ${seconds()} s, ${countPackages(root)} folders`), PROGRESS_MS)
  // Ctrl-C reaches npm by itself; we stay until it has ended, and the lock is released.
  const ignore = () => undefined
  process.on('SIGINT', ignore)
  const { code, stderr } = await runNpm(root)
  process.off('SIGINT', ignore)
  clearInterval(ticker)
  if (code === 0) {
    writeStamp(root)
    say(`packages installed: ${countPackages(root)} folders in ${seconds()} s`)
    return 0
  }
  if (code === 130) say('interrupted; the next start installs again')
  else if (code === null) say('npm was not found. It comes with Node: install that from https://nodejs.org/en/download')
  else
    say(
      `the packages could not be installed: ${npmReason(stderr) || `npm ended with ${code}`}. Check the network and npm's proxy and registry (npm config get proxy; npm config get registry), then run: npm ci --ignore-scripts`,
    )
  return code === 130 ? 130 : 1
}

/** Makes node_modules fit package-lock.json. Resolves to an exit code; says nothing where nothing is to do. */
export const ensureInstalled = async (root) => {
  if (majorOf(process.version) < OLDEST_NODE) {
    say(`Node ${OLDEST_NODE} or newer is needed; this is ${process.version}. Install it from https://nodejs.org/en/download`)
    return 1
  }
  // A published package carries no lock file: npm installed its dependencies.
  if (!existsSync(path.join(root, 'package-lock.json')) || isInstalled(root)) return 0
  const lock = await waitForLock(path.join(root, '.readflow-setup', 'lock'), {
    onWait: (pid) => say(`waiting for another set-up${pid ? ` (process ${pid})` : ''} …`),
  })
  try {
    return await installUnderLock(root)
  } finally {
    lock.release()
  }
}

if (process.argv[1] && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  process.exitCode = (await ensureInstalled(root)) || (await ensurePage(root))
}
