import { type Json, useAnswer } from '../lib/answer.ts'
import { count } from '../lib/format.ts'
import { Ago, Name, Panel, State, Table } from '../ui/ui.tsx'

const whereOf = ({ place, source, topic, partition, offset, schema_id: schemaId }: Json) =>
  place === 'source' ? `from ${source}` : `schema ${schemaId}, ${topic} partition ${partition} offset ${offset}`

const changeOf = ({ kind, before, after }: Json) =>
  kind === 'appeared' ? `new: ${after}` : kind === 'vanished' ? `vanished: was ${before}` : `${before} → ${after}`

const outcomes: Record<string, string> = { evolve: 'taken in', freeze: 'such records are dead letters', discard: 'left out' }

/** Fields that appeared, vanished or changed their type. */
export const Drift = ({ status: { tables, now } }: { status: Json }) => {
  const version = tables.find(({ table }: Json) => table === 'ops.drift')?.version
  const answer = useAnswer('/v1/drift?limit=20', { key: version })
  const { total = 0, drift = [] } = answer.data ?? {}
  const note =
    answer.data !== null &&
    (total === 0
      ? 'No field appeared, vanished or changed its type so far.'
      : `${count(total)} ${total === 1 ? 'finding' : 'findings'}, each told once${total > drift.length ? `; the newest ${count(drift.length)} of them` : ''}.`)
  return (
    <Panel id="drift-panel" title="Schema drift" note={note}>
      <State answer={answer} />
      {total > 0 && (
        <Table
          id="drift"
          label="Schema drift"
          columns={[{ name: 'Field' }, { name: 'Change' }, { name: 'Value', kind: 'wide' }, { name: 'Found', kind: 'num' }]}
        >
          {drift.map((each: Json) => (
            <tr key={each.drift_id ?? `${each.entity} ${each.field} ${each.found_at}`}>
              <th scope="row" class="title">
                <Name name={`${each.entity}.${each.field}`} />
                <span class="by">{whereOf(each)}</span>
              </th>
              <td class={each.policy === 'evolve' ? undefined : 'behind'}>
                {changeOf(each)}
                <span class="by">{each.kind === 'vanished' ? 'empty from then on' : (outcomes[each.policy] ?? each.policy)}</span>
                {each.sample !== null && <span class="by narrow">such as {each.sample}</span>}
              </td>
              <td class="wide value">{each.sample ?? '–'}</td>
              <td class="num">
                <Ago at={each.found_at} now={now} />
              </td>
            </tr>
          ))}
        </Table>
      )}
    </Panel>
  )
}
