import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import path from 'node:path'
import { test } from 'node:test'
import { stackSkip } from '../helpers/stack.ts'
import { root } from '../helpers/up.ts'
import { readerSkip } from '../interop/readers.ts'
import { faketimeInstall, findFaketime } from '../soak/clock.ts'
import { isWhole, report } from './helpers/report.ts'

const skip = (await stackSkip()) || readerSkip('DuckDB') || (process.platform !== 'linux' && 'the soak needs Linux')
// Three minutes with what it starts and checks: in `npm run faults`, as whole sweeps are.
const testWhole = isWhole ? test : () => undefined
const SEED = 1

const run = (args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, [path.join(root, 'test/soak/run.mjs'), ...args])
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (text) => {
      stdout += text
    })
    child.stderr.on('data', (text) => {
      stderr += text
    })
    child.on('close', (code) => resolve({ code, stdout, stderr }))
  })

test('a wrong flag of the soak is one line and exit code 2; --help names the flags', async () => {
  const wrong = await run(['--minutes', 'x'])
  assert.equal(wrong.code, 2)
  assert.match(wrong.stderr, /^soak: --minutes takes a number[^\n]*\n$/)
  const help = await run(['--help'])
  assert.equal(help.code, 0)
  for (const flag of ['--minutes', '--seed', '--lake']) assert.ok(help.stdout.includes(flag))
})

testWhole('a short soak: faults of every kind under load, and all that was acknowledged is where it belongs', { skip }, async () => {
  if (process.env['CI'] === 'true') assert.ok(findFaketime(), `libfaketime is missing: ${faketimeInstall}`)
  const { code, stdout, stderr } = await run(['--minutes', '1', '--seed', `${SEED}`])
  assert.equal(code, 0, `${stderr}\n${stdout}`)
  const { ok, seed, faults, checks } = JSON.parse(stdout.trim().split('\n').at(-1)!)
  assert.deepEqual({ ok, seed, failed: checks.failed }, { ok: true, seed: SEED, failed: [] })
  assert.ok(faults.caused >= 5 && checks.made > 30, `${faults.caused} faults, ${checks.made} checks`)
  assert.match(stderr, /seed 1, 1 minutes/)
  report({ fault: 'soak of every kind of fault, short', tried: faults.planned, held: faults.planned, seed: SEED })
})
