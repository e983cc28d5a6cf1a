import { parseConfig } from '../../runtime/config/config.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import { runProgram } from '../../runtime/lifecycle.ts'
import { findUp, restartBy } from '../../runtime/up-control.ts'
import { whyUnfinished } from '../control/why-unfinished.ts'

const names = ['poll', 'consume', 'compact', 'serve', 'kafka', 'registry']

/** `readflow restart PROGRAM`: for what hangs, which neither ends by itself nor takes a pause. Returns once it works again. */
await runProgram('restart', async ({ argv, env, signal }) => {
  const config = parseConfig('restart', argv, env)
  if (!config) return
  const [name = ''] = config.operands
  if (!names.includes(name))
    throw new ReadflowError('config', `${name === '' ? 'A program must be named' : `'${name}' is no program`}: ${names.join(', ')}.`)
  const until = AbortSignal.any([signal, AbortSignal.timeout(config.timeoutMs)])
  const failure = await restartBy(findUp(config.dataDir), name, until).catch((error) => {
    if (!until.aborted) throw error
    throw new ReadflowError('stack-failed', `${whyUnfinished(signal, config.timeoutMs)}: ${name} was told to restart.`, {
      hint: 'up goes on with it; see readflow status.',
    })
  })
  if (failure !== null)
    throw new ReadflowError('stack-failed', `${name} was ended and does not run yet: ${failure.replace(/\.?$/, '.')}`, {
      hint: 'up goes on trying; see readflow status.',
    })
  process.stdout.write(config.isJson ? `${JSON.stringify({ ok: true, program: name })}\n` : `${name} was ended and started again.\n`)
})
