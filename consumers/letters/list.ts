import { shownCase } from '../../lineage/letters/shown.ts'
import type { LetterCase } from '../../lineage/letters/states.ts'
import { keyText, lineText } from '../../runtime/line-text.ts'

/** Letters as `dlq list` tells them, newest first, and how many there are of each reason. Pure. */
export const listReport = (cases: readonly LetterCase[], limit: number) => {
  const counts = new Map<string, { entity: string; reason: string; state: string; letters: number }>()
  for (const { entity, letter, state } of cases) {
    const at = `${entity} ${letter.reason} ${state}`
    const of = counts.get(at) ?? { entity, reason: letter.reason, state, letters: 0 }
    counts.set(at, { ...of, letters: of.letters + 1 })
  }
  const newest = [...cases].sort((a, b) => b.letter.refusedMs - a.letter.refusedMs || b.letter.at.offset - a.letter.at.offset)
  return {
    ok: true,
    total: cases.length,
    by_reason: [...counts.values()].sort((a, b) => b.letters - a.letters),
    letters: newest.slice(0, limit).map(shownCase),
  }
}

export type ListReport = ReturnType<typeof listReport>

const tableText = (cells: readonly (readonly string[])[]): string[] => {
  const rows = cells.map((row) => row.map(lineText))
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)))
  return rows.map((row) => row.map((text, at) => (at === row.length - 1 ? text : text.padEnd(widths[at] ?? 0))).join('  '))
}

const MAX_MESSAGE = 100

/** The list for people. Pure. */
export const listText = ({ total, by_reason, letters }: ListReport): string => {
  if (total === 0) return 'There are no such dead letters.\n'
  const lines = [
    ...tableText([
      ['REASON', 'ENTITY', 'STATE', 'LETTERS'],
      ...by_reason.map(({ entity, reason, state, letters: count }) => [reason, entity, state, String(count)]),
    ]),
    '',
    ...tableText([
      ['LETTER', 'KEY', 'REFUSED', 'STATE', 'WHY'],
      ...letters.map(({ letter, key, refused_at, state, attempt, reason, message }) => [
        letter,
        keyText(key?.slice(0, 40) ?? null, '–'),
        refused_at ?? '–',
        `${state}${attempt > 1 ? `, attempt ${attempt}` : ''}`,
        `${reason}: ${(message ?? '').slice(0, MAX_MESSAGE)}`,
      ]),
    ]),
  ]
  if (total > letters.length) lines.push('', `The newest ${letters.length} of ${total}; --limit shows more.`)
  return `${lines.join('\n')}\n`
}
