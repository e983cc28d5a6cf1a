// @ts-check
import { byId, el, fill, head, say, svg, time } from './dom.js'
import { ago, count, percent } from './format.js'

/** The evaluation that is shown, and of which table. */
let shown = ''
let isListening = false

/**
 * What is in each column of the table that is chosen. Asks nothing while it is closed.
 * @param {any} status what /v1/status answers
 * @param {(path: string) => Promise<any>} get
 */
export const showProfiles = async (status, get) => {
  const details = /** @type {HTMLDetailsElement} */ (byId('profiles'))
  const choice = /** @type {HTMLSelectElement} */ (byId('profiles-choice'))
  details.hidden = !status.tables.some((/** @type {any} */ { table }) => table === 'ops.profiles')
  if (!isListening) {
    isListening = true
    // What goes wrong then is told at the next look, which tries again.
    const again = () => void show(get).catch(() => undefined)
    details.addEventListener('toggle', again)
    choice.addEventListener('change', again)
  }
  // A profile is made with an evaluation, and at most as often.
  if (!details.hidden && details.open && status.checks && !shown.startsWith(`${status.checks.evaluated_at} ${choice.value}`)) {
    await show(get)
    shown = `${status.checks.evaluated_at} ${choice.value}`
  }
}

/** @param {(path: string) => Promise<any>} get */
const show = async (get) => {
  if (!(/** @type {HTMLDetailsElement} */ (byId('profiles')).open)) return
  const choice = /** @type {HTMLSelectElement} */ (byId('profiles-choice'))
  const { profiles } = await get('/v1/profiles')
  const tables = profiles.map((/** @type {any} */ { table }) => table)
  const before = choice.value
  fill(choice, tables, () => tables.map((/** @type {string} */ table) => el('option', { value: table }, table)))
  if (tables.length === 0) return
  const wanted = tables.includes(before) ? before : tables.includes('gold.dim_book') ? 'gold.dim_book' : tables[0]
  choice.value = wanted
  const { profile } = await get(`/v1/profiles/${encodeURIComponent(wanted)}`)
  const seconds = Math.max(0, (Date.now() - Date.parse(profile.profiled_at)) / 1000)
  say(byId('profiles-note'), '')
  fill(byId('profiles-note'), profile.profiled_at, () => [
    `${count(profile.rows)} rows in ${count(profile.columns.length)} columns, profiled `,
    time(profile.profiled_at, ago(seconds)),
    '.',
  ])
  byId('profiles-note').hidden = false
  fill(byId('profile'), profile, () => [
    head([['Column'], ['Null', 'num'], ['Distinct', 'num'], ['Least', 'wide'], ['Greatest', 'wide']]),
    el('tbody', {}, ...profile.columns.map(columnRow)),
  ])
}

/** @param {any} column */
const columnRow = ({ column, type, null_share: share, min, max, ...distinct }) =>
  el(
    'tr',
    {},
    el(
      'th',
      { scope: 'row', class: 'title' },
      column,
      el('span', { class: 'by' }, type),
      ...(min === null && max === null ? [] : [el('span', { class: 'by narrow' }, `${min ?? '–'} … ${max ?? '–'}`)]),
    ),
    el('td', { class: 'num' }, percent(share), share === null ? '' : bar(share)),
    el('td', { class: 'num' }, distinctText(distinct)),
    el('td', { class: 'wide value' }, min ?? '–'),
    el('td', { class: 'wide value' }, max ?? '–'),
  )

/** @param {any} column */
const distinctText = ({ rows, distinct_values: values, distinct_of_rows: of, is_distinct_exact: isExact }) => {
  if (values === null) return '–'
  const text = `${isExact ? '' : '≈ '}${count(values)}`
  // Of a table that was built in part.
  return of === null || of >= rows
    ? text
    : el('span', { title: `of the ${count(of)} rows that the last build derived` }, `${text} of ${count(of)}`)
}

/** @param {number} share */
const bar = (share) =>
  svg(
    'svg',
    { class: 'share', viewBox: '0 0 100 4', width: 56, height: 4, preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    svg('rect', { class: 'of', width: 100, height: 4 }),
    svg('rect', { width: share === 0 ? 0 : Math.max(2, share * 100), height: 4 }),
  )
