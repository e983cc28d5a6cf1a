import { useState } from 'preact/hooks'
import { type Json, useAnswer, withQuery } from '../lib/answer.ts'
import { count, duration } from '../lib/format.ts'
import { Ago, Panel, State, Table } from '../ui/ui.tsx'

const tones: Record<string, string> = { failed: 'bad', held: 'behind', aborted: 'behind' }
const kinds = ['', 'poll', 'build', 'optimize', 'vacuum', 'replay']

const summary = (counts: Record<string, number>) =>
  Object.entries(counts)
    .filter(([, value]) => value !== 0)
    .slice(0, 4)
    .map(([name, value]) => `${name.replaceAll('_', ' ')} ${count(value)}`)
    .join(', ')

/** What was done, how long it took and how it ended: the last of each kind, or the newest of one. */
export const Runs = ({ status }: { status: Json }) => {
  const [kind, setKind] = useState('')
  const path = kind === '' ? null : withQuery('/v1/runs', { kind, limit: 20 })
  const answer = useAnswer(path, { everyMs: 5000 })
  const runs: Json[] = kind === '' ? status.runs : (answer.data?.runs ?? [])
  return (
    <Panel
      id="runs-panel"
      title="Runs"
      note={
        status.runs.length === 0
          ? 'Nothing has run yet: the first poll comes with the first answer of the source.'
          : `${kind === '' ? 'The last of each kind.' : 'The newest of them.'} Every run is in the table ops.runs and on the topic readflow.runs.`
      }
    >
      <p class="choice">
        <label for="runs-kind">Kind</label>
        <select id="runs-kind" value={kind} onChange={(event) => setKind(event.currentTarget.value)}>
          {kinds.map((each) => (
            <option key={each} value={each}>
              {each === '' ? 'all' : each}
            </option>
          ))}
        </select>
      </p>
      {path !== null && <State answer={answer} empty={answer.data !== null && runs.length === 0 && 'There is no such run on record.'} />}
      {runs.length > 0 && (
        <Table
          id="runs"
          label="Runs"
          columns={[
            { name: 'Run' },
            { name: 'State' },
            { name: 'Took', kind: 'num' },
            { name: 'Attempt', kind: 'num wide' },
            { name: 'Did', kind: 'wide' },
            { name: 'Began', kind: 'num' },
          ]}
        >
          {runs.map(({ run_id: id, kind: did, state, duration_ms: ms, attempt, error, counts, started_at: at }) => (
            <tr key={id}>
              <th scope="row">
                <a href={`/v1/runs/${encodeURIComponent(id)}`}>{did}</a>
              </th>
              <td class={tones[state]}>
                {state === 'started' ? 'running' : state}
                {error !== null && <span class="by">{error}</span>}
              </td>
              <td class="num">{ms === null ? '–' : duration(ms)}</td>
              <td class="num wide">{count(attempt)}</td>
              <td class="wide muted">{summary(counts)}</td>
              <td class="num">
                <Ago at={at} now={status.now} />
              </td>
            </tr>
          ))}
        </Table>
      )}
    </Panel>
  )
}
