// @ts-check
import { byId, el, fill, time } from './dom.js'
import { ago } from './format.js'

/** What holds Gold, and which version answers meanwhile. @param {any} status what /v1/status answers */
export const showGate = ({ gate, gold, now }) => {
  const { held } = gate
  byId('gate').hidden = held === null
  if (held === null) return
  const seconds = Math.max(0, (Date.parse(now) - Date.parse(held.since)) / 1000)
  const last = gold ? ` All figures of Gold are those of version ${gold.version}, the last good one.` : ' No Gold was published before it.'
  // Once a minute, as it is read out when it changes.
  fill(byId('gate-summary'), [held.since, last, Math.floor(seconds / 60)], () => [
    'A check failed ',
    time(held.since, ago(seconds)),
    ': new data stays out of Gold.',
    last,
  ])
  fill(byId('gate-checks'), held.checks, () =>
    held.checks.map((/** @type {any} */ { id, message, measured, threshold, sample_keys: keys }) =>
      el(
        'li',
        {},
        el('strong', {}, message),
        el(
          'span',
          { class: 'detail' },
          `${id}: measured ${measured ?? 'nothing'}; ${threshold}.${keys.length > 0 ? ` Such as ${keys.join(', ')}.` : ''}`,
        ),
      ),
    ),
  )
  fill(byId('gate-release'), held.run, () => [
    held.is_staged ? 'A build that passes publishes by itself; this one is published anyway by ' : 'These checks are waived by ',
    el('code', {}, `readflow gate release ${held.run} --why "…"`),
  ])
}
