import { type GateCheck, type GateEntry, isHolding } from '../../lake/gate-log.ts'
import type { Published } from '../../lake/published.ts'
import { lineText } from '../../runtime/line-text.ts'
import type { Released } from './release.ts'

/** What holds Gold, for a person; ends with a line end. `entries` are the newest, newest first. */
export const describeGate = (entries: readonly GateEntry[], published: Published | null): string => {
  const state = entries[0]?.state
  const version = published?.version ?? null
  const hold = isHolding(state?.hold ?? null, version) ? state!.hold! : null
  const gold = version === null ? 'no Gold is published yet' : `readers see Gold version ${version} of ${published?.publishedAt}`
  const lines: string[] = []
  if (!hold) lines.push(`Open: nothing holds Gold; ${gold}.`)
  else {
    const runs = hold.runs === 1 ? '' : `, ${hold.runs} builds in a row`
    lines.push(`Held since ${hold.since}${runs}; ${gold}.`, `Run ${hold.run} of ${hold.at}:`)
    lines.push(...hold.checks.flatMap(checkLines))
    lines.push(
      hold.isStaged
        ? 'A build that passes publishes by itself. To publish this run as it is:'
        : 'No row has changed, so nothing waits to be published. To waive these checks:',
      `  readflow gate release ${hold.run} --why "…"`,
    )
    const older = state!.releasable.filter(({ run }) => run !== hold.run).map(({ run }) => run)
    if (older.length > 0) lines.push(`Older runs that can still be released: ${older.join(', ')}`)
  }
  if (state?.releasing != null) lines.push('A release has begun and is not finished: the next build finishes it.')
  for (const { id, measured, by, run } of state?.waived ?? [])
    lines.push(`Waived until it passes, by ${by} with run ${run}: ${id} (measured ${measured ?? 'nothing'})`)
  return `${lines.map(lineText).join('\n')}\n`
}

const checkLines = ({ id, table, column, message, measured, threshold, sampleKeys }: GateCheck): string[] => [
  `  ${id}  (${column === null ? table : `${table}, column ${column}`})`,
  `    ${message}`,
  `    measured ${measured ?? 'nothing'}; threshold: ${threshold}`,
  ...(sampleKeys.length > 0 ? [`    such as ${sampleKeys.join(', ')}`] : []),
]

/** The same for machines. */
export const gateJson = (entries: readonly GateEntry[], published: Published | null) => {
  const { hold = null, releasable = [], releasing = null, waived = [] } = entries[0]?.state ?? {}
  const isHeld = isHolding(hold, published?.version ?? null)
  return {
    ok: true,
    held: isHeld ? hold : null,
    version: published?.version ?? null,
    publishedAt: published?.publishedAt ?? null,
    releasable: isHeld ? releasable.map(({ run }) => run) : [],
    isReleasing: releasing !== null,
    waived,
    // What was staged is long, and nobody's business.
    entries: entries.map(({ number, at, event }) => {
      if (event.kind !== 'held') return { number, at, ...event }
      const { changes, publish: _, ...rest } = event
      return {
        number,
        at,
        ...rest,
        tables: changes.filter(({ adds, removes }) => adds.length + removes.length > 0).map(({ name }) => name),
      }
    }),
  }
}

export const releasedLine = ({ run, published, waived }: Released): string => {
  const what = published ? `Run ${run} is Gold version ${published.version} now` : `Nothing was staged by run ${run}`
  return `${what}; waived until they pass: ${waived.join(', ')}.`
}
