import { parseLetterId } from '../../lineage/letters/markers.ts'
import type { Config } from '../../runtime/config/config.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import { catalogue, dlqTopic, entityNames } from '../../schemas/catalogue.ts'
import type { EntityName } from '../../schemas/records.ts'
import type { Selection } from './select.ts'

const actions = ['list', 'show', 'redrive', 'discard'] as const
type Action = (typeof actions)[number]

export interface Asked {
  action: Action
  selection: Selection
  /** Those whose letters can be meant. */
  entities: readonly EntityName[]
  /** Letters that were named. */
  names: ReadonlySet<string>
}

const refused = (message: string) => new ReadflowError('config', message, { hint: 'See readflow dlq --help.' })

/** What a person asks for. Throws ReadflowError `config`. Pure. */
export const asked = (config: Config): Asked => {
  const [word = '', ...operands] = config.operands
  const action = actions.find((each) => each === word)
  if (!action) throw refused(word === '' ? 'Say what to do: list, show, redrive or discard.' : `'${word}' is nothing that dlq can do.`)
  const broken = operands.find((name) => parseLetterId(name) === null)
  if (broken !== undefined)
    throw refused(`'${broken}' names no letter: a name is ENTITY/TOPIC-ID/PARTITION/OFFSET, as readflow dlq list has it.`)
  const {
    letterEntity: entity,
    letterReason: reason,
    letterTopic: topic,
    letterKey: key,
    lettersFromMs: fromMs,
    lettersToMs: toMs,
  } = config
  const ofTopic = entityNames.find((name) => topic === catalogue[name].topic || topic === dlqTopic(name))
  if (topic !== undefined && ofTopic === undefined)
    throw refused(
      `--topic: '${topic}' has no dead letters; those that can have are ${entityNames.map((name) => catalogue[name].topic).join(', ')}.`,
    )
  const state = config.letterState === 'all' ? undefined : config.letterState
  const filters = { entity, reason, topic, key, fromMs, toMs }
  const hasFilter = Object.values(filters).some((each) => each !== undefined)
  const isChange = action === 'redrive' || action === 'discard'
  if (action === 'list' && operands.length > 0) throw refused('list takes no letters; show LETTER shows one.')
  if (action === 'show' && operands.length !== 1) throw refused('show takes one LETTER.')
  if (isChange && operands.length > 0 && (hasFilter || config.areAllLetters))
    throw refused('Name letters, or say which by filters; not both.')
  if (isChange && operands.length === 0 && !hasFilter && !config.areAllLetters)
    throw refused(`Say which letters to ${action}: LETTER…, filters such as --reason, or --all for every one.`)
  if (action === 'discard' && !config.isDryRun && config.why === undefined) throw refused('--why must say why: it goes on record.')
  if (action !== 'discard' && config.why !== undefined) throw refused('--why says why letters are discarded, and none is.')
  const names = new Set(operands)
  const entities = entityNames.filter((name) =>
    names.size > 0
      ? operands.some((id) => parseLetterId(id)?.entity === name)
      : (entity === undefined || entity === name) && (ofTopic === undefined || ofTopic === name),
  )
  // Of letters that are named, all that became of them is told; a filter means those that wait, or are asked for by their state.
  if (names.size > 0) return { action, selection: { letters: names }, entities, names }
  return { action, selection: { ...filters, state }, entities, names }
}
