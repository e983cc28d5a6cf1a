import { useState } from 'preact/hooks'
import { type Json, useAnswer } from '../lib/answer.ts'
import { Ago, State, Table } from '../ui/ui.tsx'

const tones: Record<string, string> = { held: 'bad', release: 'behind', abandoned: 'behind' }
const names: Record<string, string> = {
  held: 'held',
  release: 'release begun',
  released: 'released',
  abandoned: 'release given up',
  passed: 'passed again',
}

const told = ({ kind, version, checks, by, why, waived, reason, recovered }: Json): string => {
  if (kind === 'held') return `Gold stays at ${version ?? 'none'}: ${checks.map(({ message }: Json) => message).join(' ')}`
  if (kind === 'release') return `${by}: ${why} Waived: ${waived.join(', ')}.`
  if (kind === 'abandoned') return reason
  const published = version === null ? 'No Gold is published' : `Gold version ${version}`
  return `${published}${recovered?.length > 0 ? `; passes again: ${recovered.join(', ')}` : ''}.`
}

/** What held Gold so far, who released it and why, newest first, and which checks are waived now. Asks nothing while it is closed. */
export const GateHistory = ({ status }: { status: Json }) => {
  const [isOpen, setOpen] = useState(false)
  const answer = useAnswer(isOpen ? '/v1/gate?limit=50' : null, { key: status.gate.held?.run ?? status.gold?.version })
  const { waived = [], history = [] } = answer.data ?? {}
  return (
    <details id="gate-history" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary id="gate-history-title">What held Gold so far</summary>
      <State answer={answer} empty={answer.data !== null && history.length === 0 && 'Nothing has held Gold so far.'} />
      {waived.length > 0 && <p class="muted">Waived until they pass again: {waived.map(({ id }: Json) => id).join(', ')}.</p>}
      {history.length > 0 && (
        <Table
          id="gate-entries"
          label="Holds and releases"
          columns={[{ name: 'What' }, { name: 'Run', kind: 'wide' }, { name: 'When', kind: 'num' }]}
        >
          {history.map((entry: Json, index: number) => (
            <tr key={`${entry.at} ${index}`}>
              <th scope="row" class="title">
                <strong class={tones[entry.kind]}>{names[entry.kind] ?? entry.kind}</strong>
                <span class="by">{told(entry)}</span>
              </th>
              <td class="wide value">{entry.run}</td>
              <td class="num">
                <Ago at={entry.at} now={status.now} />
              </td>
            </tr>
          ))}
        </Table>
      )}
    </details>
  )
}
