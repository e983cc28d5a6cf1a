import { useState } from 'preact/hooks'
import { ask, type Json } from '../lib/answer.ts'
import { count } from '../lib/format.ts'

/** A redrive waits for Silver, and others may be at it. */
const PATIENCE_MS = 150_000

const words: Record<string, string> = {
  accepted: 'accepted',
  late: 'accepted as an older version',
  repeat: 'a repeat of what was accepted before',
  refused: 'refused again',
  pending: 'not known yet, as Silver has not come to it',
  lost: 'lost, as no stage will come to it',
  discarded: 'discarded',
}
const leftAlone: Record<string, string> = {
  accepted: 'accepted already',
  repeat: 'found to be a repeat already',
  pending: 'sent again already',
  discarded: 'discarded',
  'no-bytes': 'too large for their bytes to be kept',
  'foreign-topic': 'of another topic',
}

const letters = (number: number) => `${count(number)} ${number === 1 ? 'letter' : 'letters'}`

/** What a redrive or a discard has done, or would do. */
export const Report = ({ report }: { report: Json }) => {
  const { action, dry_run: isDry, letters: number, outcomes, skipped, by_reason: reasons } = report
  const verb = action === 'discard' ? 'discarded' : 'sent again'
  const samples = reasons.flatMap((each: Json) => each.samples)
  return (
    <div class="outcome" role="status">
      <p>
        {isDry ? `${letters(number)} would be ${verb}; nothing was changed.` : `${letters(number)} ${verb}.`}
        {action === 'redrive' && number > 0 && isDry && ' As far as can be known now:'}
      </p>
      {action === 'redrive' && (
        <ul>
          {Object.entries(outcomes as Record<string, number>).map(([state, times]) => (
            <li key={state}>
              {count(times)} {words[state] ?? state}
            </li>
          ))}
        </ul>
      )}
      {Object.entries(skipped as Record<string, number>).map(([why, times]) => (
        <p key={why} class="muted">
          {letters(times)} left alone: {leftAlone[why] ?? why}.
        </p>
      ))}
      {action === 'redrive' && samples.length > 0 && (
        <ul class="muted">
          {samples.slice(0, 6).map(({ letter, key, outcome }: Json) => (
            <li key={letter}>
              {key === null ? 'no key' : `key ${key}`}: {outcome.message ?? words[outcome.state]}
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}

/**
 * What can be done about some letters: to see what a redrive would rescue, to do it, to discard them. `which` is what the API is
 * told of them; `onDone` is told what was done, once something was.
 */
export const LetterActions = ({
  id,
  entity,
  which,
  what,
  onDone,
}: {
  id: string
  entity: string
  which: Json
  what: string
  onDone: (report: Json) => void
}) => {
  const [report, setReport] = useState<Json | null>(null)
  const [said, setSaid] = useState('')
  const [isBusy, setBusy] = useState(false)
  const [why, setWhy] = useState<string | null>(null)

  const act = async (action: 'redrive' | 'discard', more: Json) => {
    setBusy(true)
    setReport(null)
    setSaid(more.dry_run ? 'Silver judges them…' : 'On its way…')
    try {
      const done = await ask(`/v1/dead-letters/${encodeURIComponent(entity)}/${action}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ...which, ...more }),
        signal: AbortSignal.timeout(PATIENCE_MS),
      })
      setSaid('')
      if (more.dry_run) return setReport(done)
      setWhy(null)
      onDone(done)
    } catch (error) {
      setSaid((error as Error).message)
    } finally {
      setBusy(false)
    }
  }
  const discard = (event: Event) => {
    event.preventDefault()
    act('discard', { why: why?.trim() })
  }
  return (
    <div class="actions" id={id}>
      <p>
        <button type="button" disabled={isBusy} onClick={() => act('redrive', { dry_run: true })}>
          What would a redrive rescue?
        </button>{' '}
        <button type="button" disabled={isBusy} onClick={() => act('redrive', {})}>
          Redrive {what}
        </button>{' '}
        <button type="button" disabled={isBusy} aria-expanded={why !== null} onClick={() => setWhy(why === null ? '' : null)}>
          Discard {what}…
        </button>
      </p>
      {why !== null && (
        <form onSubmit={discard}>
          <p class="choice">
            <label for={`${id}-why`}>Why</label>
            <input id={`${id}-why`} required maxLength={1000} value={why} onInput={(event) => setWhy(event.currentTarget.value)} />
            <button type="submit" disabled={isBusy || why.trim() === ''}>
              Discard
            </button>
          </p>
        </form>
      )}
      {said !== '' && (
        <p class="muted" role="status">
          {said}
        </p>
      )}
      {report && <Report report={report} />}
    </div>
  )
}
