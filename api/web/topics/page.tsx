import { useState } from 'preact/hooks'
import { Link } from 'wouter-preact'
import { useSearchParams } from '../lib/address.ts'
import { type Json, useAnswer, withQuery } from '../lib/answer.ts'
import { count } from '../lib/format.ts'
import { localTime, utcTime } from '../lib/local-time.ts'
import { Panel, State, Table } from '../ui/ui.tsx'
import { RecordRows } from './records.tsx'
import { Tail } from './tail.tsx'

/** What is in Kafka: topics, their records, schemas and groups. */
export const TopicsPage = ({ topic }: { topic: string | null }) => (topic === null ? <TopicList /> : <Topic key={topic} name={topic} />)

const TopicList = () => {
  const answer = useAnswer('/v1/topics', { everyMs: 5000 })
  const topics: Json[] = answer.data?.topics ?? []
  return (
    <Panel
      id="topics"
      title="Topics"
      note="Any Kafka client reads them; schemas are in the registry. Nothing here joins a consumer group or commits anything."
    >
      <State answer={answer} empty={answer.data !== null && topics.length === 0 && 'There are no topics yet.'} />
      {topics.length > 0 && (
        <Table
          label="Topics"
          columns={[
            { name: 'Topic' },
            { name: 'Records', kind: 'num' },
            { name: 'Partitions', kind: 'num' },
            { name: 'Kept', kind: 'wide' },
          ]}
        >
          {topics.map(({ topic, records, partitions, configs }) => (
            <tr key={topic}>
              <th scope="row" class="title">
                <Link href={`/topics/${encodeURIComponent(topic)}`}>{topic}</Link>
              </th>
              <td class="num">{count(records)}</td>
              <td class="num">{count(partitions.length)}</td>
              <td class="wide muted">{keptText(configs)}</td>
            </tr>
          ))}
        </Table>
      )}
    </Panel>
  )
}

const keptText = (configs: Record<string, string>): string => {
  if (configs['cleanup.policy']?.includes('compact')) return 'the newest of each key'
  const ms = Number(configs['retention.ms'] ?? -1)
  return ms < 0 ? 'for ever' : `${count(Math.round(ms / 86_400_000))} days`
}

const Topic = ({ name }: { name: string }) => {
  const [search] = useSearchParams()
  const path = `/v1/topics/${encodeURIComponent(name)}`
  const answer = useAnswer(path, { everyMs: 5000 })
  const topic = answer.data
  return (
    <>
      <p>
        <Link href="/topics">← All topics</Link>
      </p>
      <Panel
        id="topic"
        title={name}
        note={topic && `${count(topic.records)} records in ${count(topic.partitions.length)} partitions, kept ${keptText(topic.configs)}.`}
      >
        <State answer={answer} />
        {topic && (
          <div class="pair even">
            <div>
              <h3>Partitions</h3>
              <Table label="Partitions" columns={[{ name: 'Partition' }, { name: 'From', kind: 'num' }, { name: 'To', kind: 'num' }]}>
                {topic.partitions.map(({ partition, log_start_offset: start, end_offset: end }: Json) => (
                  <tr key={partition}>
                    <th scope="row">{partition}</th>
                    <td class="num">{count(start)}</td>
                    <td class="num">{count(end)}</td>
                  </tr>
                ))}
              </Table>
            </div>
            <div>
              <h3>Consumer groups</h3>
              {topic.groups.length === 0 ? (
                <p class="muted">No group has committed anything of it.</p>
              ) : (
                <Table label="Consumer groups" columns={[{ name: 'Group' }, { name: 'State' }, { name: 'Lag', kind: 'num' }]}>
                  {topic.groups.map(({ group, state, lag_records: lag, members, partitions }: Json) => (
                    <tr key={group}>
                      <th scope="row" class="title">
                        {group}
                        <span class="by">
                          {partitions.map(({ partition, lag_records: each }: Json) => `${partition}: ${count(each)}`).join(', ')}
                        </span>
                      </th>
                      <td>
                        {state.toLowerCase()}
                        <span class="by">{count(members)} members</span>
                      </td>
                      <td class={lag > 0 ? 'num behind' : 'num'}>
                        {lag > 0 ? (
                          <Link href={`/topics/${encodeURIComponent(name)}?${new URLSearchParams({ group })}`}>{count(lag)}</Link>
                        ) : (
                          count(lag)
                        )}
                      </td>
                    </tr>
                  ))}
                </Table>
              )}
            </div>
          </div>
        )}
      </Panel>
      <Messages key={search.toString()} name={name} groups={(topic?.groups ?? []).map(({ group }: Json) => group)} />
      <Schemas name={name} />
    </>
  )
}

