import { open } from 'node:fs/promises'

/** A line of a program's log, for people. */
export interface LogLine {
  /** ISO 8601; null of a line that is no JSON, such as the last one before an end. */
  at: string | null
  level: string
  text: string
  /** What else it says. */
  fields: Readonly<Record<string, unknown>>
}

const MAX_BYTES = 256 * 1024
const MAX_CHARS = 500
const SECRET_FIELD = /key$|password|authorization|secret|token/i

const shortened = (text: string) => (text.length > MAX_CHARS ? `${text.slice(0, MAX_CHARS)}…` : text)

/** Of a line of the log of `program`; null for one that says nothing of its own, such as a part of a stack trace. Pure. */
export const parseLogLine = (line: string, program: string, redact: (text: string) => string): LogLine | null => {
  const safe = shortened(redact(line))
  if (line.startsWith(`${program}: `)) return { at: null, level: 'error', text: safe.slice(program.length + 2), fields: {} }
  try {
    const { time, level, msg, program: _, ...fields } = JSON.parse(line) as Record<string, unknown>
    if (typeof time !== 'string' || typeof level !== 'string') return null
    const shown = Object.entries(fields).map(([name, value]) => {
      const text = typeof value === 'string' ? value : JSON.stringify(value)
      const isPlain = typeof value === 'number' || typeof value === 'boolean' || value === null
      return [name, SECRET_FIELD.test(name) ? '[secret]' : isPlain ? value : shortened(redact(text))]
    })
    return { at: time, level, text: shortened(redact(String(msg ?? ''))), fields: Object.fromEntries(shown) }
  } catch {
    return null
  }
}

/** The lines at the end of a file, oldest first, of at most `maxBytes`; none where there is no such file. */
export const lastLines = async (file: string, maxBytes = MAX_BYTES): Promise<string[]> => {
  const handle = await open(file, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (!handle) return []
  try {
    const { size } = await handle.stat()
    const start = Math.max(0, size - maxBytes)
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - start), 0, size - start, start)
    const lines = buffer.toString('utf8', 0, bytesRead).split('\n')
    // What was cut is no line.
    return (start > 0 ? lines.slice(1) : lines).filter((line) => line !== '')
  } finally {
    await handle.close()
  }
}

/** The newest lines of the log of `program` that are of a stage, or of none of its stages; oldest first. */
export const stageLogLines = async (
  { file, program, stage, limit }: { file: string; program: string; stage: string; limit: number },
  redact: (text: string) => string,
): Promise<LogLine[]> => {
  const found: LogLine[] = []
  for (const line of (await lastLines(file)).reverse()) {
    const parsed = parseLogLine(line, program, redact)
    if (!parsed || (parsed.fields['stage'] !== undefined && parsed.fields['stage'] !== stage)) continue
    found.push(parsed)
    if (found.length === limit) break
  }
  return found.reverse()
}

/** A line as a terminal shows it. */
export const logLineText = ({ at, level, text, fields }: LogLine): string => {
  const more = Object.entries(fields).map(([name, value]) => `${name}=${value}`)
  return [at ?? '', level.padEnd(5), text, ...more].join(' ').trim()
}
