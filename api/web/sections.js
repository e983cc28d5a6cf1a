// @ts-check
import { byId, el, fill, head, say, time } from './dom.js'
import { ago, average, count, size } from './format.js'

/** @typedef {any} Status what /v1/status answers */

const entities = ['books', 'authors', 'reviews', 'ratings']
/** @param {string} word */
const capital = (word) => word.slice(0, 1).toUpperCase() + word.slice(1)
const marks = { done: '✓', running: '●', waiting: '○', failed: '✕' }

/** Progress of the set-up, while there is one. @param {Status} status */
export const showSetup = ({ up }) => {
  const isShown = up?.phase === 'setting-up' || up?.steps.some((/** @type {any} */ step) => step.state === 'failed')
  byId('setup').hidden = !isShown
  if (!isShown) return
  const done = up.steps.filter((/** @type {any} */ step) => step.state === 'done').length
  const running = up.steps.find((/** @type {any} */ step) => step.state === 'running')
  say(byId('setup-summary'), `${done} of ${up.steps.length} steps done${running ? `; now: ${running.name}` : ''}.`)
  fill(byId('setup-steps'), up.steps, () =>
    up.steps.map((/** @type {any} */ { name, state, detail, seconds }) =>
      el(
        'li',
        { 'data-state': state },
        el('span', { class: 'mark', 'aria-hidden': 'true' }, marks[/** @type {keyof typeof marks} */ (state)] ?? '○'),
        el('span', { class: 'name' }, name, el('span', { class: 'visually-hidden' }, ` (${state})`)),
        el('span', { class: 'detail' }, detail),
        el('span', { class: 'seconds' }, seconds === null ? '' : `${count(Math.round(seconds))} s`),
      ),
    ),
  )
}

/** @param {Status} status @param {string} table */
const rowsOf = (status, table) => status.tables.find((/** @type {any} */ entry) => entry.table === table)?.rows ?? null

/** @param {Status} status */
export const showCounts = (status) => {
  const cards = entities.map((entity) => ({
    entity,
    gold: status.gold?.counts[entity] ?? null,
    silver: rowsOf(status, `silver.${entity}`),
    bronze: rowsOf(status, `bronze.${entity}`),
  }))
  fill(byId('counts'), cards, () =>
    cards.map(({ entity, gold, silver, bronze }) =>
      el(
        'article',
        { class: 'card' },
        el('h3', {}, capital(entity)),
        el('p', { class: 'big' }, count(gold), el('span', { class: 'unit' }, ' in Gold')),
        el(
          'dl',
          {},
          el('dt', { title: 'every record, as it came' }, 'Bronze'),
          el('dd', {}, count(bronze)),
          el('dt', { title: 'valid, clean, without repeats: one row a change' }, 'Silver'),
          el('dd', {}, count(silver)),
        ),
      ),
    ),
  )
}

/** @param {Status} status */
export const showFlow = (status) => {
  const { kafka, lag, freshness, now } = status
  say(byId('flow-note'), flowNote(status))
  const rows = [...entities, 'raw'].map((entity) => ({
    entity,
    bronze: lagOf(lag, 'readflow.bronze', entity),
    silver: lagOf(lag, 'readflow.silver', entity),
    fresh: freshness.find((/** @type {any} */ entry) => entry.table === `silver.${entity}`) ?? null,
    complete: status.gold?.complete_through_by_entity[entity] ?? null,
  }))
  fill(byId('flow'), [rows, kafka.state], () => [
    head([['Topic'], ['Bronze lag', 'num'], ['Silver lag', 'num'], ['Newest in Silver', 'num wide'], ['Gold complete to', 'num']]),
    el(
      'tbody',
      {},
      ...rows.map(({ entity, bronze, silver, fresh, complete }) =>
        el(
          'tr',
          {},
          el('th', { scope: 'row' }, el('span', { class: 'wide' }, 'goodreads.'), entity),
          lagCell(bronze),
          lagCell(silver),
          freshCell(fresh),
          completeCell(complete, now),
        ),
      ),
    ),
  ])
  const programs = status.up?.programs ?? []
  const paused = (status.up?.stages ?? []).filter((/** @type {any} */ { state }) => state === 'paused' || state === 'pausing')
  fill(byId('programs'), [programs, paused], () => [
    ...programs.map((/** @type {any} */ { name, state, restarts, lastError }) =>
      el('li', { 'data-state': state, title: lastError }, `${name}: ${state}${restarts > 0 ? `, ${count(restarts)} restarts` : ''}`),
    ),
    ...paused.map((/** @type {any} */ { name, state }) =>
      el('li', { 'data-state': state, title: `readflow resume ${name} lets it run again` }, `stage ${name}: ${state}`),
    ),
  ])
}

