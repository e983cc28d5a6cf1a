import { openRuns } from '../../lineage/runs/open.ts'
import { withRun } from '../../lineage/runs/recorder.ts'
import { parseConfig } from '../../runtime/config/config.ts'
import { needsPerson } from '../../runtime/errors.ts'
import { runProgram } from '../../runtime/lifecycle.ts'
import { createLog } from '../../runtime/log.ts'
import { openReplay } from '../replay/open.ts'
import { runRollback } from './rollback.ts'

await runProgram('rollback', async ({ argv, env, signal, defer }) => {
  const config = parseConfig('rollback', argv, env)
  if (!config) return
  const [name = ''] = config.operands
  const log = createLog('rollback', config.explicit.has('logLevel') ? config.logLevel : 'error')
  const opened = await openReplay(config, { name, program: 'rollback', log, signal, defer })
  // The compactor publishes it.
  const runs = await openRuns({ ...config, store: opened.store, programs: ['rollback'], brokers: undefined, log })
  defer(runs.close)
  await withRun(runs, { kind: 'replay', job: `rollback ${name}`, signal, isRefusal: needsPerson }, (run) =>
    runRollback(config, opened, { name, run, log, signal, defer, print: (text) => void process.stdout.write(text) }),
  )
})
