// @ts-check
import { byId, el, fill, head, say, time } from './dom.js'
import { ago, count, duration } from './format.js'

const tones = /** @type {Record<string, string>} */ ({ failed: 'bad', held: 'behind', aborted: 'behind' })

/** The last run of each kind: how it ended, and why where that was not well. @param {any} status what /v1/status answers */
export const showRuns = ({ runs = [], now }) => {
  say(
    byId('runs-note'),
    runs.length === 0
      ? 'Nothing has run yet: the first poll comes with the first answer of the source.'
      : 'The last of each kind. Every run is in the table ops.runs and on the topic readflow.runs.',
  )
  byId('runs').hidden = runs.length === 0
  fill(byId('runs'), [runs, Math.round(Date.parse(now) / 10_000)], () => [
    head([['Run'], ['State'], ['Took', 'num'], ['Attempt', 'num wide'], ['Did', 'wide'], ['Began', 'num']]),
    el('tbody', {}, ...runs.map((/** @type {any} */ run) => runRow(run, now))),
  ])
}

/** @param {any} run @param {string} now */
const runRow = ({ run_id: id, kind, state, duration_ms: ms, attempt, error, counts, started_at: at }, now) =>
  el(
    'tr',
    {},
    el('th', { scope: 'row' }, el('a', { href: `/v1/runs/${encodeURIComponent(id)}`, 'data-key': id }, kind)),
    el(
      'td',
      { class: tones[state] ?? null },
      state === 'started' ? 'running' : state,
      ...(error === null ? [] : [el('span', { class: 'by' }, error)]),
    ),
    el('td', { class: 'num' }, ms === null ? '–' : duration(ms)),
    el('td', { class: 'num wide' }, count(attempt)),
    el('td', { class: 'wide muted' }, summary(counts)),
    el('td', { class: 'num' }, time(at, ago(Math.max(0, (Date.parse(now) - Date.parse(at)) / 1000)))),
  )

/** @param {Record<string, number>} counts */
const summary = (counts) =>
  Object.entries(counts)
    .filter(([, value]) => value !== 0)
    .slice(0, 4)
    .map(([name, value]) => `${name.replaceAll('_', ' ')} ${count(value)}`)
    .join(', ')
