import { type Check, CLOCK_TOLERANCE_MS, type Contract, type Format, type Rule } from '../../schemas/contracts/contract.ts'
import { dayOf } from '../time.ts'

type Values = Readonly<Record<string, unknown>>

export interface Verdict {
  /** The first rule that rejects the record, with what was found, such as `rating is 9`; null for a record that becomes a row. */
  rejected: { rule: Rule; found: string } | null
  /** Rules that the row breaks nevertheless; none of a record that is rejected. */
  warned: Rule[]
}

/** The contract of an entity, ready to judge its records. */
export interface Judge {
  /** Judges a record as it was delivered. `arrivalMs` is when it first arrived. */
  check: (record: Values, arrivalMs: number) => Verdict
  /** What fields hold that Silver brings into a form. */
  formats: ReadonlyMap<string, Format>
  /** The rule for what was found while a field was brought into its form. */
  formatRule: (field: string, finds: Finding) => Rule
}

export type Finding = Extract<Check, { kind: 'format' }>['finds']

const daysInMonth = (year: number, month: number) => {
  const last = new Date(Date.UTC(2000, month, 0))
  last.setUTCFullYear(year, month, 0)
  return last.getUTCDate()
}

const isCalendarDate = (fromYear: number, [year, month, day]: readonly (number | null)[], arrivalMs: number): boolean => {
  if (year === null || year === undefined) return true
  if (!Number.isInteger(year) || year < fromYear) return false
  if (month != null && !(month >= 1 && month <= 12)) return false
  if (day != null && !(day >= 1 && day <= (month == null ? 31 : daysInMonth(year, month)))) return false
  const latest = new Date(arrivalMs + CLOCK_TOLERANCE_MS)
  const published = [year, month ?? 1, month == null ? 1 : (day ?? 1)]
  const limit = [latest.getUTCFullYear(), latest.getUTCMonth() + 1, latest.getUTCDate()]
  const at = published.findIndex((part, index) => part !== limit[index])
  return at < 0 || (published[at] ?? 0) < (limit[at] ?? 0)
}

const isNothing = (value: unknown) => value === null || value === undefined
const isMissing = (value: unknown) => isNothing(value) || (typeof value === 'string' && value.trim() === '')

type Passes = (record: Values, arrivalMs: number) => boolean

/** A check as a function; null for one that is made elsewhere. A missing value satisfies every check but `required`. */
const compiled = ({ check, fields }: Rule): Passes | null => {
  const [field = ''] = fields
  const within = (passes: (value: number, arrivalMs: number) => boolean): Passes => {
    return (record, arrivalMs) => isNothing(record[field]) || passes(record[field] as number, arrivalMs)
  }
  switch (check.kind) {
    case 'required':
      return (record) => !isMissing(record[field])
    case 'range':
      return within((value) => value >= check.min && value <= check.max)
    case 'time':
      return within((value, arrivalMs) => value >= check.fromMs && value <= arrivalMs + CLOCK_TOLERANCE_MS)
    case 'date':
      return within((value, arrivalMs) => value >= check.fromDays && value <= dayOf(arrivalMs + CLOCK_TOLERANCE_MS))
    case 'calendar-date':
      return (record, arrivalMs) =>
        isCalendarDate(
          check.fromYear,
          fields.map((name) => record[name] as number | null),
          arrivalMs,
        )
    case 'sum':
      return (record) => {
        const values = fields.map((name) => record[name])
        const total = values.pop()
        return isNothing(total) || values.some(isNothing) || values.reduce<number>((sum, value) => sum + (value as number), 0) === total
      }
    case 'format':
    case 'record':
      return null
  }
}

const shown = (value: unknown) => {
  if (isNothing(value)) return 'nothing'
  // JSON has no NaN and no Infinity.
  return (typeof value === 'number' ? String(value) : JSON.stringify(value)).slice(0, 80)
}

/** A number of milliseconds as a time; as it is where there is no such time. */
const shownTime = (value: unknown) => {
  const time = new Date(Number(value))
  return isNothing(value) || Number.isNaN(time.getTime()) ? shown(value) : time.toISOString()
}

/** What a rule found in a record, in words: what it names first, or all parts of a date. */
const foundBy = ({ check, fields: [field = '', ...others] }: Rule, record: Values): string => {
  const value = record[field]
  switch (check.kind) {
    case 'time':
      return `${field} is ${shownTime(value)}`
    case 'calendar-date': {
      const part = (name: string) => (isNothing(record[name]) ? '–' : shown(record[name]))
      const names = [field, ...others.map((name) => name.slice(name.lastIndexOf('_') + 1))]
      return `${names.join('/')} is ${[field, ...others].map(part).join('/')}`
    }
    default:
      return `${field} is ${shown(value)}`
  }
}

/** Makes what judges the records of a contract's entity. */
export const createJudge = ({ entity, fields, rules }: Contract): Judge => {
  const judged = rules.flatMap((rule) => {
    const passes = compiled(rule)
    return passes ? [{ rule, passes }] : []
  })
  const rejecting = judged.filter(({ rule }) => rule.severity === 'reject')
  const warning = judged.filter(({ rule }) => rule.severity === 'warn')
  return {
    check: (record, arrivalMs) => {
      const rejected = rejecting.find(({ passes }) => !passes(record, arrivalMs))
      if (rejected) return { rejected: { rule: rejected.rule, found: foundBy(rejected.rule, record) }, warned: [] }
      return { rejected: null, warned: warning.filter(({ passes }) => !passes(record, arrivalMs)).map(({ rule }) => rule) }
    },
    formats: new Map(fields.flatMap(({ name, format }) => (format === null ? [] : [[name, format]]))),
    formatRule: (field, finds) => {
      const found = rules.find(({ check, fields: [of] }) => check.kind === 'format' && check.finds === finds && of === field)
      if (!found) throw new Error(`the contract of ${entity} has no rule for a ${field} that is ${finds}`)
      return found
    },
  }
}
