import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { useSearchParams } from '../lib/address.ts'
import { type Answer, ask, type Json, useAnswer, withQuery } from '../lib/answer.ts'
import { count, duration, exact } from '../lib/format.ts'
import { useStatus } from '../lib/status.ts'
import { Panel, State, Table } from '../ui/ui.tsx'
import { Editor, type EditorHandle } from './editor.tsx'
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

const keepHistory = (history: readonly string[]) => {
  try {
    localStorage.setItem(HISTORY, JSON.stringify(history))
  } catch {
    // A browser that keeps nothing, or has no room left, still runs the query.
  }
}

interface Result {
  /** What was asked: the text may have been changed since. */
  sql: string
  data: Json | null
  error: Json | null
  isRunning: boolean
}

/** SQL over Bronze, Silver, Gold and what the programs did. */
export default function SqlPage() {
  const { data: status } = useStatus()
  const [search, setSearch] = useSearchParams()
  const [text, setText] = useState(search.get('q') ?? example)
  const [result, setResult] = useState<Result>({ sql: '', data: null, error: null, isRunning: false })
  const [history, setHistory] = useState(readHistory)
  const running = useRef<AbortController | null>(null)
  const editor = useRef<EditorHandle | null>(null)
  const schema = useAnswer('/v1/sql/schema', { key: status?.tables?.length })
  const tables: Json[] = useMemo(() => schema.data?.tables ?? [], [schema.data])

  const run = async () => {
    running.current?.abort()
    const leaving = new AbortController()
    running.current = leaving
    setSearch({ q: text }, { replace: true })
    const next = [text, ...history.filter((each) => each !== text)].slice(0, KEPT)
    setHistory(next)
    keepHistory(next)
    setResult({ sql: text, data: null, error: null, isRunning: true })
    const init = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ sql: text }),
      signal: leaving.signal,
    }
    await ask('/v1/sql', init).then(
      (data) => setResult({ sql: text, data, error: null, isRunning: false }),
      (error: Error) => !leaving.signal.aborted && setResult({ sql: text, data: null, error: error.message, isRunning: false }),
    )
  }
  const stop = () => {
    running.current?.abort()
    setResult({ sql: text, data: null, error: 'It was stopped.', isRunning: false })
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
      <section class="panel" aria-labelledby="result-title" aria-busy={result.isRunning}>
        <h2 id="result-title">Result</h2>
        <div aria-live="polite">
          {result.isRunning && <p class="muted loading">Running…</p>}
          {result.error && <p class="state-error">{result.error}</p>}
          {!result.isRunning && !result.error && !result.data && <p class="muted">Nothing was asked yet.</p>}
          {result.data && <ResultNote data={result.data} />}
        </div>
        {result.data && <Rows sql={result.sql} data={result.data} />}
      </section>
      <Schema schema={schema} tables={tables} insert={(name) => editor.current?.insert(name)} />
    </>
  )
}

/** How much there is, how long it took, and of which versions it is. */
const ResultNote = ({ data: { row_count: rowCount, truncated, elapsed_ms: ms, version, tables } }: { data: Json }) => {
  const of = Object.entries(tables).map(([name, number]) => `${name} ${number}`)
  return (
    <p id="result-note" class="muted">
      {count(rowCount)} {rowCount === 1 ? 'row' : 'rows'}
      {truncated ? ', and there are more' : ''} in {duration(Math.round(ms))}
      {version !== null && `; Gold version ${version}`}
      {of.length > 0 && `; of ${of.join(', ')}`}.
    </p>
  )
}

const Rows = ({ sql, data }: { sql: string; data: Json }) => {
  const { columns, rows, truncated, version } = data
  const shown: Json[] = rows.slice(0, SHOWN_ROWS)
  return (
    <>
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
          {(rows.length > SHOWN_ROWS || truncated) && (
            <p class="muted">
              The first {count(shown.length)} are shown; the CSV has all{truncated ? '' : ` ${count(rows.length)}`}.
            </p>
          )}
          <Csv sql={sql} version={version} />
        </>
      )}
    </>
  )
}

export const isNumber = (type: string) => /^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DOUBLE|FLOAT|DECIMAL(\(\d+,\s*\d+\))?)$/.test(type)

const cellText = (value: Json): string =>
  value === null ? '–' : typeof value === 'object' ? JSON.stringify(value) : typeof value === 'number' ? exact(value) : String(value)

/** Asks for the whole result once more, as a file: what is shown is its first rows. Of the same Gold version. */
const Csv = ({ sql, version }: { sql: string; version: number | null }) => {
  const [said, setSaid] = useState('')
  const save = async () => {
    setSaid('Asking for all rows…')
    try {
      const response = await fetch(withQuery('/v1/sql', { format: 'csv', version }), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ sql }),
      })
      if (!response.ok) throw new Error((await response.json().catch(() => null))?.detail ?? `The server answers ${response.status}.`)
      const url = URL.createObjectURL(await response.blob())
      Object.assign(document.createElement('a'), { href: url, download: 'result.csv' }).click()
      URL.revokeObjectURL(url)
      setSaid('')
    } catch (error) {
      // One that is cut off in its midst is no result.
      setSaid(error instanceof TypeError ? 'The file did not come whole: it may be larger than a result may be.' : (error as Error).message)
    }
  }
  return (
    <p>
      <button id="result-csv" type="button" onClick={save}>
        CSV
      </button>{' '}
      <span class="muted" role="status">
        {said}
      </span>
    </p>
  )
}

const Schema = ({ schema, tables, insert }: { schema: Answer; tables: readonly Json[]; insert: (name: string) => void }) => (
  <Panel id="schema" title="Tables" note="What may be asked. A name goes into the query, where the cursor is.">
    <State answer={schema} />
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
