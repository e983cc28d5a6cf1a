// @ts-check
import { byId, el, fill, head, say, svg, time } from './dom.js'
import { ago, count, figure } from './format.js'

/** What /v1/checks answered last. @type {any} */
let answer = null
const tones = /** @type {Record<string, string>} */ ({ fail: 'bad', warn: 'behind' })

/**
 * What the checks of the newest build found: what fails or warns first. Asks only where there is an evaluation that is not shown.
 * @param {any} status what /v1/status answers
 * @param {(path: string) => Promise<any>} get
 */
export const showQuality = async ({ checks: summary, now }, get) => {
  byId('quality-details').hidden = summary === null
  if (summary === null) {
    say(byId('quality-note'), 'Nothing is checked yet: checks come with the first build of Gold.')
    return
  }
  const seconds = Math.max(0, (Date.parse(now) - Date.parse(summary.evaluated_at)) / 1000)
  fill(byId('quality-note'), [summary, Math.round(seconds / 10)], () => [
    `${count(summary.checks)} checks, ${count(summary.warn)} warn, ${count(summary.fail)} fail: evaluated `,
    time(summary.evaluated_at, ago(seconds)),
    ' of build ',
    el('a', { href: `/v1/runs/${encodeURIComponent(summary.run_id)}`, 'data-key': 'run' }, summary.run_id.slice(0, 8)),
    summary.is_held ? ', which is held.' : '.',
  ])
  if (answer?.summary?.evaluated_at !== summary.evaluated_at) answer = await get('/v1/checks')
  const odd = answer.checks.filter((/** @type {any} */ { verdict }) => verdict !== 'pass')
  const passing = answer.checks.filter((/** @type {any} */ { verdict }) => verdict === 'pass')
  showChecks(byId('quality-odd'), odd)
  showChecks(byId('quality-passing'), passing)
  say(byId('quality-more'), passing.length === 1 ? '1 check passes' : `${count(passing.length)} checks pass`)
}

/** @param {HTMLElement} table @param {any[]} checks */
const showChecks = (table, checks) => {
  table.hidden = checks.length === 0
  fill(table, checks, () => [head([['Check'], ['Threshold', 'wide'], ['Measured', 'num']]), el('tbody', {}, ...checks.map(checkRow))])
}

/** @param {any} check */
const checkRow = ({ id, verdict, message, measured, threshold, sample_keys: keys, history }) =>
  el(
    'tr',
    {},
    el(
      'th',
      { scope: 'row', class: 'title' },
      ...(verdict === 'pass' ? [] : [el('strong', { class: tones[verdict] ?? null }, verdict), ' ']),
      el('a', { href: `/v1/checks/${encodeURIComponent(id)}`, 'data-key': id }, id),
      el('span', { class: 'by' }, `${message}${suchAs(keys)}`),
      el('span', { class: 'by narrow' }, `Threshold: ${threshold}`),
    ),
    el('td', { class: 'wide muted threshold' }, threshold),
    el('td', { class: `num ${tones[verdict] ?? ''}` }, figure(measured), lately(history)),
  )

/** @param {string[]} keys */
const suchAs = (keys) => (keys.length === 0 ? '' : ` Such as ${keys.slice(0, MAX_KEYS).join(', ')}${keys.length > MAX_KEYS ? ', …' : '.'}`)

const MAX_KEYS = 5
const [WIDTH, HEIGHT, EDGE] = [96, 24, 4]

/** The last evaluations, oldest first: a line of what was measured, and a mark where one did not pass. @param {any[]} history */
const lately = (history) => {
  const past = history.toReversed()
  const values = past.map(({ measured }) => measured).filter((value) => value !== null)
  const [least, most] = [Math.min(...values), Math.max(...values)]
  const step = past.length > 1 ? (WIDTH - 2 * EDGE) / (past.length - 1) : 0
  const points = past.map(({ measured, verdict, is_held: isHeld }, index) => ({
    ...{ verdict, isHeld, x: EDGE + index * step },
    y: HEIGHT - EDGE - (most > least && measured !== null ? ((measured - least) / (most - least)) * (HEIGHT - 2 * EDGE) : 0),
  }))
  const told = ['pass', 'warn', 'fail']
    .map((verdict) => [past.filter((each) => each.verdict === verdict).length, verdict])
    .filter(([times]) => times !== 0)
    .map(([times, verdict]) => `${times} ${verdict}`)
    .join(', ')
  const range = values.length === 0 ? '' : `; measured ${least === most ? figure(least) : `${figure(least)} to ${figure(most)}`}`
  const label = `Last ${past.length === 1 ? 'evaluation' : `${past.length} evaluations`}: ${told}${range}`
  return svg(
    'svg',
    { class: 'spark', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, role: 'img', 'aria-label': label },
    svg('title', {}, label),
    svg('polyline', { points: points.map(({ x, y }) => `${x},${y}`).join(' ') }),
    ...points.flatMap(({ verdict, isHeld, x, y }, index) =>
      verdict === 'pass' && index < points.length - 1
        ? []
        : // A failure is a square, so that colour is not all that tells it.
          verdict === 'fail'
          ? [svg('rect', { class: isHeld ? 'fail held' : 'fail', x: x - 3, y: y - 3, width: 6, height: 6 })]
          : [svg('circle', { class: isHeld ? `${verdict} held` : verdict, cx: x, cy: y, r: 3 })],
    ),
  )
}
