import type { Json } from '../lib/answer.ts'
import { capital, count, counted, duration, size } from '../lib/format.ts'
import { Ago, Name, Panel, Table } from '../ui/ui.tsx'

const entities = ['books', 'authors', 'reviews', 'ratings']
const marks: Record<string, string> = { done: '✓', running: '●', waiting: '○', failed: '✕' }

/** Progress of the set-up, while there is one. */
export const Setup = ({ status: { up } }: { status: Json }) => {
  if (up?.phase !== 'setting-up' && !up?.steps.some((step: Json) => step.state === 'failed')) return null
  const done = up.steps.filter((step: Json) => step.state === 'done').length
  const running = up.steps.find((step: Json) => step.state === 'running')
  return (
    <section id="setup" class="panel" aria-labelledby="setup-title">
      <h2 id="setup-title">Setting up</h2>
      <p id="setup-summary" class="muted" aria-live="polite">
        {done} of {up.steps.length} steps done{running ? `; now: ${running.name}` : ''}.
      </p>
      <ol class="steps">
        {up.steps.map(({ name, state, detail, seconds }: Json) => (
          <li key={name} data-state={state}>
            <span class="mark" aria-hidden="true">
              {marks[state] ?? '○'}
            </span>
            <span class="name">
              {name}
              <span class="visually-hidden"> ({state})</span>
            </span>
            <span class="detail">{detail}</span>
            <span class="seconds">{seconds === null ? '' : `${count(Math.round(seconds))} s`}</span>
          </li>
        ))}
      </ol>
    </section>
  )
}

/** That what is shown is what was seen last, while the lake does not answer. */
export const LakeAway = ({ status: { lake } }: { status: Json }) =>
  lake.state === 'unavailable' && (
    <section id="lake-away" class="panel gate" role="status" aria-labelledby="lake-away-title">
      <h2 id="lake-away-title">The lake does not answer</h2>
      <p>Tables, runs, checks and drift are as they were seen last: {lake.detail}</p>
    </section>
  )

const rowsOf = (status: Json, table: string): number | null => status.tables.find((entry: Json) => entry.table === table)?.rows ?? null

export const Counts = ({ status }: { status: Json }) => (
  <section aria-labelledby="counts-title">
    <h2 id="counts-title">What it holds</h2>
    <p class="muted">Bronze: every record as it came. Silver: each valid change once. Gold: what holds now.</p>
    <div id="counts" class="cards">
      {entities.map((entity) => (
        <article key={entity} class="card">
          <h3>{capital(entity)}</h3>
          <p class="big">
            {count(status.gold?.counts[entity])}
            <span class="unit"> in Gold</span>
          </p>
          <dl>
            <dt title="every record, as it came">Bronze</dt>
            <dd>{count(rowsOf(status, `bronze.${entity}`))}</dd>
            <dt title="valid, clean, without repeats: one row a change">Silver</dt>
            <dd>{count(rowsOf(status, `silver.${entity}`))}</dd>
          </dl>
        </article>
      ))}
    </div>
  </section>
)

const lagNote = ({ kafka, lag, up }: Json): string => {
  if (kafka.state === 'not-configured')
    return up ? 'Kafka is being started; lag shows once it answers.' : 'No brokers are configured here, so lag is not known.'
  if (kafka.state === 'connecting') return 'Connecting to Kafka…'
  if (kafka.state === 'unavailable') return kafka.detail
  return lag.length === 0 ? 'Kafka answers. Lag shows once the topics are there.' : 'Lag is what a group has not committed yet, in records.'
}

/** Whether Gold is behind its objective: older than that, and something waits that is not in it. Where nothing comes, it is complete. */
const isBehind = ({ status: { now, freshness_objective_seconds: objective }, complete, newest, lags }: Json): boolean =>
  (Date.parse(now) - Date.parse(complete)) / 1000 > objective &&
  (lags.some((lag: Json) => lag?.lag_records > 0) || (newest !== null && Date.parse(newest) > Date.parse(complete)))

