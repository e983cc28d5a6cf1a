import { useMemo, useState } from 'preact/hooks'
import type { Json } from '../lib/answer.ts'
import { count } from '../lib/format.ts'
import { Canvas, type Drawing, palette } from '../ui/chart.tsx'
import { isNumber } from './page.tsx'

const MAX_POINTS = 1000

const labelText = (value: Json): string => (value === null ? '–' : typeof value === 'object' ? JSON.stringify(value) : String(value))

/** The result as a picture, where it has a column of numbers and one to tell them apart. */
export const ResultChart = ({ columns, rows }: { columns: readonly Json[]; rows: readonly Json[] }) => {
  const [type, setType] = useState<'' | 'bar' | 'line'>('')
  const numbers = columns.filter((column) => isNumber(column.type))
  const label = columns.find((column) => !isNumber(column.type)) ?? columns[0]
  const values = numbers.filter((column) => column !== label).slice(0, palette.length)
  const drawing = useMemo<Drawing | null>(
    () =>
      type === ''
        ? null
        : {
            type,
            labels: rows.slice(0, MAX_POINTS).map((row) => labelText(row[label.name])),
            series: values.map(({ name }, index) => ({
              name,
              values: rows.slice(0, MAX_POINTS).map((row) => (row[name] === null ? null : Number(row[name]))),
              color: palette[index]!,
            })),
          },
    [type, rows],
  )
  if (values.length === 0 || rows.length < 2) return null
  return (
    <>
      <p class="choice">
        <label for="chart-type">Chart</label>
        <select id="chart-type" value={type} onChange={(event) => setType(event.currentTarget.value as typeof type)}>
          <option value="">none</option>
          <option value="bar">bars</option>
          <option value="line">lines</option>
        </select>
      </p>
      {drawing && rows.length > MAX_POINTS && <p class="muted">The first {count(MAX_POINTS)} rows are drawn.</p>}
      {drawing && <Canvas drawing={drawing} label={`${values.map(({ name }) => name).join(', ')} by ${label.name}`} />}
    </>
  )
}
