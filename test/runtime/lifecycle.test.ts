import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const lifecycle = fileURLToPath(new URL('../../runtime/lifecycle.ts', import.meta.url))
/** Runs a program whose `main` is this text, in a pipe to `to`; gives its own exit code and what it complained of. */
const runPiped = (main: string, to: string) => {
  const program = `import(${JSON.stringify(lifecycle)}).then(({ runProgram, sleep }) => runProgram('probe', async () => { ${main} }))`
  const { stdout, stderr } = spawnSync(
    'bash',
    ['-c', `"$1" -e "$2" | ${to} >/dev/null; echo \${PIPESTATUS[0]}`, 'bash', process.execPath, program],
    {
      encoding: 'utf8',
    },
  )
  return { code: Number(stdout.trim()), stderr }
}

test('a reader that has read enough is no fault of the program', () => {
  const main = `for (let line = 0; line < 20; line++) { process.stdout.write('x'.repeat(70000) + '\\n'); await sleep(5) }`
  assert.deepEqual(runPiped(main, 'head -n 1'), { code: 0, stderr: '' })
})

test('what a program fails of is one line and exit code 1', () => {
  assert.deepEqual(runPiped(`throw new Error('no such thing')`, 'cat'), { code: 1, stderr: 'probe: no such thing\n' })
})

test('what is stopped before its end exits as a signal has it, a service that was told to stop with 0', async () => {
  const ended = async (how: 'runProgram' | 'runService', signal: 'SIGINT' | 'SIGTERM', main: string) => {
    const program = `import(${JSON.stringify(lifecycle)}).then(({ ${how}, sleep }) => ${how}('probe', async ({ signal }) => { console.log('on'); ${main} }))`
    const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
    child.stdout.once('data', () => child.kill(signal))
    return new Promise((resolve) => child.once('exit', resolve))
  }
  const codes = await Promise.all([
    ended('runProgram', 'SIGINT', 'await sleep(60_000, signal)'),
    ended('runProgram', 'SIGTERM', 'await sleep(60_000, signal)'),
    // It got to its end all the same.
    ended('runProgram', 'SIGTERM', 'await sleep(60_000, signal).catch(() => undefined)'),
    ended('runService', 'SIGINT', 'await sleep(60_000, signal)'),
    ended('runService', 'SIGTERM', `await sleep(60_000, signal).catch(() => Promise.reject(new Error('no end')))`),
  ])
  assert.deepEqual(codes, [130, 143, 0, 0, 1])
})
