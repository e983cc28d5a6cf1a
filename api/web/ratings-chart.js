// @ts-check
import { byId, el, fill, head, say } from './dom.js'
import { average, count, month } from './format.js'

const palette = ['#4269d0', '#efb118', '#ff725c', '#6cc5b0', '#3ca951', '#ff8ab7', '#a463f2', '#9c6b4e', '#97bbf5', '#8a9a3b']
const restColor = '#9498a0'
const rest = 'rest'

/** @type {any} Chart.js puts itself there */
let chart = null
/** @type {Set<string>} */
const hidden = new Set()
/** @type {any} */
let last = null

/** Every month from the first to the last: one without ratings is a gap to see. @param {any[]} points */
const monthsOf = (points) => {
  if (points.length === 0) return []
  const first = monthNumber(points[0].month)
  return Array.from({ length: monthNumber(points[points.length - 1].month) - first + 1 }, (_, index) => monthText(first + index))
}

/** Months since year 0. @param {string} text such as 2026-11 */
const monthNumber = (text) => Number(text.slice(0, 4)) * 12 + Number(text.slice(5)) - 1

/** @param {number} number */
const monthText = (number) => `${String(Math.floor(number / 12)).padStart(4, '0')}-${String((number % 12) + 1).padStart(2, '0')}`

/** The genres with most ratings, each with a series; the others are summed up. @param {any[]} points @param {string[]} months */
const seriesOf = (points, months) => {
  const genres = [...Map.groupBy(points, ({ genre }) => genre)]
    .map(([genre, own]) => ({ genre, name: own[0].name, own, ratings: sum(own, 'ratings') }))
    .sort((a, b) => Number(a.genre === 'other') - Number(b.genre === 'other') || b.ratings - a.ratings)
  const leading = genres.slice(0, palette.length).filter(({ genre }) => genre !== 'other')
  const others = genres.slice(leading.length)
  const series = leading.map(({ genre, name, own }, index) => ({ genre, name, color: palette[index], own }))
  if (others.length > 0) series.push({ genre: rest, name: 'All others', color: restColor, own: others.flatMap(({ own }) => own) })
  return series.map(({ own, ...one }) => {
    const byMonth = Map.groupBy(own, (point) => point.month)
    const stars = own.reduce((total, point) => total + point.average * point.ratings, 0)
    const ratings = sum(own, 'ratings')
    return {
      ...one,
      ratings,
      average: ratings === 0 ? null : stars / ratings,
      values: months.map((text) => sum(byMonth.get(text) ?? [], 'ratings')),
    }
  })
}

/** @param {any[]} rows @param {string} field */
const sum = (rows, field) => rows.reduce((total, row) => total + row[field], 0)

/** @param {string} name */
const cssColor = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()

/** Shows what /v1/charts/ratings-by-genre answers; null where there is none yet. @param {any} answer */
export const showRatingsChart = (answer) => {
  last = answer
  const points = answer?.points ?? []
  const months = monthsOf(points)
  const series = seriesOf(points, months)
  const without = answer?.without_time ?? 0
  const left = without > 0 ? ` ${count(without)} ratings without a time are left out.` : ''
  const isEmpty = points.length === 0
  say(
    byId('genres-note'),
    answer === null
      ? 'Waiting for the first Gold: it is built from Silver.'
      : isEmpty
        ? `No rating with a time yet.${left}`
        : `Ratings per month, by the book's primary genre.${left}`,
  )
  byId('genres-box').hidden = isEmpty
  byId('genres-choice').hidden = isEmpty
  byId('genres-details').hidden = isEmpty
  fill(byId('genres-legend'), [series.map(({ genre, name }) => [genre, name]), [...hidden]], () => series.map(legendButton))
  fill(byId('genres-table'), series, () => [
    head([['Genre'], ['Ratings', 'num'], ['Average', 'num']]),
    el(
      'tbody',
      {},
      ...series.map(({ name, ratings, average: mean }) =>
        el(
          'tr',
          {},
          el('th', { scope: 'row' }, name),
          el('td', { class: 'num' }, count(ratings)),
          el('td', { class: 'num' }, average(mean)),
        ),
      ),
    ),
  ])
  if (!isEmpty) draw(months, series)
}

/** @param {any} series */
const legendButton = ({ genre, name, color }) => {
  const swatch = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
  swatch.setAttribute('width', '10')
  swatch.setAttribute('height', '10')
  swatch.setAttribute('aria-hidden', 'true')
  const square = document.createElementNS('http://www.w3.org/2000/svg', 'rect')
  for (const [key, value] of Object.entries({ width: '10', height: '10', rx: '2', fill: color })) square.setAttribute(key, value)
  swatch.append(square)
  const button = el('button', { type: 'button', 'aria-pressed': String(!hidden.has(genre)), 'data-key': genre }, swatch, name)
  button.addEventListener('click', () => {
    if (!hidden.delete(genre)) hidden.add(genre)
    showRatingsChart(last)
  })
  return button
}

/** @param {string[]} months @param {any[]} series */
const draw = (months, series) => {
  const Chart = /** @type {any} */ (globalThis).Chart
  if (!Chart) return
  const data = {
    labels: months.map(month),
    datasets: series.map(({ genre, name, color, values }) => ({
      label: name,
      data: values,
      backgroundColor: color,
      hidden: hidden.has(genre),
      stack: 'ratings',
    })),
  }
  const options = chartOptions()
  if (chart) {
    Object.assign(chart, { data, options })
    chart.update('none')
    return
  }
  chart = new Chart(byId('genres-chart'), { type: 'bar', data, options })
}

const chartOptions = () => {
  const ticks = { color: cssColor('--muted'), font: { size: 12 } }
  return {
    animation: false,
    responsive: true,
    maintainAspectRatio: false,
    interaction: { mode: 'index', intersect: false },
    datasets: { bar: { categoryPercentage: 0.92, barPercentage: 1 } },
    plugins: {
      legend: { display: false },
      tooltip: {
        itemSort: (/** @type {any} */ a, /** @type {any} */ b) => b.datasetIndex - a.datasetIndex,
        filter: (/** @type {any} */ item) => item.raw > 0,
      },
    },
    scales: {
      x: {
        stacked: true,
        grid: { display: false },
        border: { color: cssColor('--line') },
        ticks: { ...ticks, maxRotation: 0, autoSkipPadding: 18 },
      },
      y: {
        stacked: true,
        beginAtZero: true,
        grid: { color: cssColor('--grid') },
        border: { display: false },
        ticks: { ...ticks, precision: 0, maxTicksLimit: 6 },
      },
    },
  }
}

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => last && showRatingsChart(last))
