/** Offsets `from` to `to` (exclusive). */
export interface OffsetRange {
  from: number
  to: number
}

/** Some offsets: how many, and the first of them as ranges. */
export interface Offsets {
  count: number
  ranges: OffsetRange[]
}

const MAX_RANGES = 20

export const noOffsets = (): Offsets => ({ count: 0, ranges: [] })

/** Adds offsets that come after those that are there. `count` where not all of the range are meant. */
export const addRange = (offsets: Offsets, { from, to }: OffsetRange, count = to - from): void => {
  if (count <= 0) return
  offsets.count += count
  const last = offsets.ranges.at(-1)
  if (last && last.to === from) last.to = to
  else if (offsets.ranges.length < MAX_RANGES) offsets.ranges.push({ from, to })
}

export const addOffset = (offsets: Offsets, offset: number): void => addRange(offsets, { from: offset, to: offset + 1 })

/** Such as `3, 7–9 and more`. */
export const rangeText = ({ count, ranges }: Offsets): string => {
  const shown = ranges.map(({ from, to }) => (to === from + 1 ? String(from) : `${from}–${to - 1}`)).join(', ')
  return ranges.reduce((sum, { from, to }) => sum + to - from, 0) < count ? `${shown} and more` : shown
}

/** What is left of a range without some others, which are in order. */
export const subtract = (range: OffsetRange, others: readonly OffsetRange[]): OffsetRange[] => {
  const left: OffsetRange[] = []
  let { from } = range
  for (const other of [...others].sort((a, b) => a.from - b.from)) {
    if (other.to <= from || other.from >= range.to) continue
    if (other.from > from) left.push({ from, to: other.from })
    from = Math.max(from, other.to)
  }
  if (from < range.to) left.push({ from, to: range.to })
  return left
}

export const isWithin = (offset: number, ranges: readonly OffsetRange[]): boolean =>
  ranges.some(({ from, to }) => offset >= from && offset < to)

export const sizeOf = (ranges: readonly OffsetRange[]): number => ranges.reduce((sum, { from, to }) => sum + to - from, 0)
