// Runs test files, two at a time and a third one on what those leave, each in a runner of its own. Plain JS: it may be started by any Node >= 20.
import { spawn } from 'node:child_process'
import { findNode } from '../ops/setup/node.mjs'
import { nodeFlags, programEnv } from '../runtime/node-flags.mjs'

const SLOTS = 2
/** Servers are waited for as much as they work: what has no hurry takes the time between. */
const PATIENT_NICENESS = 3
const FLAGS = [...nodeFlags('test'), '--test', '--test-timeout=600000', '--test-reporter=spec', '--test-reporter-destination=stdout']
const FAILURES = '\n✖ failing tests:\n'

/** Numbers of the summary that node:test closes with, and the text without it. */
export const readSummary = (text) => {
  const count = (name) => Number(new RegExp(`^ℹ ${name} (\\d+)$`, 'm').exec(text)?.[1] ?? 0)
  const rest = text.replaceAll(/^ℹ (tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+\n/gm, '')
  const at = rest.indexOf(FAILURES)
  return {
    pass: count('pass'),
    fail: count('fail') + count('cancelled'),
    skipped: count('skipped'),
    told: (at < 0 ? rest : rest.slice(0, at)).trimEnd(),
    failures: at < 0 ? '' : rest.slice(at + FAILURES.length).trim(),
  }
}

const runFile = (root, file, { env, isPatient }) =>
  new Promise((resolve) => {
    const beganMs = Date.now()
    const command = [findNode(root), ...FLAGS, file]
    const [program, ...args] = isPatient && process.platform !== 'win32' ? ['nice', '-n', String(PATIENT_NICENESS), ...command] : command
    const child = spawn(program, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'] })
    const pieces = []
    child.stdout.on('data', (piece) => pieces.push(piece))
    child.on('close', (code) => {
      const summary = readSummary(Buffer.concat(pieces).toString('utf8'))
      // A file that ends without a failed test, and not well: it counts as one.
      if (code !== 0 && summary.fail === 0) Object.assign(summary, { fail: 1, failures: `${file} ended with ${code ?? 'a signal'}` })
      resolve({ ...summary, seconds: (Date.now() - beganMs) / 1000 })
    })
  })

/**
 * Runs `files` in their order; of those that `isAlone` names, one at a time. Those that `isPatient` names bear to wait: one at a
 * time runs beside the others, and what is left of them at the end. Prints what each file tells when it is done, and all failures once more at the end. Gives the numbers of tests that passed, failed and were skipped.
 */
export const runFiles = async ({ root, files, isAlone, isPatient }) => {
  // Dozens of brokers are started for a few seconds each: the second compiler of Java would take longer than it saves.
  const env = { JAVA_TOOL_OPTIONS: '-XX:TieredStopAtLevel=1', ...programEnv('test', process.env) }
  const queue = [...files]
  const totals = { pass: 0, fail: 0, skipped: 0 }
  const failures = []
  let aloneRunning = 0
  let done = 0
  const take = (isWanted) => {
    const at = queue.findIndex((file) => isWanted(file) && (aloneRunning === 0 || !isAlone(file)))
    return at < 0 ? null : queue.splice(at, 1)[0]
  }
  const takeNext = (patiently) => take((file) => isPatient(file) === patiently) ?? (patiently ? null : take(() => true))
  const work = async (patiently) => {
    for (let file = takeNext(patiently); file; file = takeNext(patiently)) {
      if (isAlone(file)) aloneRunning++
      const result = await runFile(root, file, { env, isPatient: patiently })
      if (isAlone(file)) aloneRunning--
      for (const name of Object.keys(totals)) totals[name] += result[name]
      if (result.failures) failures.push(`${file}\n\n${result.failures}`)
      done++
      const why = result.failures ? `\n${result.failures}\n` : ''
      process.stdout.write(`\n== ${done}/${files.length} ${file} (${result.seconds.toFixed(1)} s)\n${result.told}\n${why}`)
    }
  }
  await Promise.all([...Array.from({ length: SLOTS }, () => work(false)), work(true)])
  if (failures.length > 0) process.stdout.write(`${FAILURES}\n${failures.join('\n\n')}\n`)
  return totals
}
