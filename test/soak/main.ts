import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { errorLine } from '../../runtime/errors.ts'
import { minioSkip } from '../helpers/minio.ts'
import { readerSkip } from '../interop/readers.ts'
import { readArgs, usage } from './args.ts'
import { planSoak } from './plan.ts'
import { hasHeld, outcomeJson, outcomeText } from './report.ts'
import { layout, runSoak } from './soak.ts'

const say = (line: string) => process.stderr.write(line)
const wrong = (line: string): never => {
  say(`soak: ${line}\n`)
  process.exit(2)
}
const asked = readArgs(process.argv.slice(2), () => Math.floor(Math.random() * 1e9))
if (asked === 'help') {
  process.stdout.write(usage)
  process.exit(0)
}
if ('fault' in asked) wrong(`${asked.fault} See npm run soak -- --help.`)
else {
  if (process.platform !== 'linux') wrong('it needs Linux.')
  for (const missing of [readerSkip('DuckDB'), asked.lake === 'minio' && minioSkip()]) if (missing) wrong(`${missing}.`)
  const plan = planSoak(asked)
  const dir = mkdtempSync(path.join(tmpdir(), 'readflow-soak-'))
  const stopping = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM']) process.on(name, () => stopping.abort(new Error('it was stopped')))
  let unmount: (() => void) | null = null
  const keep = () => {
    const { disk } = layout(dir)
    // The disk is in memory: what is on it goes with it, so it is copied.
    if (unmount) cpSync(disk, `${disk}-kept`, { recursive: true })
    unmount?.()
    say(`soak: seed ${asked.seed} repeats it; its folder is kept: ${dir}\n`)
  }
  try {
    const outcome = await runSoak(plan, { dir, say, signal: stopping.signal, onDisk: (release) => (unmount = release) })
    process.stdout.write(`\n${outcomeText(outcome)}\n`)
    const isHeld = hasHeld(outcome)
    if (isHeld) {
      ;(unmount as (() => void) | null)?.()
      rmSync(dir, { recursive: true, force: true, maxRetries: 5 })
    } else keep()
    process.stdout.write(`${outcomeJson(outcome, isHeld ? null : dir)}\n`)
    process.exit(isHeld ? 0 : 1)
  } catch (error) {
    say(`soak: ${errorLine(error)}\n`)
    if (process.env['READFLOW_DEBUG']) console.error(error)
    keep()
    process.exit(1)
  }
}
