// @ts-check
import { byId, el, fill, head, say } from './dom.js'
import { count } from './format.js'

/** The versions of Silver that the figures are from. */
let shown = ''

/**
 * What the contracts found: dead letters and flags of each entity, and which rules were broken, the most often broken first.
 * Asks only where Silver has changed.
 * @param {any} status what /v1/status answers
 * @param {(path: string) => Promise<any>} get
 */
export const showContracts = async ({ tables }, get) => {
  const silver = tables.filter((/** @type {any} */ { table }) => table.startsWith('silver.'))
  const versions = JSON.stringify(silver.map((/** @type {any} */ { table, version }) => [table, version]))
  if (versions === shown) return
  const { contracts } = await get('/v1/contracts')
  shown = versions
  const broken = contracts
    .flatMap((/** @type {any} */ { entity, violations }) => violations.map((/** @type {any} */ each) => ({ entity, ...each })))
    .sort((/** @type {any} */ a, /** @type {any} */ b) => b.count - a.count)
  say(
    byId('contracts-note'),
    broken.length === 0
      ? 'No record broke a rule so far. A record that does becomes a dead letter, or a row of Silver with a flag.'
      : 'A dead letter is a record that became no row: it waits on its topic, with the reason. A flag marks a row that was kept.',
  )
  fill(byId('contracts'), contracts, () => [
    head([['Entity'], ['Rules', 'num'], ['Dead letters', 'num'], ['Flags', 'num']]),
    el('tbody', {}, ...contracts.map(entityRow)),
  ])
  byId('broken-details').hidden = broken.length === 0
  say(byId('broken-more'), broken.length === 1 ? 'Which rule was broken' : `Which ${count(broken.length)} rules were broken`)
  fill(byId('broken'), broken, () => [
    head([['Rule'], ['Entity', 'wide'], ['Becomes', 'wide'], ['Times', 'num']]),
    el('tbody', {}, ...broken.map(ruleRow)),
  ])
}

/** @param {any} contract */
const entityRow = ({ entity, rules, dead_letters: dead, flags }) =>
  el(
    'tr',
    {},
    el('th', { scope: 'row' }, el('a', { href: `/v1/contracts/${entity}`, 'data-key': entity }, entity)),
    el('td', { class: 'num' }, count(rules)),
    el('td', { class: dead > 0 ? 'num behind' : 'num' }, count(dead)),
    el('td', { class: 'num' }, count(flags)),
  )

/** @param {any} violation */
const ruleRow = ({ entity, rule, severity, count: times, because }) => {
  const becomes = severity === 'reject' ? 'dead letter' : 'flagged row'
  return el(
    'tr',
    {},
    el(
      'th',
      { scope: 'row', class: 'title' },
      rule,
      el('span', { class: 'by' }, because ?? 'The contract has no such rule any more.'),
      el('span', { class: 'by narrow' }, `${entity}: ${becomes}`),
    ),
    el('td', { class: 'wide' }, entity),
    el('td', { class: severity === 'reject' ? 'wide behind' : 'wide muted' }, becomes),
    el('td', { class: 'num' }, count(times)),
  )
}
