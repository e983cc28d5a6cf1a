import { readEntry } from '../../lake/delta/load.ts'
import type { Snapshot } from '../../lake/delta/snapshot.ts'
import type { Table } from '../../lake/delta/table.ts'
import { ReadflowError } from '../../runtime/errors.ts'

/** Offsets of a partition that a replay replaced, `until` exclusive. */
interface ReplayedRange {
  partition: number
  from: number
  until: number
}

/** The replay that is to be taken back. */
export interface LastReplay {
  version: number
  topicId: string
  clusterId: string
  ranges: ReplayedRange[]
  /** The table before it and with it. */
  before: Snapshot
  after: Snapshot
}

/** Entries of the history that are looked at first; ever more where none of them is a replay. */
const FIRST_ENTRIES = 256

/**
 * The last replay of a table that is not taken back yet, whether by `readflow replay` or by a reset of the group. Throws `config`
 * where there is none, or the log no longer has the version before it.
 */
export const findLastReplay = async (table: Table, name: string): Promise<LastReplay> => {
  for (let limit = FIRST_ENTRIES; ; limit *= 8) {
    const history = await table.history({ limit })
    const takenBack = new Set(
      history.flatMap(({ operation, commitInfo }) => (operation === 'ROLLBACK' ? [Number(commitInfo?.operationParameters?.['of'])] : [])),
    )
    const last = history.find(({ operation, version }) => operation === 'REPLAY' && !takenBack.has(version))
    if (last) return readReplayOf(table, name, last.version, last.commitInfo?.operationParameters)
    if (history.length < limit)
      throw new ReadflowError(
        'config',
        `${name} was not replayed, or every replay that its log knows is taken back: there is nothing to take back.`,
      )
  }
}

const readReplayOf = async (
  table: Table,
  name: string,
  version: number,
  parameters: Record<string, unknown> | undefined,
): Promise<LastReplay> => {
  const ranges = JSON.parse(String(parameters?.['ranges'])) as ReplayedRange[]
  const actions = await readEntry(table, version)
  const epochs = actions.flatMap((action) => ('txn' in action ? [action.txn.appId] : [])).filter((appId) => appId.endsWith('/epoch'))
  const [, clusterId = '', topicId = ''] = (epochs[0] ?? '').split('/')
  if (topicId === '' || new Set(epochs.map((appId) => appId.split('/').slice(0, 3).join('/'))).size > 1)
    throw new ReadflowError('lake-invalid', `version ${version} of ${name} does not say which partitions it replayed`)
  const snapshotAt = (at: number) =>
    table.snapshot({ version: at }).catch((cause: unknown) => {
      if (!(cause instanceof ReadflowError && cause.code === 'lake-not-found')) throw cause
      throw gone(name, version, cause)
    })
  return { version, topicId, clusterId, ranges, before: await snapshotAt(version - 1), after: await snapshotAt(version) }
}

/** What a person is told where the rows of before are no more. */
export const gone = (name: string, version: number, cause: unknown): ReadflowError =>
  new ReadflowError(
    'config',
    `The replay that made version ${version} of ${name} can not be taken back: vacuum has removed what the table held before it.`,
    {
      cause,
      hint: 'Replay the range again with the code that it is to be derived by.',
    },
  )
