import { useState } from 'preact/hooks'
import { type Json, useAnswer } from '../lib/answer.ts'
import { count, percent } from '../lib/format.ts'
import { useParameter } from '../lib/parameter.ts'
import { Ago, State, Table } from '../ui/ui.tsx'

/** What is in each column of the table that is chosen. Asks nothing while it is closed. */
export const Profiles = ({ status }: { status: Json }) => {
  const [isOpen, setOpen] = useState(false)
  const [chosen, setChosen] = useParameter('profile', 'gold.dim_book')
  const key = status.checks?.evaluated_at
  const list = useAnswer(isOpen ? '/v1/profiles' : null, { key })
  const tables: string[] = (list.data?.profiles ?? []).map(({ table }: Json) => table)
  const table = tables.includes(chosen) ? chosen : tables[0]
  const answer = useAnswer(isOpen && table ? `/v1/profiles/${encodeURIComponent(table)}` : null, { key })
  if (!status.tables.some((each: Json) => each.table === 'ops.profiles')) return null
  const profile = answer.data?.profile
  return (
    <details id="profiles" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary id="profiles-title">What is in each column</summary>
      <p class="choice">
        <label for="profiles-choice">Table</label>
        <select id="profiles-choice" value={table} onChange={(event) => setChosen(event.currentTarget.value)}>
          {tables.map((each) => (
            <option key={each} value={each}>
              {each}
            </option>
          ))}
        </select>
      </p>
      <State
        answer={list.data === null || list.error !== null ? list : answer}
        empty={list.data !== null && tables.length === 0 && 'No table is profiled yet.'}
      />
      {profile && (
        <>
          <p id="profiles-note" class="muted">
            {count(profile.rows)} rows in {count(profile.columns.length)} columns, profiled{' '}
            <Ago at={profile.profiled_at} now={status.now} />.
          </p>
          <Table
            id="profile"
            label="Columns"
            columns={[
              { name: 'Column' },
              { name: 'Null', kind: 'num' },
              { name: 'Distinct', kind: 'num' },
              { name: 'Least', kind: 'wide' },
              { name: 'Greatest', kind: 'wide' },
            ]}
          >
            {profile.columns.map(({ column, type, null_share: share, min, max, ...distinct }: Json) => (
              <tr key={column}>
                <th scope="row" class="title">
                  {column}
                  <span class="by">{type}</span>
                  {(min !== null || max !== null) && (
                    <span class="by narrow">
                      {min ?? '–'} … {max ?? '–'}
                    </span>
                  )}
                </th>
                <td class="num">
                  {percent(share)}
                  {share !== null && (
                    <svg class="share" viewBox="0 0 100 4" width="56" height="4" preserveAspectRatio="none" aria-hidden="true">
                      <rect class="of" width="100" height="4" />
                      <rect width={share === 0 ? 0 : Math.max(2, share * 100)} height="4" />
                    </svg>
                  )}
                </td>
                <td class="num">
                  <Distinct {...distinct} />
                </td>
                <td class="wide value">{min ?? '–'}</td>
                <td class="wide value">{max ?? '–'}</td>
              </tr>
            ))}
          </Table>
        </>
      )}
    </details>
  )
}

const Distinct = ({ rows, distinct_values: values, distinct_of_rows: of, is_distinct_exact: isExact }: Json) => {
  if (values === null || values === undefined) return <>–</>
  const text = `${isExact ? '' : '≈ '}${count(values)}`
  if (of === null || of >= rows) return <>{text}</>
  // Of a table that was built in part.
  return (
    <span title={`of the ${count(of)} rows that the last build derived`}>
      {text} of {count(of)}
    </span>
  )
}
