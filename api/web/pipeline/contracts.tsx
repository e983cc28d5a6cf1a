import { type Json, useAnswer } from '../lib/answer.ts'
import { count } from '../lib/format.ts'
import { Panel, State, Table } from '../ui/ui.tsx'

/** What the contracts found: dead letters and flags of each entity, and which rules were broken, most often first. */
export const Contracts = ({ status: { tables } }: { status: Json }) => {
  const versions = JSON.stringify(
    tables.filter(({ table }: Json) => table.startsWith('silver.')).map(({ table, version }: Json) => [table, version]),
  )
  const answer = useAnswer('/v1/contracts', { key: versions })
  const contracts: Json[] = answer.data?.contracts ?? []
  const broken = contracts
    .flatMap(({ entity, violations }) => violations.map((each: Json) => ({ entity, ...each })))
    .sort((a: Json, b: Json) => b.count - a.count)
  const note =
    answer.data !== null &&
    (broken.length === 0
      ? 'No record broke a rule so far. A record that does becomes a dead letter, or a row of Silver with a flag.'
      : 'A dead letter is a record that became no row: it waits on its topic, with the reason. A flag marks a row that was kept.')
  return (
    <Panel id="contracts-panel" title="Contracts" note={note}>
      <State answer={answer} />
      {contracts.length > 0 && (
        <Table
          id="contracts"
          label="Contracts"
          columns={[
            { name: 'Entity' },
            { name: 'Rules', kind: 'num' },
            { name: 'Dead letters', kind: 'num' },
            { name: 'Flags', kind: 'num' },
          ]}
        >
          {contracts.map(({ entity, rules, dead_letters: dead, flags }) => (
            <tr key={entity}>
              <th scope="row">
                <a href={`/v1/contracts/${entity}`}>{entity}</a>
              </th>
              <td class="num">{count(rules)}</td>
              <td class={dead > 0 ? 'num behind' : 'num'}>{count(dead)}</td>
              <td class="num">{count(flags)}</td>
            </tr>
          ))}
        </Table>
      )}
      {broken.length > 0 && (
        <details id="broken-details">
          <summary id="broken-more">
            {broken.length === 1 ? 'Which rule was broken' : `Which ${count(broken.length)} rules were broken`}
          </summary>
          <Table
            id="broken"
            label="Broken rules"
            columns={[
              { name: 'Rule' },
              { name: 'Entity', kind: 'wide' },
              { name: 'Becomes', kind: 'wide' },
              { name: 'Times', kind: 'num' },
            ]}
          >
            {broken.map(({ entity, rule, severity, count: times, because }) => {
              const becomes = severity === 'reject' ? 'dead letter' : 'flagged row'
              return (
                <tr key={`${entity} ${rule} ${severity}`}>
                  <th scope="row" class="title">
                    {rule}
                    <span class="by">{because ?? 'The contract has no such rule any more.'}</span>
                    <span class="by narrow">
                      {entity}: {becomes}
                    </span>
                  </th>
                  <td class="wide">{entity}</td>
                  <td class={severity === 'reject' ? 'wide behind' : 'wide muted'}>{becomes}</td>
                  <td class="num">{count(times)}</td>
                </tr>
              )
            })}
          </Table>
        </details>
      )}
    </Panel>
  )
}
