// Runs the tests under Node 24 and closes with a line `N passed, N failed`. Plain JS: it may be started by any Node >= 20.
//   npm test               everything this machine can run
//   npm run test:unit      what needs no server
//   npm test -- lake sink  only files whose path contains one of these words
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { findNode } from '../ops/setup/node.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const words = process.argv.slice(2)
const isUnit = words[0] === 'unit'
const wanted = isUnit ? words.slice(1) : words

const all = readdirSync(path.join(root, 'test'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.ts'))
  .map((file) => path.join('test', file))
  .sort()
const needsServers = (file) => /^test\/(integration|e2e|faults|interop)\//.test(file.replaceAll('\\', '/'))
const files = all
  .filter((file) => !isUnit || !needsServers(file))
  .filter((file) => wanted.length === 0 || wanted.some((word) => file.includes(word)))
if (files.length === 0) {
  process.stderr.write(`test: no test file matches ${wanted.join(' ')}. They are under test/ and end in .test.ts.\n`)
  process.exit(2)
}

// Dozens of brokers are started for a few seconds each: the second compiler of Java would take longer than it saves.
const testEnv = { ...process.env, JAVA_TOOL_OPTIONS: process.env['JAVA_TOOL_OPTIONS'] ?? '-XX:TieredStopAtLevel=1' }

const totals = { pass: 0, fail: 0, skipped: 0 }
const run = (group, concurrency) =>
  new Promise((resolve) => {
    if (group.length === 0) return resolve(0)
    const args = [
      '--disable-warning=ExperimentalWarning',
      '--disable-warning=TimeoutNegativeWarning',
      '--test',
      `--test-concurrency=${concurrency}`,
      '--test-timeout=600000',
      '--test-reporter=spec',
      '--test-reporter-destination=stdout',
      ...group,
    ]
    const child = spawn(findNode(root), args, { cwd: root, env: testEnv, stdio: ['ignore', 'pipe', 'inherit'] })
    let tail = ''
    child.stdout.setEncoding('utf8')
    child.stdout.on('data', (text) => {
      process.stdout.write(text)
      tail = (tail + text).slice(-20000)
    })
    child.on('close', (code) => {
      for (const name of Object.keys(totals)) totals[name] += Number(new RegExp(`^ℹ ${name} (\\d+)$`, 'm').exec(tail)?.[1] ?? 0)
      resolve(code ?? 1)
    })
  })

// End-to-end tests get the machine for themselves; others that start servers wait more than they work, two files at a time.
const isEndToEnd = (file) => /^test\/e2e\//.test(file.replaceAll('\\', '/'))
const codes = [
  await run(
    files.filter((file) => !needsServers(file)),
    2,
  ),
  await run(files.filter(isEndToEnd), 1),
  await run(
    files.filter((file) => needsServers(file) && !isEndToEnd(file)),
    2,
  ),
]
const hasFailed = totals.fail > 0 || codes.some((code) => code !== 0)
if (hasFailed && totals.fail === 0) totals.fail = 1
process.stdout.write(`\n${totals.pass} passed, ${totals.fail} failed${totals.skipped > 0 ? `, ${totals.skipped} skipped` : ''}\n`)
process.exit(hasFailed ? 1 : 0)
