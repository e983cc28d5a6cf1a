import { lineText } from '../../runtime/line-text.ts'
import { csvLines } from '../http/formats.ts'
import { plainCell } from '../sql/plain.ts'
import type { ResultColumn } from '../sql/protocol.ts'

/** Prints a result as it comes. */
export interface Printer {
  begin: (columns: readonly ResultColumn[]) => void
  rows: (rows: readonly unknown[][]) => void
  end: () => void
}

const MAX_CELL = 60
const write = (text: string) => void process.stdout.write(text)

const json = (value: unknown) => JSON.stringify(plainCell(value))

const cell = (value: unknown): string => {
  if (value === null) return ''
  const text = typeof value === 'object' && !(value instanceof Uint8Array) ? json(value) : String(plainCell(value))
  const shown = lineText(text)
  return shown.length > MAX_CELL ? `${shown.slice(0, MAX_CELL - 1)}…` : shown
}

const tablePrinter = (): Printer => {
  const lines: string[][] = []
  let isNumber: boolean[] = []
  return {
    begin: (columns) => {
      lines.push(columns.map(({ name }) => lineText(name)))
      isNumber = columns.map(({ type }) => /INT|DOUBLE|FLOAT|DECIMAL/.test(type) && !type.endsWith(']'))
    },
    rows: (rows) => {
      for (const row of rows) lines.push(row.map(cell))
    },
    end: () => {
      const widths = (lines[0] ?? []).map((_, index) => lines.reduce((width, line) => Math.max(width, line[index]!.length), 0))
      const print = (line: readonly string[]) =>
        write(
          `${line
            .map((text, index) => (isNumber[index] ? text.padStart(widths[index]!) : text.padEnd(widths[index]!)))
            .join('  ')
            .trimEnd()}\n`,
        )
      const [head = [], ...body] = lines
      print(head)
      print(widths.map((width) => '─'.repeat(width)))
      for (const line of body) print(line)
      write(`(${body.length} ${body.length === 1 ? 'row' : 'rows'})\n`)
    },
  }
}

const objectsPrinter = (isList: boolean): Printer => {
  let names: string[] = []
  let printed = 0
  return {
    begin: (columns) => {
      names = columns.map(({ name }) => name)
      if (isList) write('[')
    },
    rows: (rows) => {
      for (const row of rows) {
        const object = json(Object.fromEntries(names.map((name, index) => [name, row[index]])))
        write(isList ? `${printed++ === 0 ? '\n' : ',\n'}${object}` : `${object}\n`)
      }
    },
    end: () => isList && write('\n]\n'),
  }
}

const csvPrinter = (): Printer => ({
  begin: (columns) => write(csvLines([columns.map(({ name }) => name)])),
  rows: (rows) => write(csvLines(rows.map((row) => row.map(plainCell)))),
  end: () => undefined,
})

/** What prints a result in a form; null for a form that there is not. */
export const printerOf = (format: string): Printer | null =>
  format === 'table'
    ? tablePrinter()
    : format === 'csv'
      ? csvPrinter()
      : format === 'json' || format === 'ndjson'
        ? objectsPrinter(format === 'json')
        : null
