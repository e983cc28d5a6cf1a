/** About what a plain value of a result takes as JSON, in bytes. */
export const jsonBytes = (value: unknown): number => {
  if (typeof value === 'string') return value.length + 3
  if (value instanceof Uint8Array) return value.length * 1.4
  if (Array.isArray(value)) return value.reduce((sum: number, each) => sum + jsonBytes(each), 2)
  if (typeof value === 'object' && value !== null)
    return Object.entries(value).reduce((sum, [key, each]) => sum + key.length + 4 + jsonBytes(each), 2)
  return 8
}
