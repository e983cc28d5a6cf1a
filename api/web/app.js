// @ts-check
import { showContracts } from './contracts.js'
import { byId, say, time } from './dom.js'
import { showDrift } from './drift.js'
import { ago, timeOfDay } from './format.js'
import { showGate } from './gate.js'
import { showProfiles } from './profiles.js'
import { showQuality } from './quality.js'
import { showRatingsChart } from './ratings-chart.js'
import { showRuns } from './runs.js'
import { showCounts, showFlow, showSetup, showTables, showTopBooks, showWhere } from './sections.js'

const POLL_MS = 2000
const TIMEOUT_MS = 8000

/** Gold version that the charts show. @type {number | null} */
let chartedVersion = null
/** @type {number | null} */
let answeredAtMs = null
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer

/** @param {string} path */
const get = async (path) => {
  const response = await fetch(path, { signal: AbortSignal.timeout(TIMEOUT_MS) })
  if (response.ok) return response.json()
  const problem = await response.json().catch(() => null)
  throw new Error(problem?.detail ?? `${path} answers ${response.status}.`)
}

/** @param {any} status */
const show = (status) => {
  byId('generated').hidden = !status.up?.source.isGenerated
  showSetup(status)
  showGate(status)
  showCounts(status)
  showFlow(status)
  showRuns(status)
  showTables(status)
  showWhere(status)
  showLive(status)
}

/** @param {any} status */
const showLive = ({ gate, gold, now, up }) => {
  byId('live').dataset['state'] = 'live'
  const text = byId('live-text')
  if (gold) {
    const seconds = Math.max(0, (Date.parse(now) - Date.parse(gold.published_at)) / 1000)
    text.replaceChildren(`Gold version ${gold.version}, published `, time(gold.published_at, ago(seconds)))
  } else {
    text.textContent = up?.phase === 'setting-up' ? 'Connected, setting up' : 'Connected, no Gold yet'
  }
  // What the gate holds has a place of its own.
  const warned = up?.programs.find((/** @type {any} */ { name, warning }) => warning && !(gate.held && name === 'compact'))
  const failing = up?.programs.find((/** @type {any} */ { state }) => state === 'failed' || state === 'restarting')
  if (up?.phase === 'stopping') say(byId('notice'), 'ReadFlow is being stopped.')
  else if (failing) say(byId('notice'), `${failing.name} is ${failing.state}${failing.lastError ? `: ${failing.lastError}` : '.'}`)
  else say(byId('notice'), warned?.warning ?? '')
}

const showLost = () => {
  byId('live').dataset['state'] = 'lost'
  byId('live-text').textContent = 'Not connected'
  const since = answeredAtMs === null ? '' : ` The figures are from ${timeOfDay(answeredAtMs)}.`
  say(
    byId('notice'),
    `The server does not answer. Trying again every ${POLL_MS / 1000} s; if it was stopped, start it again with: npm start.${since}`,
  )
}

/** @param {any} status */
const showCharts = async (status) => {
  if (!status.gold) {
    showRatingsChart(null)
    showTopBooks(null)
    return
  }
  if (status.gold.version === chartedVersion) return
  const [ratings, top] = await Promise.all([get('/v1/charts/ratings-by-genre'), get('/v1/charts/top-books?limit=10')])
  showRatingsChart(ratings)
  showTopBooks(top)
  chartedVersion = Math.min(ratings.version, top.version)
}

const tick = async () => {
  clearTimeout(timer)
  const status = await get('/v1/status').catch(() => null)
  if (status) {
    answeredAtMs = Date.now()
    show(status)
    await showCharts(status).catch((error) => say(byId('notice'), `The charts could not be brought up to date: ${error.message}`))
    await Promise.all([showQuality(status, get), showProfiles(status, get), showContracts(status, get), showDrift(status, get)]).catch(
      (error) => say(byId('notice'), `Data quality could not be brought up to date: ${error.message}`),
    )
  } else {
    showLost()
  }
  // A page that nobody looks at asks nothing.
  if (!document.hidden) timer = setTimeout(tick, POLL_MS)
}

document.addEventListener('visibilitychange', () => {
  if (!document.hidden) tick()
})
tick()
