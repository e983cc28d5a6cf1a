import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { useSearchParams } from 'wouter-preact'
import { ask, type Json, useAnswer } from '../lib/answer.ts'
import { count, duration } from '../lib/format.ts'
import { useStatus } from '../lib/status.ts'
import { Panel, Table } from '../ui/ui.tsx'
import { Editor } from './editor.tsx'
import { ResultChart } from './result-chart.tsx'

const example = `SELECT max(ingestion_timestamp) AS last_update, count(*) AS records
FROM silver_books WHERE ingestion_date = CURRENT_DATE;`
const HISTORY = 'readflow.sql.history'
const KEPT = 30
const SHOWN_ROWS = 500

const readHistory = (): string[] => {
  try {
    const kept = JSON.parse(localStorage.getItem(HISTORY) ?? '[]')
    return Array.isArray(kept) ? kept.filter((each) => typeof each === 'string') : []
  } catch {
    // What is no list is none of ours.
    return []
  }
}

interface Result {
  data: Json | null
  error: Json | null
  isRunning: boolean
}

/** SQL over Bronze, Silver, Gold and what the programs did. */
export default function SqlPage() {
  const { data: status } = useStatus()
  const [search, setSearch] = useSearchParams()
  const [text, setText] = useState(search.get('q') ?? example)
  const [result, setResult] = useState<Result>({ data: null, error: null, isRunning: false })
  const [history, setHistory] = useState(readHistory)
  const running = useRef<AbortController | null>(null)
  const editor = useRef<{ set: (text: string) => void } | null>(null)
  const schema = useAnswer('/v1/sql/schema', { key: status?.tables?.length })
  const tables: Json[] = useMemo(() => schema.data?.tables ?? [], [schema.data])

  const run = async () => {
    running.current?.abort()
    const leaving = new AbortController()
    running.current = leaving
    setSearch({ q: text }, { replace: true })
    const next = [text, ...history.filter((each) => each !== text)].slice(0, KEPT)
    setHistory(next)
    localStorage.setItem(HISTORY, JSON.stringify(next))
    setResult({ data: null, error: null, isRunning: true })
    const init = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ sql: text }),
      signal: leaving.signal,
    }
    await ask('/v1/sql', init).then(
      (data) => setResult({ data, error: null, isRunning: false }),
      (error: Error) => !leaving.signal.aborted && setResult({ data: null, error: error.message, isRunning: false }),
    )
  }
  const stop = () => {
    running.current?.abort()
    setResult({ data: null, error: 'It was stopped.', isRunning: false })
  }
  // A link that somebody shared shows its result at once.
  useEffect(() => {
    if (search.get('q')) run()
    return () => running.current?.abort()
  }, [])

  return (
    <>
      <Panel
        id="sql"
        title="SQL"
        note="Read-only, over Bronze, Silver, Gold, runs, checks and dead letters. Ctrl-Enter runs it; the address of this page is a link to it."
      >
        <Editor initial={text} handle={editor} tables={tables} change={setText} run={run} />
        <p class="choice">
          <button id="run" type="button" onClick={run}>
            Run
          </button>
          {result.isRunning && (
            <button type="button" onClick={stop}>
              Stop
            </button>
          )}
          {history.length > 0 && (
            <>
              <label for="history">History</label>
              <select id="history" value="" onChange={(event) => editor.current?.set(event.currentTarget.value)}>
                <option value="">–</option>
                {history.map((each) => (
                  <option key={each} value={each}>
                    {each.replaceAll(/\s+/g, ' ').slice(0, 80)}
                  </option>
                ))}
              </select>
            </>
          )}
        </p>
      </Panel>
      <section class="panel" aria-labelledby="result-title" aria-live="polite">
        <h2 id="result-title">Result</h2>
        {result.isRunning && <p class="muted loading">Running…</p>}
        {result.error && <p class="state-error">{result.error}</p>}
        {!result.isRunning && !result.error && !result.data && <p class="muted">Nothing was asked yet.</p>}
        {result.data && <Rows data={result.data} />}
      </section>
      <Schema tables={tables} insert={(name) => editor.current?.set(`${text}${text.endsWith(' ') || text === '' ? '' : ' '}${name}`)} />
    </>
  )
}

const Rows = ({ data }: { data: Json }) => {
  const { columns, rows, row_count: rowCount, truncated, elapsed_ms: ms, version, tables } = data
  const shown: Json[] = rows.slice(0, SHOWN_ROWS)
  const of = Object.entries(tables).map(([name, number]) => `${name} ${number}`)
  return (
    <>
      <p id="result-note" class="muted">
        {count(rowCount)} {rowCount === 1 ? 'row' : 'rows'}
        {truncated ? ', and there are more' : ''} in {duration(Math.round(ms))}
        {version !== null && `; Gold version ${version}`}
        {of.length > 0 && `; of ${of.join(', ')}`}.
      </p>
      {rows.length > 0 && (
        <>
          <ResultChart columns={columns} rows={rows} />
          <Table
            id="result"
            label="Result"
            columns={columns.map(({ name, type }: Json) => ({ name, kind: isNumber(type) ? 'num' : undefined }))}
          >
            {shown.map((row, index) => (
              <tr key={index}>
                {columns.map(({ name, type }: Json) => (
                  <td key={name} class={isNumber(type) ? 'num' : 'value'}>
                    {cellText(row[name])}
                  </td>
                ))}
              </tr>
            ))}
          </Table>
          {rows.length > SHOWN_ROWS && (
            <p class="muted">
              The first {count(SHOWN_ROWS)} are shown; the CSV has all {count(rows.length)}.
            </p>
          )}
          <p>
            <button type="button" onClick={() => save(columns, rows)}>
              CSV
            </button>
          </p>
        </>
      )}
    </>
  )
}

export const isNumber = (type: string) => /^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DOUBLE|FLOAT|DECIMAL)/.test(type) && !type.endsWith(']')

const cellText = (value: Json): string =>
  value === null ? '–' : typeof value === 'object' ? JSON.stringify(value) : typeof value === 'number' ? count(value) : String(value)

const save = (columns: readonly Json[], rows: readonly Json[]) => {
  const field = (value: Json): string => {
    const text = value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value)
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
  }
  const lines = [columns.map(({ name }) => field(name)), ...rows.map((row) => columns.map(({ name }) => field(row[name])))]
  const url = URL.createObjectURL(new Blob([lines.map((line) => `${line.join(',')}\r\n`).join('')], { type: 'text/csv' }))
  const link = Object.assign(document.createElement('a'), { href: url, download: 'result.csv' })
  link.click()
  URL.revokeObjectURL(url)
}

const Schema = ({ tables, insert }: { tables: readonly Json[]; insert: (name: string) => void }) => (
  <Panel id="schema" title="Tables" note="What may be asked. A name goes into the query.">
    {tables.map(({ name, what, columns }) => (
      <details key={name}>
        <summary>
          <code>{name}</code> <span class="muted">{what}</span>
        </summary>
        <p class="columns">
          <button type="button" onClick={() => insert(name)}>
            {name}
          </button>
          {columns.map((column: Json) => (
            <button key={column.name} type="button" title={column.type} onClick={() => insert(column.name)}>
              {column.name}
            </button>
          ))}
        </p>
      </details>
    ))}
  </Panel>
)