export const Lag = ({ status }: { status: Json }) => {
  const { lag, freshness, now, gold, up } = status
  const lagOf = (group: string, entity: string) => lag.find((entry: Json) => entry.group === group && entry.topic === `goodreads.${entity}`)
  const paused = (up?.stages ?? []).filter(({ state }: Json) => state === 'paused' || state === 'pausing')
  return (
    <Panel id="flow-lag" title="Freshness and lag" note={lagNote(status)}>
      <Table
        id="flow"
        label="Freshness and lag"
        columns={[
          { name: 'Topic' },
          { name: 'Bronze lag', kind: 'num' },
          { name: 'Silver lag', kind: 'num' },
          { name: 'Clean lag', kind: 'num wide' },
          { name: 'Newest in Silver', kind: 'num wide' },
          { name: 'Gold complete to', kind: 'num' },
        ]}
      >
        {[...entities, 'raw'].map((entity) => {
          const fresh = freshness.find((entry: Json) => entry.table === `silver.${entity}`)
          const complete = gold?.complete_through_by_entity[entity]
          const lags = [lagOf('readflow.bronze', entity), lagOf('readflow.silver', entity)]
          const newest = fresh?.newest_ingestion_at ?? null
          return (
            <tr key={entity}>
              <th scope="row">
                {entity}
                {newest && (
                  <span class="by narrow">
                    Silver: <Ago at={newest} now={now} />
                  </span>
                )}
              </th>
              {lags.map((lag, index) => (
                <LagCell key={index} lag={lag} />
              ))}
              <LagCell lag={lagOf('readflow.clean', entity)} isWide />
              <td class="num wide">{newest ? <Ago at={newest} now={now} /> : '–'}</td>
              <td class={complete && isBehind({ status, complete, newest, lags }) ? 'num behind' : 'num'}>
                {complete ? <Ago at={complete} now={now} /> : '–'}
              </td>
            </tr>
          )
        })}
      </Table>
      <p class="muted">
        The objective is that Gold is complete to less than {duration(status.freshness_objective_seconds * 1000)} ago, while records come.
      </p>
      <details>
        <summary>Lag of each partition</summary>
        <Table id="partitions" label="Lag of each partition" columns={[{ name: 'Group' }, { name: 'Topic' }, { name: 'Lag by partition' }]}>
          {lag.map(({ group, topic, partitions }: Json) => (
            <tr key={`${group} ${topic}`}>
              <th scope="row">{group}</th>
              <td>{topic}</td>
              <td>{partitions.map(({ partition, lag_records: records }: Json) => `${partition}: ${count(records)}`).join(', ')}</td>
            </tr>
          ))}
        </Table>
      </details>
      <ul id="programs" class="chips" aria-label="Programs">
        {(up?.programs ?? []).map(({ name, state, restarts, lastError }: Json) => (
          <li key={name} data-state={state} title={lastError}>
            {name}: {state}
            {restarts > 0 ? `, ${count(restarts)} restarts` : ''}
          </li>
        ))}
        {paused.map(({ name, state }: Json) => (
          <li key={`stage ${name}`} data-state={state} title={`readflow resume ${name} lets it run again`}>
            stage {name}: {state}
          </li>
        ))}
      </ul>
    </Panel>
  )
}

const LagCell = ({ lag, isWide = false }: { lag: Json; isWide?: boolean }) => (
  <td
    class={`num${lag?.lag_records ? ' behind' : ''}${isWide ? ' wide' : ''}`}
    title={lag?.partitions.map(({ partition, lag_records: records }: Json) => `partition ${partition}: ${count(records)}`).join(', ')}
  >
    {count(lag?.lag_records)}
  </td>
)

export const Tables = ({ status: { tables, now } }: { status: Json }) => (
  <Panel
    id="tables-panel"
    title="Tables"
    note={
      tables.length === 0
        ? 'No table is there yet: the first one comes with the first commit.'
        : 'Delta Lake tables, as any reader of Delta sees them.'
    }
  >
    {tables.length > 0 && (
      <Table
        id="tables"
        label="Tables"
        columns={[
          { name: 'Table' },
          { name: 'Rows', kind: 'num' },
          { name: 'Files', kind: 'num wide' },
          { name: 'Size', kind: 'num wide' },
          { name: 'Version', kind: 'num wide' },
          { name: 'Last commit', kind: 'num' },
        ]}
      >
        {tables.map(({ table, rows, files, bytes, version, last_commit_at: at }: Json) => (
          <tr key={table}>
            <th scope="row">
              <Name name={table} />
              <span class="by narrow">
                {counted(files, 'file')}, {size(bytes)}, version {count(version)}
              </span>
            </th>
            <td class="num">{count(rows)}</td>
            <td class="num wide">{count(files)}</td>
            <td class="num wide">{size(bytes)}</td>
            <td class="num wide">{count(version)}</td>
            <td class="num">{at ? <Ago at={at} now={now} /> : '–'}</td>
          </tr>
        ))}
      </Table>
    )}
  </Panel>
)
