import { z } from 'zod'

const durationUnitsMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const sizeUnitsBytes = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const

const quantity = (units: Record<string, number>, example: string) =>
  z.string().transform((text, context) => {
    const match = /^(\d+(?:\.\d+)?)([A-Za-z]+)$/.exec(text.trim())
    const factor = match?.[2] === undefined ? undefined : units[match[2]]
    if (!match || factor === undefined) {
      context.addIssue({
        code: 'custom',
        message: `'${text}' needs a number and a unit (${Object.keys(units).join(', ')}), such as ${example}`,
      })
      return z.NEVER
    }
    return Math.round(Number(match[1]) * factor)
  })

/** A duration such as `10s` or `10m`, in milliseconds. */
export const durationMs = quantity(durationUnitsMs, '10s')
/** A size such as `64MiB`, in bytes. */
export const sizeBytes = quantity(sizeUnitsBytes, '64MiB')

const whole = (min: number, max: number) => (text: string, context: z.RefinementCtx) => {
  const value = /^\d+$/.test(text.trim()) ? Number(text) : Number.NaN
  if (!(value >= min && value <= max)) {
    context.addIssue({ code: 'custom', message: `'${text}' is not a whole number from ${min} to ${max}` })
    return z.NEVER
  }
  return value
}

export const count = (min = 1, max = 1_000_000_000) => z.string().transform(whole(min, max))
export const portNumber = z.string().transform(whole(0, 65_535))
/** On where it is given, and where a variable says anything but false. */
export const aSwitch = z.string().transform((text) => text !== 'false')
export const text = z.string().min(1, 'must not be empty')
/** Texts with commas between. */
export const list = text.transform((value) =>
  value
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean),
)
