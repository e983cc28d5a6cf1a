import { parse } from 'csv-parse/sync'
import type { Line } from './lines.ts'

/** A row of a CSV file, or a line of it that is none: `cells` is null. `line` is where it begins, from 1. */
export interface CsvRow {
  line: number
  cells: string[] | null
}

/** What a quote that never closes may swallow before its row counts as broken. */
const MAX_ROW_LINES = 2000
const MAX_ROW_CHARS = 1024 * 1024

const looksLikeRow = /^"?\d+"?[,;\t]/
const quotesIn = (text: string): number => text.split('"').length - 1

const cellsOf = (text: string, delimiter: string, isLenient: boolean): string[] | null => {
  try {
    const rows: string[][] = parse(text, { delimiter, relax_quotes: isLenient, relax_column_count: true, max_record_size: 0 })
    return rows.length === 1 ? rows[0]! : null
  } catch {
    return null
  }
}

/** Commas; a spreadsheet of another country saves semicolons, or tabs. */
const delimiterOf = (header: string): string =>
  [',', ';', '\t'].reduce((best, each) => (header.split(each).length > header.split(best).length ? each : best), ',')

/**
 * The cells of some lines that may be one row; null where they are not. Exports before 2016 write ISBNs as ="0374519994",
 * which strict CSV forbids: a stray quote is taken as it is where that gives as many cells as the header has.
 */
const readRow = (lines: readonly Line[], delimiter: string, width: number): string[] | null => {
  const text = lines.map((line) => line.text).join('\n')
  const strict = cellsOf(text, delimiter, false)
  if (strict !== null && (strict.length === width || lines.length === 1)) return strict
  // What a broken quote swallowed may look like cells: lines that are rows themselves are not given away for that.
  if (lines.slice(1).some((line) => looksLikeRow.test(line.text))) return null
  if (strict !== null) return strict
  const lenient = cellsOf(text, delimiter, true)
  return lenient?.length === width ? lenient : null
}

/**
 * The rows of a CSV file from its lines, the header first. A quote that is broken costs its own line, which comes
 * without cells, and never the rows after it. Empty lines are no rows.
 */
export async function* csvRows(lines: AsyncIterable<Line>): AsyncGenerator<CsvRow> {
  let delimiter: string | null = null
  let width: number | null = null
  let pending: (Line & { quotes: number })[] = []

  /** Takes rows out of the lines so far; at the end, all of them. */
  function* take(isEnd: boolean): Generator<CsvRow> {
    while (pending.length > 0) {
      if (pending[0]!.text.trim() === '') {
        pending.shift()
        continue
      }
      // The shortest run of lines in which every quote that opens is closed.
      let open = 0
      let chars = 0
      const size = pending.findIndex(({ text, quotes }) => {
        chars += text.length
        open += quotes
        return open % 2 === 0
      })
      const isLost = isEnd || pending.length >= MAX_ROW_LINES || chars > MAX_ROW_CHARS
      if (size < 0 && !isLost) return
      const run = size < 0 ? [] : pending.slice(0, size + 1)
      const line = pending[0]!.number
      if (width === null) {
        // A spreadsheet's note to itself.
        const noted = /^"?sep=(.)"?$/i.exec(pending[0]!.text.trim())?.[1]
        if (noted !== undefined && delimiter === null) {
          delimiter = noted
          pending.shift()
          continue
        }
        delimiter ??= delimiterOf(pending[0]!.text)
        const cells = readRow(run.length === 0 ? pending.slice(0, 1) : run, delimiter, 0)
        width = cells?.length ?? 0
        pending = pending.slice(Math.max(1, run.length))
        yield { line, cells }
        continue
      }
      const cells = run.length > 0 ? readRow(run, delimiter!, width) : null
      const taken = cells === null ? 1 : run.length
      yield { line, cells: cells ?? (run.length === 1 ? null : readRow(pending.slice(0, 1), delimiter!, width)) }
      pending = pending.slice(taken)
    }
  }

  for await (const line of lines) {
    pending.push({ ...line, quotes: quotesIn(line.text) })
    yield* take(false)
  }
  yield* take(true)
}
