import type { ObjectStore } from '../../lake/store/store.ts'
import { type LetterReader, loadCases } from '../../lineage/letters/read.ts'
import type { LetterCase } from '../../lineage/letters/states.ts'
import type { Config } from '../../runtime/config/config.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import type { KafkaClient } from '../../runtime/kafka/client.ts'
import type { Registry } from '../../runtime/registry.ts'
import { userName } from '../../runtime/user-name.ts'
import { catalogue } from '../../schemas/catalogue.ts'
import { discard, progressOf, redrive } from './act.ts'
import type { Asked } from './asked.ts'
import { listReport, listText } from './list.ts'
import { rehearse } from './rehearse.ts'
import { type ActReport, actedReport, discardRehearsal, rehearsalReport, reportText } from './report.ts'
import { isSelected, type Skip, skipOf } from './select.ts'
import { showLetter, showText } from './show.ts'

/** What a command has to tell: for machines, and for people. */
export interface Answer {
  report: object
  text: () => string
}

export interface CommandOptions {
  config: Config
  reader: LetterReader
  store: ObjectStore
  /** Opened by what needs it only. */
  registry: () => Registry
  client: () => Promise<KafkaClient>
  signal: AbortSignal
  onProgress: (line: string) => void
}

/** Does what `readflow dlq` was asked to do. */
export const runCommand = async (options: CommandOptions, { action, selection, entities, names }: Asked): Promise<Answer> => {
  const { config, reader, store, registry, signal, onProgress } = options
  const wantedNow = async () => {
    const isWanted = (each: LetterCase) => isSelected({ ...selection, state: undefined }, each)
    const cases = await loadCases({ reader, store, entities, isWanted, signal, onRead: progressOf(onProgress) })
    return found(
      cases.filter((each) => isSelected(selection, each)),
      names,
    )
  }
  const rehearsed = (cases: readonly LetterCase[]) =>
    rehearse({ reader, store, signal, onProgress, nowMs: Date.now, policies: config.drift ?? {}, registry: registry() }, cases)

  if (action === 'list') {
    const report = listReport(await wantedNow(), config.letterLimit)
    return { report, text: () => listText(report) }
  }
  if (action === 'show') {
    const [one] = await wantedNow()
    const skip = skipOf(one!, catalogue[one!.entity].topic, true)
    const verdict = skip ? null : ((await rehearsed([one!])).get(one!.id) ?? null)
    const report = await showLetter({ reader, registry: registry() }, one!, { skip, verdict })
    return { report, text: () => showText(report) }
  }
  const isDiscardedWanted = config.letterState === 'discarded'
  if (config.isDryRun) {
    const wanted = await wantedNow()
    if (action === 'discard') return told(discardRehearsal(wanted))
    const skips = Map.groupBy(wanted, (each) => skipOf(each, catalogue[each.entity].topic, isDiscardedWanted))
    const chosen = skips.get(null) ?? []
    const skipped = new Map([...skips].flatMap(([skip, of]) => (skip === null ? [] : [[skip, of] as [Skip, LetterCase[]]])))
    return told(rehearsalReport(chosen, await rehearsed(chosen), skipped))
  }
  // A name that there is not is told before anything is done.
  if (names.size > 0) await wantedNow()
  const act = {
    ...{ client: await options.client(), reader, store, entities, signal, onProgress, replicationFactor: config.replicationFactor },
    ...{ by: config.by ?? userName(), nowMs: Date.now, isWanted: (each: LetterCase) => isSelected(selection, each) },
  }
  return told(
    action === 'discard'
      ? actedReport('discard', await discard({ ...act, why: config.why! }))
      : actedReport('redrive', await redrive({ ...act, isDiscardedWanted, waitMs: config.outcomeWaitMs })),
  )
}

const told = (report: ActReport): Answer => ({ report, text: () => reportText(report) })

/** What was found, once every letter that was named is. */
const found = (cases: LetterCase[], names: ReadonlySet<string>): LetterCase[] => {
  const known = new Set(cases.map(({ id }) => id))
  const missing = [...names].filter((name) => !known.has(name))
  if (missing.length === 0) return cases
  throw new ReadflowError('config', `There is no dead letter ${missing.slice(0, 3).join(', ')}${missing.length > 3 ? ', …' : ''}.`, {
    hint: 'readflow dlq list --state all names those that there are.',
  })
}
