// @ts-check
import { byId, el, fill, head, say, time } from './dom.js'
import { ago, count } from './format.js'

const SHOWN = 20
/** The version of ops.drift that is shown. @type {number | undefined} */
let shown
/** @type {any} */
let answer = { total: 0, drift: [] }

/**
 * Fields that appeared, vanished or changed their type. Asks only where something new is on record.
 * @param {any} status what /v1/status answers
 * @param {(path: string) => Promise<any>} get
 */
export const showDrift = async ({ tables, now }, get) => {
  const version = tables.find((/** @type {any} */ { table }) => table === 'ops.drift')?.version
  if (version !== shown) answer = await get(`/v1/drift?limit=${SHOWN}`)
  shown = version
  const { total, drift } = answer
  say(
    byId('drift-note'),
    total === 0
      ? 'No field appeared, vanished or changed its type so far.'
      : `${count(total)} ${total === 1 ? 'finding' : 'findings'}, each told once${total > drift.length ? `; the newest ${count(drift.length)} of them` : ''}.`,
  )
  byId('drift').hidden = total === 0
  fill(byId('drift'), [drift, Math.round(Date.parse(now) / 60_000)], () => [
    head([['Field'], ['Change'], ['Value', 'wide'], ['Found', 'num']]),
    el('tbody', {}, ...drift.map((/** @type {any} */ each) => driftRow(each, now))),
  ])
}

/** @param {any} drift @param {string} now */
const driftRow = (drift, now) =>
  el(
    'tr',
    {},
    el('th', { scope: 'row', class: 'title' }, `${drift.entity}.${drift.field}`, el('span', { class: 'by' }, whereOf(drift))),
    el(
      'td',
      { class: drift.policy === 'evolve' ? null : 'behind' },
      changeOf(drift),
      el('span', { class: 'by' }, outcomeOf(drift)),
      ...(drift.sample === null ? [] : [el('span', { class: 'by narrow' }, `such as ${drift.sample}`)]),
    ),
    el('td', { class: 'wide value' }, drift.sample ?? '–'),
    el('td', { class: 'num' }, time(drift.found_at, ago(Math.max(0, (Date.parse(now) - Date.parse(drift.found_at)) / 1000)))),
  )

/** @param {any} drift */
const whereOf = ({ place, source, topic, partition, offset, schema_id: schemaId }) =>
  place === 'source' ? `from ${source}` : `schema ${schemaId}, ${topic} partition ${partition} offset ${offset}`

/** @param {any} drift */
const changeOf = ({ kind, before, after }) =>
  kind === 'appeared' ? `new: ${after}` : kind === 'vanished' ? `vanished: was ${before}` : `${before} → ${after}`

/** @param {any} drift */
const outcomeOf = ({ kind, policy }) => {
  if (kind === 'vanished') return 'empty from then on'
  return { evolve: 'taken in', freeze: 'such records are dead letters', discard: 'left out' }[/** @type {'evolve'} */ (policy)] ?? policy
}
