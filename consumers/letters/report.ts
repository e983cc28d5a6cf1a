import { shownCase } from '../../lineage/letters/shown.ts'
import type { LetterCase } from '../../lineage/letters/states.ts'
import { keyText, lineText } from '../../runtime/line-text.ts'
import type { Acted } from './act.ts'
import type { Verdict } from './rehearse.ts'
import { type Skip, skipText } from './select.ts'

/** How many letters of a reason are told one by one. */
const SAMPLES = 3
/** How many are told in JSON. */
const MAX_TOLD = 200

/** What became, or would become, of a letter that was sent again. */
type Told = { state: Verdict['state'] | 'pending' | 'lost' | 'discarded'; reason: string | null; message: string | null }

interface ReasonReport {
  entity: string
  /** What had refused these. */
  reason: string
  letters: number
  /** Letters by what became of them. */
  outcomes: Partial<Record<Told['state'], number>>
  /** Those that are refused again, by rule. */
  refused_by: Record<string, number>
  samples: { letter: string; key: string | null; outcome: Told }[]
}

export interface ActReport {
  ok: true
  action: 'redrive' | 'discard'
  dry_run: boolean
  /** Letters that something was, or would be, done to. */
  letters: number
  skipped: Partial<Record<Skip, number>>
  outcomes: Partial<Record<Told['state'], number>>
  by_reason: ReasonReport[]
  told: (ReturnType<typeof shownCase> & { outcome: Told })[]
}

const added = <K extends string>(counts: Partial<Record<K, number>>, name: K) => {
  counts[name] = (counts[name] ?? 0) + 1
}

const report = (
  of: Pick<ActReport, 'action' | 'dry_run'>,
  cases: readonly (readonly [LetterCase, Told, reason: string])[],
  skipped: ReadonlyMap<Skip, readonly LetterCase[]>,
): ActReport => {
  const outcomes: ActReport['outcomes'] = {}
  const byReason = new Map<string, ReasonReport>()
  for (const [{ id, entity, letter }, outcome, reason] of cases) {
    added(outcomes, outcome.state)
    const at = `${entity} ${reason}`
    const one = byReason.get(at) ?? { entity, reason, letters: 0, outcomes: {}, refused_by: {}, samples: [] }
    byReason.set(at, one)
    one.letters++
    added(one.outcomes, outcome.state)
    if (outcome.state === 'refused') added(one.refused_by, outcome.reason ?? 'unknown')
    // Of each outcome some: what is rare says as much.
    if (one.samples.filter(({ outcome: { state } }) => state === outcome.state).length < SAMPLES)
      one.samples.push({ letter: id, key: letter.key, outcome })
  }
  return {
    ok: true,
    ...of,
    letters: cases.length,
    skipped: Object.fromEntries([...skipped].map(([skip, of]) => [skip, of.length])),
    outcomes,
    by_reason: [...byReason.values()].sort((a, b) => b.letters - a.letters),
    told: cases.slice(0, MAX_TOLD).map(([each, outcome]) => ({ ...shownCase(each), outcome })),
  }
}

/** What a redrive would do. Pure. */
export const rehearsalReport = (
  chosen: readonly LetterCase[],
  verdicts: ReadonlyMap<string, Verdict>,
  skipped: ReadonlyMap<Skip, readonly LetterCase[]>,
): ActReport =>
  report(
    { action: 'redrive', dry_run: true },
    chosen.map((each) => [each, verdicts.get(each.id)!, each.letter.reason] as const),
    skipped,
  )

const nothing = { reason: null, message: null }

/** What a redrive or a discard has done. Pure. */
export const actedReport = (action: ActReport['action'], { done, skipped }: Acted): ActReport =>
  report(
    { action, dry_run: false },
    [...done.values()].map((each) => {
      const last = each.attempts.at(-1)
      if (action === 'discard' || !last) return [each, { state: 'discarded', ...nothing }, each.letter.reason] as const
      return [each, last.outcome ?? { state: 'pending', ...nothing }, last.reason] as const
    }),
    skipped,
  )

/** What a discard would do. Pure. */
export const discardRehearsal = (cases: readonly LetterCase[]): ActReport => {
  const open = cases.filter(({ state }) => state === 'open')
  const others = cases.filter(({ state }) => state !== 'open')
  return report(
    { action: 'discard', dry_run: true },
    open.map((each) => [each, { state: 'discarded', ...nothing }, each.letter.reason] as const),
    Map.groupBy(others, ({ state }) => state as Skip),
  )
}

const words: Readonly<Record<Told['state'], string>> = {
  accepted: 'accepted',
  late: 'accepted as an older version',
  repeat: 'a repeat of what was accepted before',
  refused: 'refused again',
  pending: 'not known yet: Silver has not come to it',
  lost: 'lost: no stage will come to it',
  discarded: 'discarded',
}

const letters = (count: number) => `${count} ${count === 1 ? 'letter' : 'letters'}`

/** A report for people. Pure. */
export const reportText = ({ action, dry_run: isDryRun, letters: count, skipped, by_reason }: ActReport): string => {
  const verb = action === 'discard' ? (isDryRun ? 'would be discarded' : 'discarded') : isDryRun ? 'would be sent again' : 'sent again'
  const lines = [`${letters(count)} ${verb}${isDryRun ? '; nothing was changed' : ''}.`]
  for (const { entity, reason, letters: of, outcomes, refused_by, samples } of by_reason) {
    lines.push('', `${entity} ${reason}: ${of}`)
    if (action === 'discard') continue
    for (const [state, times] of Object.entries(outcomes) as [Told['state'], number][]) {
      const rules =
        state === 'refused'
          ? ` (${Object.entries(refused_by)
              .map(([rule, n]) => `${rule} ${n}`)
              .join(', ')})`
          : ''
      lines.push(`  ${String(times).padStart(6)}  ${words[state]}${rules}`)
    }
    for (const { letter, key, outcome } of samples)
      lines.push(`          ${letter}  ${key === null ? 'no key' : `key ${keyText(key, '')}`}  ${outcome.message ?? words[outcome.state]}`)
  }
  const left = Object.entries(skipped) as [Skip, number][]
  if (left.length > 0) lines.push('', ...left.map(([skip, times]) => `${letters(times)} left alone: ${skipText[skip]}.`))
  return `${lines.map(lineText).join('\n')}\n`
}
