import Chart, { type ChartConfiguration } from 'chart.js/auto'
import type { ComponentChildren } from 'preact'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { Link } from 'wouter-preact'
import type { Answer } from '../lib/answer.ts'
import { count } from '../lib/format.ts'
import { Panel, State, Table } from './ui.tsx'

export const palette = ['#4269d0', '#efb118', '#ff725c', '#6cc5b0', '#3ca951', '#ff8ab7', '#a463f2', '#9c6b4e', '#97bbf5', '#8a9a3b']
export const restColor = '#9498a0'

const color = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()

/** Changes when the reader changes between light and dark. */
const useScheme = () => {
  const [isDark, setDark] = useState(() => matchMedia('(prefers-color-scheme: dark)').matches)
  useEffect(() => {
    const query = matchMedia('(prefers-color-scheme: dark)')
    const follow = () => setDark(query.matches)
    query.addEventListener('change', follow)
    return () => query.removeEventListener('change', follow)
  }, [])
  return isDark
}

export interface Series {
  name: string
  values: (number | null)[]
  color: string
}

export interface Drawing {
  type: 'bar' | 'line'
  labels: string[]
  series: Series[]
  isStacked?: boolean
  isHorizontal?: boolean
}

/** What a click on a chart is at: the place on the axis of categories, and the series where it hits one. */
export type Pick = (index: number, series: string | null) => void

const configOf = (
  { type, labels, series, isStacked = false, isHorizontal = false }: Drawing,
  pick: (() => Pick | undefined) | null,
): ChartConfiguration => {
  const ticks = { color: color('--muted'), font: { size: 12 } }
  // Half a book is no step of an axis.
  const isWhole = series.every(({ values: all }) => all.every((value) => value === null || Number.isInteger(value)))
  const categories = {
    stacked: isStacked,
    grid: { display: false },
    border: { color: color('--line') },
    ticks: { ...ticks, maxRotation: 0, autoSkipPadding: 18, autoSkip: !isHorizontal },
  }
  const values = {
    stacked: isStacked,
    beginAtZero: true,
    grid: { color: color('--grid') },
    border: { display: false },
    ticks: { ...ticks, maxTicksLimit: 6, ...(isWhole ? { precision: 0 } : {}) },
  }
  return {
    type,
    data: {
      labels,
      datasets: series.map(({ name, values: data, color: fill }) => ({
        label: name,
        data,
        backgroundColor: fill,
        borderColor: fill,
        borderWidth: type === 'line' ? 2 : 0,
        maxBarThickness: 120,
        pointRadius: labels.length > 40 ? 0 : 2,
        tension: 0.2,
      })),
    },
    options: {
      animation: false,
      responsive: true,
      maintainAspectRatio: false,
      indexAxis: isHorizontal ? 'y' : 'x',
      interaction: { mode: 'index', intersect: false, axis: isHorizontal ? 'y' : 'x' },
      ...(pick && {
        onClick: (event, atIndex, chart) => {
          const [hit] = chart.getElementsAtEventForMode(event.native!, 'point', { intersect: true }, false)
          const at = hit ?? atIndex[0]
          if (at) pick()?.(at.index, hit ? (chart.data.datasets[hit.datasetIndex]?.label ?? null) : null)
        },
        onHover: (event, atIndex) => {
          ;(event.native?.target as HTMLElement | undefined)?.style.setProperty('cursor', atIndex.length > 0 ? 'pointer' : 'default')
        },
      }),
      plugins: { legend: { display: false }, tooltip: { filter: (item) => item.raw !== null && item.raw !== 0 } },
      scales: isHorizontal ? { x: values, y: categories } : { x: categories, y: values },
    },
  } as ChartConfiguration
}

