import type { Json } from '../lib/answer.ts'
import { palette, restColor } from '../ui/chart.tsx'

/** Months since year 0 of a text such as 2026-11. */
const monthNumber = (text: string) => Number(text.slice(0, 4)) * 12 + Number(text.slice(5)) - 1
const monthText = (number: number) => `${String(Math.floor(number / 12)).padStart(4, '0')}-${String((number % 12) + 1).padStart(2, '0')}`
/** The month after one, both as 2026-11. */
export const monthAfter = (text: string) => monthText(monthNumber(text) + 1)

const DAY_MS = 86_400_000
/** Every month, or where the texts are of days every day, from the first to the last. */
const periodsBetween = (first: string, last: string): string[] => {
  if (first.length === 7) {
    const from = monthNumber(first)
    return Array.from({ length: monthNumber(last) - from + 1 }, (_, index) => monthText(from + index))
  }
  const from = Date.parse(first)
  const days = Math.round((Date.parse(last) - from) / DAY_MS) + 1
  return Array.from({ length: days }, (_, index) => new Date(from + index * DAY_MS).toISOString().slice(0, 10))
}

const MOST_MONTHS_BY_DAY = 2
/** How long a point in time is: a month, and a day where so few months are asked for that theirs would be hardly a point. */
export const bucketOf = ({ from, to }: { from: string; to: string }): 'day' | 'month' =>
  from !== '' && to !== '' && monthNumber(to) - monthNumber(from) <= MOST_MONTHS_BY_DAY ? 'day' : 'month'

const sum = (rows: readonly Json[], field: string): number => rows.reduce((total, row) => total + row[field], 0)

/**
 * Points of many lines as series over every month, or day, from the first to the last, one without ratings among them: the lines with
 * most ratings each, the others summed up.
 */
export const pointsByKey = (points: readonly Json[], nameOf: (key: string, name: string) => string = (_key, name) => name) => {
  const first = points[0]
  if (!first) return { periods: [], series: [] }
  const periods = periodsBetween(first.period, points.at(-1)!.period)
  const lines = [...Map.groupBy(points, ({ key }) => key as string)]
    .map(([key, own]) => ({ key, name: nameOf(key, own[0].name), own, ratings: sum(own, 'ratings') }))
    .sort((a, b) => Number(a.key === 'other') - Number(b.key === 'other') || b.ratings - a.ratings)
  const leading = lines.slice(0, palette.length - 1).filter(({ key }) => key !== 'other')
  const others = lines.slice(leading.length)
  const shown: { key: string | null; name: string; own: Json[]; color: string }[] = leading.map(({ key, name, own }, index) => ({
    ...{ key, name, own },
    color: palette[index]!,
  }))
  if (others.length > 0) shown.push({ key: null, name: 'All others', own: others.flatMap(({ own }) => own), color: restColor })
  const series = shown.map(({ key, own, name, color }) => {
    const byPeriod = Map.groupBy(own, (point) => point.period as string)
    const ratings = sum(own, 'ratings')
    const stars = own.reduce((total, point) => total + point.average * point.ratings, 0)
    return {
      key,
      name,
      color,
      ratings,
      average: ratings === 0 ? null : stars / ratings,
      values: periods.map((text) => sum(byPeriod.get(text) ?? [], 'ratings')),
    }
  })
  return { periods, series }
}
