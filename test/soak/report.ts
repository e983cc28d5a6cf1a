import type { Checked } from './compare.ts'
import type { Caused } from './faults.ts'
import type { Flatness } from './flat.ts'
import { faultKinds } from './plan.ts'

export interface Outcome {
  seed: number
  minutes: number
  lake: string
  seconds: number
  faults: Caused[]
  checks: Checked[]
  flatness: Flatness[]
  notes: string[]
}

export const hasHeld = ({ checks, flatness }: Pick<Outcome, 'checks' | 'flatness'>): boolean =>
  checks.length > 0 && checks.every(({ faults }) => faults.length === 0) && flatness.every(({ isFlat }) => isFlat)

const table = (head: string[], rows: string[][]): string => {
  const all = [head, ...rows]
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]!.length)))
  const line = (row: string[]) => row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!))).join('  ')
  return `${all.map((row) => `${line(row).trimEnd()}\n`).join('')}`
}

const shown = (value: number) => (value >= 100 || Number.isInteger(value) ? value.toFixed(0) : value.toFixed(1))

/** For people: what was done, what was checked, what held. */
export const outcomeText = (outcome: Outcome): string => {
  const byFault = Map.groupBy(outcome.faults, ({ fault: { kind, target, network } }) => [kind, target, network].filter(Boolean).join(' '))
  const order = (name: string) => faultKinds.findIndex((kind) => name.startsWith(kind))
  const faults = [...byFault].sort(([a], [b]) => order(a) - order(b) || a.localeCompare(b))
  const passedOver = outcome.faults.filter(({ outcome: how }) => how === 'passed over')
  return [
    table(
      ['fault', 'planned', 'caused'],
      faults.map(([name, all]) => [name, `${all.length}`, `${all.filter(({ outcome: how }) => how === 'caused').length}`]),
    ),
    [...new Set(passedOver.map(({ note }) => `passed over: ${note}\n`))].join(''),
    table(
      ['checked', 'number', 'held'],
      outcome.checks.map(({ what, count, faults: wrong }) => [what, `${count}`, wrong.length === 0 ? 'yes' : 'NO']),
    ),
    outcome.checks.flatMap(({ what, faults: wrong }) => wrong.map((fault) => `! ${what}: ${fault}\n`)).join(''),
    table(
      ['flat', 'measure', 'least', 'most', 'of at most', 'a minute', 'of at most', 'held'],
      outcome.flatness.map(({ name, measure, least, most, perMinute, mostPerMinute, bound, isFlat }) => [
        ...[name, measure, shown(least), shown(most), shown(bound.most), perMinute === null ? '-' : perMinute.toFixed(1)],
        ...[shown(mostPerMinute), isFlat ? 'yes' : 'NO'],
      ]),
    ),
    outcome.notes.map((note) => `${note}\n`).join(''),
  ]
    .filter(Boolean)
    .join('\n')
}

/** For machines: one line. */
export const outcomeJson = (outcome: Outcome, folder: string | null): string =>
  JSON.stringify({
    ok: hasHeld(outcome),
    ...{ seed: outcome.seed, minutes: outcome.minutes, lake: outcome.lake, seconds: outcome.seconds },
    faults: { planned: outcome.faults.length, caused: outcome.faults.filter(({ outcome: how }) => how === 'caused').length },
    checks: { made: outcome.checks.length, failed: outcome.checks.filter(({ faults }) => faults.length > 0).map(({ what }) => what) },
    notFlat: outcome.flatness.filter(({ isFlat }) => !isFlat).map(({ name, measure }) => `${name}: ${measure}`),
    ...(folder === null ? {} : { folder }),
  })
