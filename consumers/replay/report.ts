import type { AddFile } from '../../lake/delta/actions.ts'
import { keyText, lineText } from '../../runtime/line-text.ts'
import type { PartitionBounds } from './bounds.ts'
import type { RowDiff } from './diff.ts'
import { ROLLBACK_REQUEST } from './request.ts'
import type { PartitionWork, ReplayOf, Work } from './work.ts'

const number = (value: number): string => String(value).replaceAll(/\B(?=(\d{3})+$)/g, ' ')
const MAX_VALUE = 60
const shown = (value: unknown): string => {
  const text = JSON.stringify(value ?? null)
  return text.length > MAX_VALUE ? `${text.slice(0, MAX_VALUE)}…` : text
}
const byName = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${name} ${number(count)}`)
    .join(', ')
const sumOf = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((sum, count) => sum + count, 0)

/** A range as people read it: `0: 120 to 4 000, 1: 0 to the end`. */
export const rangeText = (partitions: readonly Pick<PartitionWork, 'partition' | 'from' | 'to'>[]): string =>
  partitions.map(({ partition, from, to }) => `${partition}: ${number(from)} to ${to === null ? 'the end' : number(to)}`).join(', ')

const rowsOf = (files: readonly AddFile[]): number =>
  files.reduce((sum, { stats }) => sum + ((stats === undefined ? {} : (JSON.parse(stats) as { numRecords?: number })).numRecords ?? 0), 0)

/** Files of a table whose rows count as gone, on one line; nothing where there are none. */
export const lostText = (lost: readonly AddFile[]): string =>
  lost.length === 0
    ? ''
    : `lost: ${number(lost.length)} files of the table are gone or can not be read, such as ${lost[0]!.path}; their ${number(rowsOf(lost))} rows count as gone, and are derived again\n`

/** What differs, line by line; `~` is a changed row with old → new, `+` and `-` rows or dead letters that come and go. */
export const diffText = ({ added, removed, changed, fields, samples }: RowDiff, { letters }: Pick<Work, 'letters'>): string => {
  const lines = [
    `difference: ${number(added)} rows added, ${number(removed)} removed, ${number(changed)} changed${changed > 0 ? ` (${byName(fields)})` : ''}`,
  ]
  for (const { sign, key, partition, offset, fields: of } of samples) {
    const changes = of.map(({ name, before, after }) => `${name} ${shown(before)} → ${shown(after)}`).join(', ')
    lines.push(`  ${sign} ${keyText(key, 'no key')} at ${partition}:${offset}${changes === '' ? '' : `: ${changes}`}`)
  }
  const { come, go, samples: ofLetters } = letters
  if (sumOf(come) + sumOf(go) > 0) {
    lines.push(
      `dead letters: ${number(sumOf(come))} come${sumOf(come) > 0 ? ` (${byName(come)})` : ''}, ${number(sumOf(go))} go${sumOf(go) > 0 ? ` (${byName(go)})` : ''}`,
    )
    for (const { sign, key, partition, offset, errorClass } of ofLetters)
      lines.push(`  ${sign} ${keyText(key, 'no key')} at ${partition}:${offset}: ${errorClass}`)
  }
  return `${lines.map(lineText).join('\n')}\n`
}

/** A line a partition: from where to where it can be replayed. Offsets are written as --from takes them. */
export const boundsText = (name: string, partitions: readonly PartitionBounds[]): string => {
  if (partitions.length === 0) return `${name} has taken nothing in yet: there is nothing to replay.\n`
  const at = ({ offset, at }: PartitionBounds['earliest']) => `${offset}${at === null ? '' : ` (${at})`}`
  return partitions
    .map(({ partition, earliest, latest, kafkaFrom }) => {
      const fromBronze = kafkaFrom > earliest.offset ? `; before ${kafkaFrom} from Bronze` : ''
      return `${name} partition ${partition}: ${at(earliest)} to ${at(latest)}${fromBronze}\n`
    })
    .join('')
}

/** A line a replay, newest first. */
export const listText = (entries: readonly (ReplayOf & { isAlive: boolean })[]): string => {
  if (entries.length === 0) return 'No replays.\n'
  return entries
    .map((entry) => {
      const state =
        entry.state !== 'open'
          ? entry.state
          : entry.isAlive
            ? `under way in process ${entry.pid} on ${entry.host}`
            : entry.request === ROLLBACK_REQUEST
              ? `left behind: readflow rollback ${entry.table} begins anew`
              : 'left behind: the same command, or --resume, goes on'
      const version = entry.version === null ? '' : ` as version ${entry.version}`
      return `${entry.id}  ${entry.startedAt.slice(0, 19)}Z  ${entry.table}  ${entry.request}  ${state}${version}\n`
    })
    .join('')
}

/** How far long work is, on one line: `42 % of 1 200 000 offsets, 81 000/s, about 9 s left`. */
export const progressText = ({
  done,
  all,
  elapsedMs,
  before,
}: {
  done: number
  all: number
  elapsedMs: number
  before: number
}): string => {
  const perSecond = elapsedMs > 0 ? ((done - before) / elapsedMs) * 1000 : 0
  const percent = all > 0 ? Math.min(100, Math.floor((done / all) * 100)) : 100
  const left = perSecond > 0 ? `, about ${Math.ceil(Math.max(0, all - done) / perSecond)} s left` : ''
  return `${percent} % of ${number(all)} offsets, ${number(Math.round(perSecond))}/s${left}`
}
