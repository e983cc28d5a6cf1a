import { openTable } from '../../lake/delta/table.ts'
import { listGate } from '../../lake/gate-log.ts'
import { readPublished } from '../../lake/published.ts'
import { openStore } from '../../lake/store/open.ts'
import { parseConfig } from '../../runtime/config/config.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import { runProgram } from '../../runtime/lifecycle.ts'
import { userName } from '../../runtime/user-name.ts'
import { openBuildTables } from '../build.ts'
import { release } from '../gate/release.ts'
import { describeGate, gateJson, releasedLine } from '../gate/show.ts'

const SHOWN_ENTRIES = 20

await runProgram('gate', async ({ argv, env, signal, defer }) => {
  const config = parseConfig('gate', argv, env)
  if (!config) return
  const [action = '', run = ''] = config.operands
  checkArguments(action, run, config.why)
  const store = openStore(config.lakeUrl, { signal })
  defer(() => store.close())
  if (action === 'release') {
    const { gold } = openBuildTables((root) => openTable(store, root))
    const released = await release({ store, gold, nowMs: Date.now }, { run, by: userName(), why: config.why! })
    await Promise.all(Object.values(gold).map((table) => table.settled()))
    const version = released.published?.version ?? null
    process.stdout.write(
      config.isJson
        ? `${JSON.stringify({ ok: true, run: released.run, version, waived: released.waived })}\n`
        : `${releasedLine(released)}\n`,
    )
    return
  }
  const [entries, published] = [await listGate(store, { limit: SHOWN_ENTRIES }), await readPublished(store)]
  process.stdout.write(config.isJson ? `${JSON.stringify(gateJson(entries, published))}\n` : describeGate(entries, published))
})

// Functions, not constants: the program above runs before a constant down here exists.
function checkArguments(action: string, run: string, why: string | undefined) {
  const refuse = (message: string) =>
    new ReadflowError('config', message, { hint: 'readflow gate release RUN --why "…" publishes a held run.' })
  if (action !== '' && action !== 'release') throw refuse(`'${action}' is nothing that the gate can do.`)
  if (action === '' && why !== undefined) throw refuse('--why says why a run is released, and none is.')
  if (action === 'release' && run === '') throw refuse('A run must be named; readflow gate lists what is held.')
  if (action === 'release' && why === undefined) throw refuse('--why must say why: it goes on record.')
}
