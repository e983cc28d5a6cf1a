import { useState } from 'preact/hooks'
import { Link } from 'wouter-preact'
import { useSearchParams } from '../lib/address.ts'
import { ask, type Json, useAnswer } from '../lib/answer.ts'
import { count, counted } from '../lib/format.ts'
import { useStatus } from '../lib/status.ts'
import { Ago, Panel, State, Table } from '../ui/ui.tsx'
import { AddShelf } from './add.tsx'
import { ShelfStats } from './stats.tsx'

const LIST_MS = 2000

/** How far a shelf is, in a word. */
const stateOf = ({ state, in_gold: isInGold }: Json): string => (state === 'read' ? (isInGold ? 'in Gold' : 'on its way to Gold') : state)

/** A reader's own books: adding them, how far they are, and what they come to. */
export const ShelfPage = () => {
  const [search, setSearch] = useSearchParams()
  const [changes, setChanges] = useState(0)
  const answer = useAnswer('/v1/shelves', { everyMs: LIST_MS, key: changes })
  const shelves: Json[] = answer.data?.shelves ?? []
  const chosen = search.get('id')
  const shelf = shelves.find(({ id }) => id === chosen) ?? (chosen === null ? shelves[0] : undefined)
  const added = ({ id }: Json) => {
    setSearch({ id })
    setChanges((before) => before + 1)
  }
  return (
    <>
      <AddShelf onAdded={added} />
      <Panel id="shelves" title="Shelves" note="Removing one forgets the upload or the feed; its rows stay.">
        <State answer={answer} empty={answer.data !== null && shelves.length === 0 && 'No shelf was added so far.'} />
        {shelves.length > 0 && <Shelves shelves={shelves} shown={shelf?.id} onRemoved={() => setChanges((before) => before + 1)} />}
      </Panel>
      {chosen !== null && answer.data !== null && !shelf && (
        <p class="notice" role="status">
          There is no shelf “{chosen}” any more. <Link href="/shelf">Look at the others</Link>
        </p>
      )}
      {shelf && <ShelfStats key={shelf.id} shelf={shelf} />}
    </>
  )
}

const Shelves = ({ shelves, shown, onRemoved }: { shelves: Json[]; shown: string | undefined; onRemoved: () => void }) => {
  const { data: status } = useStatus()
  const [error, setError] = useState('')
  const remove = (id: string) =>
    ask(`/v1/shelves/${encodeURIComponent(id)}`, { method: 'DELETE' }).then(
      () => {
        setError('')
        onRemoved()
      },
      (failure: Error) => setError(failure.message),
    )
  return (
    <>
      <Table
        id="shelves-table"
        label="Shelves"
        columns={[{ name: 'Shelf' }, { name: 'State' }, { name: 'Books', kind: 'num' }, { name: 'Read', kind: 'num wide' }, { name: '' }]}
      >
        {shelves.map((shelf) => (
          <tr key={shelf.id}>
            <th scope="row" class="title">
              <Link href={`/shelf?${new URLSearchParams({ id: shelf.id })}`} aria-current={shelf.id === shown ? 'true' : undefined}>
                {shelf.name}
              </Link>
              <span class="by">{shelf.kind === 'feed' ? `feed ${shelf.feed}` : 'export'}</span>
            </th>
            <td>
              <span class={shelf.state === 'failed' ? 'bad' : undefined}>{stateOf(shelf)}</span>
              {shelf.detail && <span class="by">{shelf.detail}</span>}
              {shelf.unread_lines > 0 && <span class="by">Not read for a broken quote: {counted(shelf.unread_lines, 'line')}.</span>}
            </td>
            <td class="num">{count(shelf.counts?.reviews ?? shelf.counts?.books)}</td>
            <td class="num wide">{shelf.read_at && status ? <Ago at={shelf.read_at} now={status.now} /> : '–'}</td>
            <td class="num">
              <button type="button" aria-label={`Remove ${shelf.name}`} onClick={() => remove(shelf.id)}>
                Remove
              </button>
            </td>
          </tr>
        ))}
      </Table>
      {error !== '' && (
        <p class="state-error" role="status">
          {error}
        </p>
      )}
    </>
  )
}
