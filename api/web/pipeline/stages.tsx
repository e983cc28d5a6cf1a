import { useState } from 'preact/hooks'
import { ask, type Json, useAnswer } from '../lib/answer.ts'
import { ago, timeOfDay } from '../lib/format.ts'
import { Ago, Panel, State, Table, Time } from '../ui/ui.tsx'

const tones: Record<string, string> = {
  failed: 'bad',
  failing: 'bad',
  held: 'behind',
  overdue: 'behind',
  paused: 'behind',
  pausing: 'behind',
}

/** What may be asked of a stage as it is, by its verb in the API. */
const verbsOf = (state: string): [verb: string, label: string][] => {
  if (state === 'paused' || state === 'pausing') return [['resume', 'Resume']]
  const again: [string, string] = ['failed', 'failing', 'held'].includes(state) ? ['retry', 'Retry'] : ['run', 'Run now']
  return [again, ['pause', 'Pause']]
}

const Buttons = ({ stage, state, onAsked }: { stage: string; state: string; onAsked: () => void }) => {
  const [said, setSaid] = useState('')
  const tell = (verb: string) => {
    setSaid('Asked.')
    ask(`/v1/stages/${stage}/${verb}`, { method: 'POST' }).then(
      () => {
        setSaid('')
        onAsked()
      },
      (error: Error) => setSaid(error.message),
    )
  }
  return (
    <span class="verbs">
      {verbsOf(state).map(([verb, label]) => (
        <button key={verb} type="button" aria-label={`${label} ${stage}`} onClick={() => tell(verb)}>
          {label}
        </button>
      ))}
      <span class="by" role="status">
        {said}
      </span>
    </span>
  )
}

const Next = ({ at, state, now }: { at: string | null; state: string; now: string }) => {
  if (state === 'running') return <>now</>
  if (at === null) return <>–</>
  const untilMs = Date.parse(at) - Date.parse(now)
  const seconds = (state === 'overdue' ? untilMs : Math.max(0, untilMs)) / 1000
  return <Time at={at}>{ago(-seconds)}</Time>
}

const fieldsOf = (fields: Record<string, unknown>): string =>
  Object.entries(fields)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')

/** The newest log lines of one stage, as its program wrote them, without secrets. */
const Log = ({ stages }: { stages: readonly Json[] }) => {
  const [stage, setStage] = useState(stages[0]?.stage ?? '')
  const [isOpen, setOpen] = useState(false)
  const answer = useAnswer(isOpen ? `/v1/stages/${stage}?lines=20` : null, { everyMs: 5000 })
  const lines: Json[] = answer.data?.stage === stage ? answer.data.log : []
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary id="stage-log-title">Log</summary>
      <p class="choice">
        <label for="stage-log-stage">Stage</label>
        <select id="stage-log-stage" value={stage} onChange={(event) => setStage(event.currentTarget.value)}>
          {stages.map((each) => (
            <option key={each.stage} value={each.stage}>
              {each.stage}
            </option>
          ))}
        </select>
      </p>
      <State answer={answer} empty={answer.data !== null && lines.length === 0 && 'Its log says nothing yet.'} />
      {lines.length > 0 && (
        <Table id="stage-log" label="Log lines" columns={[{ name: 'Time' }, { name: 'Level' }, { name: 'Line' }]}>
          {lines.toReversed().map((line, index) => (
            <tr key={`${line.at} ${index}`}>
              <td>{line.at === null ? '–' : <Time at={line.at}>{timeOfDay(line.at)}</Time>}</td>
              <td class={line.level === 'error' ? 'bad' : line.level === 'warn' ? 'behind' : undefined}>{line.level}</td>
              <td class="line">
                {line.text}
                <span class="by">{fieldsOf(line.fields)}</span>
              </td>
            </tr>
          ))}
        </Table>
      )}
    </details>
  )
}

/** When each stage runs and how it went, and what may be asked of it. */
export const Stages = ({ status: { now } }: { status: Json }) => {
  const [asked, setAsked] = useState(0)
  const answer = useAnswer('/v1/stages?lines=0', { everyMs: 2000, key: asked })
  const stages: Json[] = answer.data?.stages ?? []
  return (
    <Panel
      id="stages-panel"
      title="Stages"
      note={answer.data?.detail ?? 'Each runs by itself; one that fails is tried again, ever more slowly, and stops no other.'}
    >
      <State answer={answer} />
      {stages.length > 0 && (
        <>
          <Table
            id="stages"
            label="Stages"
            columns={[
              { name: 'Stage' },
              { name: 'State' },
              { name: 'Last run' },
              { name: 'Next run', kind: 'num wide' },
              { name: 'Attempt', kind: 'num wide' },
              { name: 'Do' },
            ]}
          >
            {stages.map((each) => (
              <tr key={each.stage}>
                <th scope="row">
                  {each.stage}
                  <span class="by wide">{each.schedule}</span>
                </th>
                <td class={tones[each.state]}>{each.state}</td>
                <td class="said">
                  {each.last_run === null ? '–' : <Ago at={each.last_run.ended_at} now={now} />}
                  {each.last_run !== null && <span class="by">{each.last_run.detail}</span>}
                </td>
                <td class="num wide">
                  <Next at={each.next_run_at} state={each.state} now={now} />
                </td>
                <td class="num wide">{each.attempt}</td>
                <td>
                  <Buttons stage={each.stage} state={each.state} onAsked={() => setAsked(asked + 1)} />
                </td>
              </tr>
            ))}
          </Table>
          <Log stages={stages} />
        </>
      )}
    </Panel>
  )
}
