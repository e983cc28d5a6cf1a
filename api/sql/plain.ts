/** A value of a result as JSON has it, whatever it lies in: NaN and infinities as text, binary as base64; all others as they are. */
export const plainCell = (value: unknown): unknown => {
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (Array.isArray(value)) return value.map(plainCell)
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plainCell(each)]))
}
