import { type Check, CLOCK_TOLERANCE_MS, type Rule } from '../../schemas/rules.ts'
import { dayOf } from '../time.ts'

export interface Verdict {
  /** The first rule that rejects the record, with what was found; null for a valid record. */
  rejected: { rule: Rule; found: string } | null
  /** Rules whose value is nulled, the row flagged. */
  nulled: Rule[]
}

const daysInMonth = (year: number, month: number) => {
  const last = new Date(Date.UTC(2000, month, 0))
  last.setUTCFullYear(year, month, 0)
  return last.getUTCDate()
}

const isCalendarDate = (
  check: Extract<Check, { kind: 'calendar-date' }>,
  year: number,
  record: Record<string, unknown>,
  arrivalMs: number,
): boolean => {
  const month = record[check.monthField] as number | null
  const day = record[check.dayField] as number | null
  if (!Number.isInteger(year) || year < check.fromYear) return false
  if (month !== null && !(month >= 1 && month <= 12)) return false
  if (day !== null && !(day >= 1 && day <= (month === null ? 31 : daysInMonth(year, month)))) return false
  const latest = new Date(arrivalMs + CLOCK_TOLERANCE_MS)
  const published = [year, month ?? 1, month === null ? 1 : (day ?? 1)]
  const limit = [latest.getUTCFullYear(), latest.getUTCMonth() + 1, latest.getUTCDate()]
  const at = published.findIndex((part, index) => part !== limit[index])
  return at < 0 || (published[at] ?? 0) < (limit[at] ?? 0)
}

const isMissing = (value: unknown) => value === null || value === undefined || (typeof value === 'string' && value.trim() === '')

/** Whether a value satisfies a check; a missing value satisfies every check but `required`. */
const passes = (check: Check, value: unknown, record: Record<string, unknown>, arrivalMs: number): boolean => {
  if (check.kind === 'required') return !isMissing(value)
  if (value === null || value === undefined) return true
  const number = value as number
  switch (check.kind) {
    case 'range':
      return number >= check.min && number <= check.max
    case 'time':
      return number >= check.fromMs && number <= arrivalMs + CLOCK_TOLERANCE_MS
    case 'date':
      return number >= check.fromDays && number <= dayOf(arrivalMs + CLOCK_TOLERANCE_MS)
    case 'calendar-date':
      return isCalendarDate(check, number, record, arrivalMs)
  }
}

const shown = (value: unknown) => (value === null || value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 80))

/** Applies the rules to one record as it was delivered. `arrivalMs` is its Kafka timestamp. */
export const check = (rules: readonly Rule[], record: Record<string, unknown>, arrivalMs: number): Verdict => {
  const failed = rules.filter((rule) => !passes(rule.check, record[rule.field], record, arrivalMs))
  const rejecting = failed.find(({ severity }) => severity === 'reject')
  return {
    rejected: rejecting ? { rule: rejecting, found: shown(record[rejecting.field]) } : null,
    nulled: failed.filter(({ severity }) => severity === 'null-and-flag'),
  }
}
