import { type Backfill, estimateMs } from '../../lineage/backfill/inbox.ts'
import { durationText } from '../../runtime/duration-text.ts'

/** A backfill in a line: how far it is, and how long it takes still. Pure. */
export const backfillLine = ({ request: { fromDay, toDay, isCancelled }, status }: Backfill): string => {
  const name = `${fromDay} to ${toDay}`
  if (!status) return `${name}: ${isCancelled ? 'taken back' : 'waiting for the poller'}`
  const { state, detail, requests, records, daysDone, days, workedMs } = status
  const published = Object.entries(records)
    .filter(([, count]) => count > 0)
    .map(([entity, count]) => `${count} ${entity}`)
  const leftMs = estimateMs(status)
  const left = state === 'running' && leftMs !== null ? `, at most ${durationText(leftMs)} left` : ''
  const what = [
    `${daysDone} of ${days} ${days === 1 ? 'day' : 'days'}`,
    `${requests} requests`,
    published.length === 0 ? 'no records' : published.join(', '),
  ].join('; ')
  return `${name}: ${state}${detail ? ` (${detail})` : ''}: ${what}; ${durationText(workedMs)}${left}`
}

/** The same for machines. */
export const backfillJson = ({ request, status }: Backfill) => ({
  ok: status?.state !== 'failed',
  from: request.fromDay,
  to: request.toDay,
  state: status?.state ?? 'waiting',
  detail: status?.detail ?? null,
  requests: status?.requests ?? 0,
  requests_left: status?.requestsLeft ?? null,
  records: status?.records ?? {},
  days_done: status?.daysDone ?? 0,
  days: status?.days ?? null,
  worked_ms: status?.workedMs ?? 0,
  estimate_ms: status ? estimateMs(status) : null,
})
