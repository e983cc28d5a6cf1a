import { useState } from 'preact/hooks'
import { Link } from 'wouter-preact'
import { useSearchParams } from '../lib/address.ts'
import { type Json, useAnswer, withQuery } from '../lib/answer.ts'
import { count } from '../lib/format.ts'
import { RecordValue } from '../topics/records.tsx'
import { Panel, State, Table, Time } from '../ui/ui.tsx'

/** What Silver refused, by reason, with samples and what could be done with them. */
export const DeadLettersPage = () => {
  const [search] = useSearchParams()
  const answer = useAnswer('/v1/dead-letters', { everyMs: 10_000 })
  const entities: Json[] = answer.data?.entities ?? []
  const total = entities.reduce((sum, each) => sum + each.count, 0)
  const entity = search.get('entity')
  return (
    <>
      <Panel
        id="dead-letters"
        title="Dead letters"
        note="Records that broke a rule and became no row. They wait on their topic with the reason; Bronze has them as they came. A reason leads to its newest records, their bytes, and what sending them again or discarding them would do."
      >
        <State answer={answer} empty={answer.data !== null && total === 0 && 'No record was refused so far.'} />
        {total > 0 && (
          <Table
            id="reasons"
            label="Dead letters by reason"
            columns={[{ name: 'Reason' }, { name: 'Entity' }, { name: 'Records', kind: 'num' }, { name: 'Last', kind: 'num wide' }]}
          >
            {entities.flatMap(({ entity: name, reasons, last_at: last }) =>
              reasons.map(({ reason, count: times, because }: Json) => (
                <tr key={`${name} ${reason}`}>
                  <th scope="row" class="title">
                    <Link href={`/dead-letters?${new URLSearchParams({ entity: name, reason })}`}>{reason}</Link>
                    <span class="by">{because}</span>
                  </th>
                  <td>{name}</td>
                  <td class="num behind">{count(times)}</td>
                  <td class="num wide">{last ? <Time at={last} /> : '–'}</td>
                </tr>
              )),
            )}
          </Table>
        )}
      </Panel>
      {entity !== null && <Letters key={search.toString()} entity={entity} reason={search.get('reason')} />}
    </>
  )
}

const Letters = ({ entity, reason }: { entity: string; reason: string | null }) => {
  const [cursor, setCursor] = useState<string | null>(null)
  const answer = useAnswer(withQuery(`/v1/dead-letters/${encodeURIComponent(entity)}`, { reason, cursor, limit: 20 }))
  const letters: Json[] = answer.data?.letters ?? []
  return (
    <Panel id="letters" title={reason === null ? `Dead letters of ${entity}` : `${entity}: ${reason}`} note="Newest first.">
      <State answer={answer} empty={answer.data !== null && letters.length === 0 && 'The topic has none of them any more.'} />
      {letters.map((letter) => (
        <article key={`${letter.partition}/${letter.offset}`} class="letter">
          <h3>
            {letter.message ?? letter.reason} <span class="by">{letter.key === null ? 'no key' : `key ${letter.key}`}</span>
          </h3>
          <p class="muted">
            From {letter.origin.topic} partition {letter.origin.partition} offset {letter.origin.offset}, <Time at={letter.timestamp} />
            {letter.origin.attempt > 1 ? `, attempt ${letter.origin.attempt}` : ''}
          </p>
          <RecordValue record={letter} />
          <dl class="facts">
            <dt>A redrive</dt>
            <dd>{letter.redrive}</dd>
            <dt>A discard</dt>
            <dd>{letter.discard}</dd>
          </dl>
        </article>
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
