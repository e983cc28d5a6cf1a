import { openStore } from '../../lake/store/open.ts'
import { loadCases } from '../../lineage/letters/read.ts'
import type { LetterCase } from '../../lineage/letters/states.ts'
import { type Config, parseConfig } from '../../runtime/config/config.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import { openKafka } from '../../runtime/kafka/client.ts'
import { openSecondReader } from '../../runtime/kafka/second/reader.ts'
import { runProgram } from '../../runtime/lifecycle.ts'
import { createLog } from '../../runtime/log.ts'
import { openRegistry } from '../../runtime/registry.ts'
import { requireBrokers, requireServices } from '../../runtime/services.ts'
import { userName } from '../../runtime/user-name.ts'
import { catalogue } from '../../schemas/catalogue.ts'
import { discard, progressOf, redrive } from './act.ts'
import { asked } from './asked.ts'
import { listReport, listText } from './list.ts'
import { rehearse } from './rehearse.ts'
import { type ActReport, actedReport, discardRehearsal, rehearsalReport, reportText } from './report.ts'
import { isSelected, type Skip, skipOf } from './select.ts'
import { jsonText, showLetter, showText } from './show.ts'

await runProgram('dlq', async ({ argv, env, signal, defer }) => {
  const config = parseConfig('dlq', argv, env)
  if (!config) return
  const { action, selection, entities, names } = asked(config)
  const onProgress = (line: string) => process.stderr.write(`${line}\n`)
  const say = (report: unknown, text: () => string) => process.stdout.write(config.isJson ? `${jsonText(report)}\n` : text())
  const sayActed = (report: ActReport) => say(report, () => reportText(report))

  const brokers = requireBrokers(config)
  const store = openStore(config.lakeUrl, { signal })
  defer(() => store.close())
  const reader = await openSecondReader({ brokers, clientId: 'readflow-dlq' })
  defer(() => reader.close())
  const load = async () => {
    const cases = await loadCases({ reader, store, entities, onRead: progressOf(onProgress) })
    return { cases, wanted: cases.filter((each) => isSelected(selection, each)) }
  }
  const rehearsed = (cases: readonly LetterCase[]) =>
    rehearse({ reader, store, signal, onProgress, nowMs: Date.now, policies: config.drift ?? {}, registry: registryOf(config) }, cases)

  if (action === 'list') {
    const report = listReport((await load()).wanted, config.limit)
    return void say(report, () => listText(report))
  }
  if (action === 'show') {
    const [one] = found((await load()).wanted, names)
    const skip = skipOf(one!, catalogue[one!.entity].topic, true)
    const verdict = skip ? null : ((await rehearsed([one!])).get(one!.id) ?? null)
    const shown = await showLetter({ reader, registry: registryOf(config) }, one!, { skip, verdict })
    return void say(shown, () => showText(shown))
  }
  const isDiscardedWanted = config.letterState === 'discarded'
  if (config.isDryRun) {
    const wanted = found((await load()).wanted, names)
    if (action === 'discard') return void sayActed(discardRehearsal(wanted))
    const skips = Map.groupBy(wanted, (each) => skipOf(each, catalogue[each.entity].topic, isDiscardedWanted))
    const chosen = skips.get(null) ?? []
    const skipped = new Map([...skips].flatMap(([skip, of]) => (skip === null ? [] : [[skip, of] as [Skip, LetterCase[]]])))
    return void sayActed(rehearsalReport(chosen, await rehearsed(chosen), skipped))
  }
  if (names.size > 0) found((await load()).wanted, names)
  const client = await openKafka({ brokers, clientId: 'readflow-dlq', log: createLog('dlq', 'error') })
  defer(() => client.close())
  const options = {
    ...{ client, reader, store, entities, signal, onProgress, replicationFactor: config.replicationFactor },
    ...{ by: config.by ?? userName(), nowMs: Date.now, isWanted: (each: LetterCase) => isSelected(selection, each) },
  }
  sayActed(
    action === 'discard'
      ? actedReport('discard', await discard({ ...options, why: config.why! }))
      : actedReport('redrive', await redrive({ ...options, isDiscardedWanted, waitMs: config.outcomeWaitMs })),
  )
})

// Functions, not constants: the program above runs before a constant down here exists.
function registryOf(config: Config) {
  return openRegistry(requireServices(config).registryUrl)
}

/** What was found, once every letter that was named is. */
function found(cases: LetterCase[], names: ReadonlySet<string>): LetterCase[] {
  const known = new Set(cases.map(({ id }) => id))
  const missing = [...names].filter((name) => !known.has(name))
  if (missing.length === 0) return cases
  throw new ReadflowError('config', `There is no dead letter ${missing.slice(0, 3).join(', ')}${missing.length > 3 ? ', …' : ''}.`, {
    hint: 'readflow dlq list --state all names those that there are.',
  })
}
