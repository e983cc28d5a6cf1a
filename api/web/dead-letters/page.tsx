import { useState } from 'preact/hooks'
import { Link } from 'wouter-preact'
import { useSearchParams } from '../lib/address.ts'
import { type Json, useAnswer, withQuery } from '../lib/answer.ts'
import { count } from '../lib/format.ts'
import { RecordValue } from '../topics/records.tsx'
import { Panel, State, Table, Time } from '../ui/ui.tsx'
import { LetterActions, Report } from './actions.tsx'

const states: Record<string, string> = {
  open: 'waiting for a person',
  pending: 'sent again, not judged yet',
  accepted: 'accepted since',
  repeat: 'repeats of what was accepted',
  discarded: 'discarded',
  all: 'all',
}

/** What Silver refused, by reason, with samples, what became of them, and what can be done. */
export const DeadLettersPage = () => {
  const [search] = useSearchParams()
  const [changes, setChanges] = useState(0)
  const answer = useAnswer('/v1/dead-letters', { everyMs: 10_000, key: changes })
  const entities: Json[] = answer.data?.entities ?? []
  const total = entities.reduce((sum, each) => sum + each.count, 0)
  const entity = search.get('entity')
  const reason = search.get('reason')
  const state = search.get('state') ?? 'open'
  return (
    <>
      <Panel
        id="dead-letters"
        title="Dead letters"
        note="Records that broke a rule and became no row. They wait on their topic with the reason; Bronze has them as they came. A reason leads to its newest records and their bytes; there they can be sent again, once what was wrong is mended, or discarded."
      >
        <State answer={answer} empty={answer.data !== null && total === 0 && 'No record was refused so far.'} />
        {total > 0 && (
          <Table
            id="reasons"
            label="Dead letters by reason"
            columns={[
              { name: 'Reason' },
              { name: 'Entity' },
              { name: 'Waiting', kind: 'num' },
              { name: 'Ever refused', kind: 'num wide' },
              { name: 'Last', kind: 'num wide' },
            ]}
          >
            {entities.flatMap(({ entity: name, reasons, last_at: last }) =>
              reasons.map(({ reason: rule, count: times, open, because }: Json) => (
                <tr key={`${name} ${rule}`}>
                  <th scope="row" class="title">
                    <Link href={`/dead-letters?${new URLSearchParams({ entity: name, reason: rule })}`}>{rule}</Link>
                    <span class="by">{because}</span>
                  </th>
                  <td>{name}</td>
                  <td class={open > 0 ? 'num behind' : 'num'}>{count(open)}</td>
                  <td class="num wide">{count(times)}</td>
                  <td class="num wide">{last ? <Time at={last} /> : '–'}</td>
                </tr>
              )),
            )}
          </Table>
        )}
      </Panel>
      {entity !== null && (
        <Letters
          key={`${entity} ${reason} ${state}`}
          entity={entity}
          reason={reason}
          state={state}
          changes={changes}
          onChange={() => setChanges((before) => before + 1)}
        />
      )}
    </>
  )
}

interface LettersOptions {
  entity: string
  reason: string | null
  state: string
  changes: number
  onChange: () => void
}

const Letters = ({ entity, reason, state, changes, onChange }: LettersOptions) => {
  const [, setSearch] = useSearchParams()
  const [cursor, setCursor] = useState<string | null>(null)
  const path = withQuery(`/v1/dead-letters/${encodeURIComponent(entity)}`, { reason, state, cursor, limit: 20 })
  const answer = useAnswer(path, { key: changes })
  const letters: Json[] = answer.data?.letters ?? []
  // Kept here: the letter that it is of goes from the list.
  const [done, setDone] = useState<Json | null>(null)
  const noteDone = (report: Json) => {
    setDone(report)
    onChange()
  }
  const choose = (chosen: string) => setSearch({ entity, ...(reason === null ? {} : { reason }), state: chosen })
  return (
    <Panel id="letters" title={reason === null ? `Dead letters of ${entity}` : `${entity}: ${reason}`} note="Newest first.">
      <p class="choice">
        <label for="letters-state">Those that are</label>
        <select id="letters-state" value={state} onChange={(event) => choose(event.currentTarget.value)}>
          {Object.entries(states).map(([name, text]) => (
            <option key={name} value={name}>
              {text}
            </option>
          ))}
        </select>
      </p>
      {state === 'open' && (
        <LetterActions
          id="act-all"
          entity={entity}
          which={reason === null ? { all: true } : { reason }}
          what="all of these"
          onDone={noteDone}
        />
      )}
      {done && <Report report={done} />}
      <State
        answer={answer}
        empty={answer.data !== null && letters.length === 0 && (state === 'open' ? 'None of them waits for a person.' : 'There are none.')}
      />
      {letters.map((letter) => (
        <Letter key={`${letter.partition}/${letter.offset}`} entity={entity} letter={letter} onDone={noteDone} />
      ))}
      {answer.data?.next_cursor && (
        <p>
          <button type="button" onClick={() => setCursor(answer.data.next_cursor)}>
            Older
          </button>
        </p>
      )}
    </Panel>
  )
}

const Letter = ({ entity, letter, onDone }: { entity: string; letter: Json; onDone: (report: Json) => void }) => (
  <article class="letter">
    <h3>
      {letter.message ?? letter.reason} <span class="by">{letter.key === null ? 'no key' : `key ${letter.key}`}</span>
    </h3>
    <p class="muted">
      From {letter.origin.topic} partition {letter.origin.partition} offset {letter.origin.offset}, <Time at={letter.timestamp} />
      {letter.origin.attempt > 1 ? `, attempt ${letter.origin.attempt}` : ''}
    </p>
    <RecordValue record={letter} />
    <dl class="facts">
      {letter.attempts.map(({ attempt, at, by, outcome }: Json) => (
        <>
          <dt>Attempt {attempt}</dt>
          <dd>
            <Time at={at} /> by {by}: {outcome ? (outcome.message ?? states[outcome.state] ?? outcome.state) : 'not judged yet'}
          </dd>
        </>
      ))}
      {letter.discarded && (
        <>
          <dt>Discarded</dt>
          <dd>
            <Time at={letter.discarded.at} /> by {letter.discarded.by}: {letter.discarded.why}
          </dd>
        </>
      )}
      <dt>A redrive</dt>
      <dd>{letter.redrive}</dd>
      <dt>A discard</dt>
      <dd>{letter.discard}</dd>
    </dl>
    {letter.state === 'open' && letter.letter !== null && (
      <LetterActions
        id={`act-${letter.partition}-${letter.offset}`}
        entity={entity}
        which={{ letters: [letter.letter] }}
        what="it"
        onDone={onDone}
      />
    )}
  </article>
)
