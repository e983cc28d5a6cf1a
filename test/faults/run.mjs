// Runs every fault test in full and prints what was done and what held. Plain JS: it may be started by any Node >= 20.
//   npm run faults                  everything
//   npm run faults -- sweep zombie  only files whose name contains one of these words
//   READFLOW_FAULTS_SEED=7          repeats a run; READFLOW_FAULTS_MINUTES=5 is how long consumers are stopped at random
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { findNode } from '../../ops/setup/node.mjs'
import { nodeFlags } from '../../runtime/node-flags.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const words = process.argv.slice(2)
// Alerts are set off end to end: there, by every fault.
const files = [...readdirSync(path.join(root, 'test/faults')).map((file) => `test/faults/${file}`), 'test/e2e/alerts.test.ts']
  .filter((file) => file.endsWith('.test.ts') && (words.length === 0 || words.some((word) => path.basename(file).includes(word))))
  .sort()
if (files.length === 0) {
  process.stderr.write(`faults: no file of fault tests matches ${words.join(' ')}.\n`)
  process.exit(2)
}
const seed = process.env.READFLOW_FAULTS_SEED ?? String(Math.floor(Math.random() * 1e9))
const folder = mkdtempSync(path.join(tmpdir(), 'readflow-faults-'))
const table = path.join(folder, 'results')
writeFileSync(table, '')
process.stdout.write(`faults: seed ${seed}\n`)
const began = Date.now()

const child = spawn(
  findNode(root),
  [...nodeFlags('test'), '--test', '--test-concurrency=1', '--test-reporter=spec', '--test-reporter-destination=stdout', ...files],
  {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, READFLOW_FAULTS: 'all', READFLOW_FAULTS_SEED: seed, READFLOW_FAULTS_REPORT: table },
  },
)
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
child.on('close', (code) => {
  const rows = readFileSync(table, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
  rmSync(folder, { recursive: true, force: true })
  const width = Math.max(5, ...rows.map(({ fault }) => fault.length))
  process.stdout.write(`\n${'fault'.padEnd(width)}  tried   held  note\n`)
  for (const { fault, tried, held, note = '' } of rows)
    process.stdout.write(`${fault.padEnd(width)}  ${String(tried).padStart(5)}  ${String(held).padStart(5)}  ${note}\n`)
  const hasFailed = code !== 0 || rows.some(({ tried, held }) => held < tried)
  process.stdout.write(`\nseed ${seed}, ${Math.round((Date.now() - began) / 1000)} s: ${hasFailed ? 'FAILED' : 'all held'}\n`)
  process.exit(hasFailed ? 1 : 0)
})
