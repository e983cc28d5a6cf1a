import { type Backfill, type BackfillMissing, estimateMs, isOver } from '../../lineage/backfill/inbox.ts'
import { durationText } from '../../runtime/duration-text.ts'

const MAX_NAMED = 10
/** Why a backfill waits whose poller is told to do nothing. */
export const PAUSED = 'stage poll is paused; it goes on after: readflow resume poll'

/** What could not be had, such as `2 readers could not be had: 7, 9`; null where all could. */
export const missingText = (missing: readonly BackfillMissing[]): string | null => {
  const parts = Array.from(
    Map.groupBy(missing, ({ kind }) => kind),
    ([kind, { length }]) => `${length} ${kind}${length === 1 ? '' : 's'}`,
  )
  if (parts.length === 0) return null
  const ids = missing.slice(0, MAX_NAMED).map(({ kind, id }) => (parts.length === 1 ? id : `${kind} ${id}`))
  const more = missing.length > MAX_NAMED ? ` and ${missing.length - MAX_NAMED} more` : ''
  return `${parts.join(', ')} could not be had: ${ids.join(', ')}${more}`
}

/** Whether all of it was had. */
export const isWhole = ({ status }: Backfill): boolean => status?.state === 'done' && status.missing.length === 0

/** A backfill in a line: how far it is, and about how long it takes still. Pure. */
export const backfillLine = (backfill: Backfill, isPaused = false): string => {
  const { request, status } = backfill
  const name = `${request.fromDay} to ${request.toDay}`
  const isWaiting = isPaused && !isOver(backfill)
  if (!status) return `${name}: ${request.isCancelled ? 'taken back' : isWaiting ? `waiting: ${PAUSED}` : 'waiting for the poller'}`
  const { state, requests, requestsLeft, records, daysDone, days, workedMs, missing } = status
  const detail = isWaiting ? PAUSED : status.detail
  const published = Object.entries(records)
    .filter(([, count]) => count > 0)
    .map(([entity, count]) => `${count} ${entity}`)
  const leftMs = estimateMs(status)
  const left = state === 'running' && leftMs !== null ? `, about ${durationText(leftMs)} left` : ''
  const isOpen = !isOver(backfill) && requestsLeft !== null && requestsLeft > 0
  const what = [
    `${daysDone} of ${days} ${days === 1 ? 'day' : 'days'}`,
    isOpen ? `${requests} of about ${requests + requestsLeft} requests` : `${requests} requests`,
    published.length === 0 ? 'no records' : published.join(', '),
  ].join('; ')
  const without = missingText(missing)
  const but = without === null ? '' : `${state === 'done' ? ', but' : ';'} ${without}`
  return `${name}: ${state}${but}${detail ? ` (${detail})` : ''}: ${what}; ${durationText(workedMs)}${left}`
}

/** The same for machines. */
export const backfillJson = (backfill: Backfill, isPaused = false) => {
  const { request, status } = backfill
  return {
    ok: status?.state !== 'failed' && (status?.missing ?? []).length === 0,
    from: request.fromDay,
    to: request.toDay,
    state: status?.state ?? 'waiting',
    detail: isPaused && !isOver(backfill) ? PAUSED : (status?.detail ?? null),
    requests: status?.requests ?? 0,
    requests_left: status?.requestsLeft ?? null,
    records: status?.records ?? {},
    days_done: status?.daysDone ?? 0,
    days: status?.days ?? null,
    missing: status?.missing ?? [],
    worked_ms: status?.workedMs ?? 0,
    estimate_ms: status ? estimateMs(status) : null,
  }
}
