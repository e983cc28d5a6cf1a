const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
] as const

/** A duration as a person would type it, in its two largest units: `90m` is `1h 30m`. What is under a second is in `ms`. */
export const durationText = (durationMs: number): string => {
  if (durationMs < 1000) return `${Math.round(durationMs)}ms`
  let restMs = Math.round(durationMs / 1000) * 1000
  const first = units.findIndex(([, unitMs]) => restMs >= unitMs)
  const parts = units.slice(first, first + 2).flatMap(([unit, unitMs]) => {
    const amount = Math.floor(restMs / unitMs)
    restMs -= amount * unitMs
    return amount === 0 ? [] : [`${amount}${unit}`]
  })
  return parts.join(' ')
}