/** Records by where a person wants to begin, a page at a time, or as they come. */
const Messages = ({ name, groups }: { name: string; groups: readonly string[] }) => {
  const [search, setSearch] = useSearchParams()
  const [typed, setTyped] = useState<Record<string, string>>(() => Object.fromEntries(search))
  const [cursor, setCursor] = useState<string | null>(null)
  const isLive = search.get('live') === '1'
  const asked = Object.fromEntries(
    ['from', 'partition', 'offset', 'timestamp', 'group', 'key'].map((each) => [each, search.get(each)]).concat([['limit', '25']]),
  )
  const path = withQuery(
    `/v1/topics/${encodeURIComponent(name)}/records`,
    cursor ? { cursor, key: asked['key'], partition: asked['partition'], limit: 25 } : asked,
  )
  const answer = useAnswer(isLive ? null : path)
  // Another address is another list, from its beginning: it is a step that the browser's Back takes back.
  const begin = (query: Record<string, string>) => {
    setCursor(null)
    setTyped(query)
    setSearch(Object.fromEntries(Object.entries(query).filter(([, value]) => value !== '')))
  }
  const set = (field: string) => (event: { currentTarget: { value: string } }) =>
    setTyped((before) => ({ ...before, [field]: event.currentTarget.value }))
  const submit = (event: Event) => {
    event.preventDefault()
    const { live: _, ...rest } = typed
    begin(rest)
  }
  const records: Json[] = answer.data?.records ?? []
  return (
    <Panel
      id="records"
      title="Messages"
      note={isLive ? 'As they come.' : answer.data && `${answer.data.order}; ${count(answer.data.scanned)} were looked at.`}
    >
      <form class="filters" onSubmit={submit} aria-label="Which messages">
        <label>
          Key <input id="record-key" value={typed['key'] ?? ''} onInput={set('key')} />
        </label>
        <label>
          Partition <input inputMode="numeric" size={4} value={typed['partition'] ?? ''} onInput={set('partition')} />
        </label>
        <label>
          Offset <input inputMode="numeric" size={10} value={typed['offset'] ?? ''} onInput={set('offset')} />
        </label>
        <label>
          From{' '}
          <input
            id="record-time"
            type="datetime-local"
            step="1"
            title={typed['timestamp'] || undefined}
            value={localTime(typed['timestamp'])}
            onInput={(event) => setTyped((before) => ({ ...before, timestamp: utcTime(event.currentTarget.value) }))}
          />
        </label>
        <label>
          Not yet consumed by
          <select value={typed['group'] ?? ''} onChange={set('group')}>
            <option value="">–</option>
            {groups.map((group) => (
              <option key={group}>{group}</option>
            ))}
          </select>
        </label>
        <button type="submit">Show</button>
        <button type="button" onClick={() => begin({})}>
          Newest
        </button>
        <button
          id="live-tail"
          type="button"
          aria-pressed={isLive}
          onClick={() => begin(isLive ? {} : { live: '1', key: typed['key'] ?? '' })}
        >
          Live
        </button>
      </form>
      {isLive ? (
        <Tail name={name} recordKey={search.get('key')} />
      ) : (
        <>
          <State answer={answer} empty={answer.data !== null && records.length === 0 && 'No message is there to show.'} />
          {records.length > 0 && <RecordRows records={records} />}
          {answer.data?.next && (
            <p>
              <button type="button" onClick={() => setCursor(answer.data.next)}>
                {answer.data.order === 'newest first' ? 'Older' : 'Next'}
              </button>
            </p>
          )}
        </>
      )}
    </Panel>
  )
}

const Schemas = ({ name }: { name: string }) => {
  const answer = useAnswer(`/v1/topics/${encodeURIComponent(name)}/schemas`)
  const versions: Json[] = answer.data?.versions ?? []
  return (
    <Panel id="schemas" title="Schema versions" note={answer.data && `Subject ${answer.data.subject}.`}>
      <State answer={answer} empty={answer.data !== null && versions.length === 0 && 'No schema is registered for it.'} />
      {versions.toReversed().map(({ version, id, schema, changes }) => (
        <details key={version}>
          <summary>
            Version {version}, id {id}
            {changes && changeText(changes)}
          </summary>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
          <pre tabIndex={0}>{JSON.stringify(schema, null, 2)}</pre>
        </details>
      ))}
    </Panel>
  )
}

const changeText = ({ added, removed, changed }: Json): string => {
  const parts = [
    added.length > 0 && `added ${added.join(', ')}`,
    removed.length > 0 && `removed ${removed.join(', ')}`,
    changed.length > 0 && `changed ${changed.map(({ field }: Json) => field).join(', ')}`,
  ].filter(Boolean)
  return parts.length === 0 ? ': the same fields' : `: ${parts.join('; ')}`
}