/** A picture of figures that stand beside it as a table. */
export const Canvas = ({ drawing, label, pick }: { drawing: Drawing; label: string; pick?: Pick | undefined }) => {
  const picking = useRef(pick)
  picking.current = pick
  const canvas = useRef<HTMLCanvasElement>(null)
  const chart = useRef<Chart | null>(null)
  const isDark = useScheme()
  useEffect(() => {
    const config = configOf(drawing, pick ? () => picking.current : null)
    if (chart.current && (chart.current.config as ChartConfiguration).type === config.type) {
      Object.assign(chart.current, { data: config.data, options: config.options })
      chart.current.update('none')
    } else {
      chart.current?.destroy()
      chart.current = new Chart(canvas.current!, config)
    }
  }, [drawing, isDark])
  useEffect(() => () => chart.current?.destroy(), [])
  return (
    <div class="chart">
      <canvas ref={canvas} role="img" aria-label={`${label}. The same figures are in the table below.`} />
    </div>
  )
}

/** Which series a chart shows: pressed ones do. */
const Legend = ({ series, hidden, toggle }: { series: readonly Series[]; hidden: ReadonlySet<string>; toggle: (name: string) => void }) => (
  <fieldset>
    <legend class="visually-hidden">Shown in the chart</legend>
    <div class="legend">
      {series.map(({ name, color: fill }) => (
        <button key={name} type="button" aria-pressed={!hidden.has(name)} onClick={() => toggle(name)}>
          <svg width="10" height="10" aria-hidden="true">
            <rect width="10" height="10" rx="2" fill={fill} />
          </svg>
          {name}
        </button>
      ))}
    </div>
  </fieldset>
)

/**
 * A chart of one answer of the API: the picture, the same as a table, the SQL that gives it, its rows as CSV, and the version it
 * is of.
 */
export const ChartPanel = ({
  id,
  title,
  note,
  answer,
  path,
  drawing,
  columns,
  rows,
  more,
  empty,
  pick,
}: {
  id: string
  title: string
  note: ComponentChildren
  answer: Answer
  path: string
  drawing: Drawing | null
  columns: readonly { name: string; kind?: string }[]
  rows: ComponentChildren
  /** A further table, where one alone does not have all figures of the picture. */
  more?: ComponentChildren
  empty: string
  /** What a click on the picture does; the table must offer the same. */
  pick?: Pick
}) => {
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set())
  const toggle = (name: string) =>
    setHidden((before) => new Set(before.has(name) ? [...before].filter((each) => each !== name) : [...before, name]))
  const isEmpty = answer.data !== null && drawing === null
  // The same as long as nothing changes: a picture is drawn anew for another.
  const shown = useMemo(() => drawing && { ...drawing, series: drawing.series.filter(({ name }) => !hidden.has(name)) }, [drawing, hidden])
  return (
    <Panel id={id} title={title} note={note} isBusy={answer.isOther}>
      <State answer={answer} empty={isEmpty && empty} />
      {drawing && shown && (
        <>
          {drawing.series.length > 1 && <Legend series={drawing.series} hidden={hidden} toggle={toggle} />}
          <Canvas drawing={shown} label={title} pick={pick} />
          <details>
            <summary>The same as a table</summary>
            <Table label={title} columns={columns}>
              {rows}
            </Table>
            {more}
          </details>
        </>
      )}
      <Sources id={id} answer={answer} path={path} />
    </Panel>
  )
}

/** Where figures come from: the SQL that gives them, the same as CSV, and the version that they are of. */
export const Sources = ({ id, answer, path }: { id: string; answer: Answer; path: string }) =>
  answer.data?.sql ? (
    <div class="sources">
      <details class="sql">
        <summary>SQL</summary>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
        <pre tabIndex={0}>{answer.data.sql}</pre>
        <Link href={`/sql?${new URLSearchParams({ q: answer.data.sql })}`}>Open it in the editor</Link>
      </details>
      <a href={`${path}${path.includes('?') ? '&' : '?'}version=${answer.data.version}&format=csv`} download={`${id}.csv`}>
        CSV
      </a>
      <span class="muted">Gold version {count(answer.data.version)}</span>
    </div>
  ) : null
