import { useEffect, useState } from 'preact/hooks'
import { ask, type Json, withQuery } from '../lib/answer.ts'
import { count } from '../lib/format.ts'
import { RecordRows } from './records.tsx'

const KEPT = 100
const AGAIN_MS = 2000

/**
 * Hears a topic's tail until it is left. A browser gives up for good where the server refuses to begin, as it does while Kafka is
 * away: then it is asked again, from the last message that came.
 */
const listen = (
  path: string,
  hear: { record: (record: Json) => void; skipped: (records: number) => void; note: (text: string) => void },
): (() => void) => {
  let source: EventSource | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  let lastId = ''
  const connect = () => {
    source = new EventSource(
      lastId === '' ? path : `${path}${path.includes('?') ? '&' : '?'}${new URLSearchParams({ last_event_id: lastId })}`,
    )
    const on = (type: string, take: (data: Json) => void) =>
      source?.addEventListener(type, (event) => {
        lastId = (event as MessageEvent).lastEventId || lastId
        take(JSON.parse((event as MessageEvent).data))
      })
    source.onopen = () => hear.note('')
    on('record', (record) => {
      hear.note('')
      hear.record(record)
    })
    on('skipped', ({ records }) => hear.skipped(records))
    on('waiting', ({ detail }) => hear.note(detail))
    on('gone', ({ detail }) => {
      hear.note(detail)
      source?.close()
    })
    source.onerror = () => {
      hear.note('The connection was lost; it is tried again.')
      if (source?.readyState !== EventSource.CLOSED) return
      // The stream itself tells no reason; the topic's own page does.
      ask(path.replace(/\/tail.*/, '')).catch((error: Error) => hear.note(`${error.message} It is tried again.`))
      timer = setTimeout(connect, AGAIN_MS)
    }
  }
  connect()
  return () => {
    clearTimeout(timer)
    source?.close()
  }
}

/** Messages as they come, the newest first. */
export const Tail = ({ name, recordKey }: { name: string; recordKey: string | null }) => {
  const [records, setRecords] = useState<Json[]>([])
  const [skipped, setSkipped] = useState(0)
  const [note, setNote] = useState('')
  useEffect(() => {
    setRecords([])
    setSkipped(0)
    return listen(withQuery(`/v1/topics/${encodeURIComponent(name)}/tail`, { key: recordKey }), {
      record: (record) => setRecords((before) => [record, ...before].slice(0, KEPT)),
      skipped: (more) => setSkipped((before) => before + more),
      note: setNote,
    })
  }, [name, recordKey])
  const waiting = records.length === 0 ? 'Waiting for the next message…' : ''
  return (
    <>
      <p class="muted" role="status">
        {note || waiting}
      </p>
      {skipped > 0 && <p class="muted">{count(skipped)} messages came too fast to be shown.</p>}
      {records.length > 0 && <RecordRows records={records} />}
    </>
  )
}