/** @param {Status} status */
const flowNote = ({ kafka, lag, up }) => {
  if (kafka.state === 'not-configured')
    return up ? 'Kafka is being started; lag shows once it answers.' : 'No brokers are configured here, so lag is not known.'
  if (kafka.state === 'connecting') return 'Connecting to Kafka…'
  if (kafka.state === 'unavailable') return kafka.detail
  if (lag.length === 0) return 'Kafka answers. Lag shows once the topics are there.'
  return 'Lag is what a group has not committed yet, in records.'
}

/** @param {any[]} lag @param {string} group @param {string} entity */
const lagOf = (lag, group, entity) =>
  lag.find((entry) => entry.group === group && entry.topic === `goodreads.${entity}`)?.lag_records ?? null

/** @param {number | null} records */
const lagCell = (records) => el('td', { class: records ? 'num behind' : 'num' }, count(records))

/** @param {any} fresh */
const freshCell = (fresh) =>
  el('td', { class: 'num wide' }, fresh?.newest_ingestion_at ? time(fresh.newest_ingestion_at, ago(fresh.age_seconds)) : '–')

/** All that Kafka got before then is in Gold. @param {string | null} through @param {string} now */
const completeCell = (through, now) =>
  el('td', { class: 'num' }, through === null ? '–' : time(through, ago((Date.parse(now) - Date.parse(through)) / 1000)))

/** @param {Status} status */
export const showTables = ({ tables, now }) => {
  say(
    byId('tables-note'),
    tables.length === 0
      ? 'No table is there yet: the first one comes with the first commit.'
      : 'Delta Lake tables, as any reader of Delta sees them.',
  )
  byId('tables').hidden = tables.length === 0
  fill(byId('tables'), [tables, Math.round(Date.parse(now) / 10_000)], () => [
    head([['Table'], ['Rows', 'num'], ['Files', 'num wide'], ['Size', 'num wide'], ['Version', 'num wide'], ['Last commit', 'num']]),
    el(
      'tbody',
      {},
      ...tables.map((/** @type {any} */ { table, rows, files, bytes, version, last_commit_at: at }) =>
        el(
          'tr',
          {},
          el('th', { scope: 'row' }, table),
          el('td', { class: 'num' }, count(rows)),
          el('td', { class: 'num wide' }, count(files)),
          el('td', { class: 'num wide' }, size(bytes)),
          el('td', { class: 'num wide' }, count(version)),
          el('td', { class: 'num' }, at ? time(at, ago(Math.max(0, (Date.parse(now) - Date.parse(at)) / 1000))) : '–'),
        ),
      ),
    ),
  ])
}

/** @param {any} answer what /v1/charts/top-books answers, or null */
export const showTopBooks = (answer) => {
  const books = answer?.books ?? []
  say(
    byId('top-note'),
    answer === null
      ? 'Waiting for the first Gold: it is built from Silver.'
      : books.length === 0
        ? 'No book has a rating yet.'
        : 'By number of ratings in Gold.',
  )
  byId('top-books').hidden = books.length === 0
  fill(byId('top-books'), books, () => [
    head([['#', 'rank'], ['Book'], ['Genre', 'wide'], ['Ratings', 'num'], ['Average', 'num']]),
    el('tbody', {}, ...books.map(bookRow)),
  ])
}

/** @param {any} book @param {number} index */
const bookRow = (book, index) =>
  el(
    'tr',
    {},
    el('td', { class: 'rank' }, index + 1),
    el(
      'th',
      { scope: 'row', class: 'title' },
      el('a', { href: `/v1/books/${encodeURIComponent(book.book_id)}`, 'data-key': book.book_id }, book.title),
      el('span', { class: 'by' }, (book.author_names ?? []).slice(0, 3).join(', ')),
    ),
    el('td', { class: 'wide' }, book.primary_genre ? capital(book.primary_genre.replaceAll('-', ' ')) : '–'),
    el('td', { class: 'num' }, count(book.reader_ratings)),
    el('td', { class: 'num' }, `${average(book.reader_average)} ★`),
  )

/** @param {Status} status */
export const showWhere = ({ up }) => {
  byId('where').hidden = !up
  if (!up) return
  const places = [
    ['Source', up.source.uri],
    ['Kafka', up.links.brokers],
    ['Registry', up.links.registry],
    ['Lake', up.links.lake],
  ].filter(([, place]) => place)
  fill(byId('where-list'), places, () => places.flatMap(([name, place]) => [el('dt', {}, name), el('dd', {}, place)]))
}
