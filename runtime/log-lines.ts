import { open } from 'node:fs/promises'
import path from 'node:path'
import { lineText } from './line-text.ts'
import { rotatedName } from './log-files.ts'
import { programOfStage, type StageName } from './stage-names.ts'

/** A line of a program's log, for people. */
export interface LogLine {
  /** ISO 8601. */
  at: string
  level: string
  text: string
  /** What else it says. */
  fields: Readonly<Record<string, unknown>>
}

const MAX_BYTES = 256 * 1024
const MAX_CHARS = 500
const SECRET_FIELD = /key$|password|authorization|secret|token/i

const shortened = (text: string) => (text.length > MAX_CHARS ? `${text.slice(0, MAX_CHARS)}…` : text)

/**
 * A line on a program's stderr as its log file has it: what is no line of the log's shape, such as the last words before an end
 * or a warning of the runtime, becomes one.
 */
export const asLogLine = (
  line: string,
  { program, nowMs, redact }: { program: string; nowMs: number; redact: (text: string) => string },
): string => {
  if (fieldsOf(line)) return line
  const [lastWords, prefix] = [line.startsWith(`${program}: `), program.length + 2]
  const msg = redact(lastWords ? line.slice(prefix) : line)
  return JSON.stringify({ level: lastWords ? 'fatal' : 'warn', time: new Date(nowMs).toISOString(), program, msg })
}

/** What a line of the log's shape says; null for another. */
const fieldsOf = (line: string): (Record<string, unknown> & { time: string; level: string }) | null => {
  try {
    const said = JSON.parse(line)
    return typeof said.time === 'string' && typeof said.level === 'string' ? said : null
  } catch {
    return null
  }
}

/** Of a line of a log; null for one that says nothing of its own, such as a part of a stack trace. Pure. */
export const parseLogLine = (line: string, redact: (text: string) => string): LogLine | null => {
  const said = fieldsOf(line)
  if (!said) return null
  const { time, level, msg, program: _, ...fields } = said
  const shown = Object.entries(fields).map(([name, value]) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value)
    const isPlain = typeof value === 'number' || typeof value === 'boolean' || value === null
    return [name, SECRET_FIELD.test(name) ? '[secret]' : isPlain ? value : shortened(redact(text))]
  })
  return { at: time, level, text: shortened(redact(String(msg ?? ''))), fields: Object.fromEntries(shown) }
}

/** The lines at the end of a log, oldest first, of at most `maxBytes`; none where there is no such file. */
export const lastLines = async (file: string, maxBytes = MAX_BYTES): Promise<string[]> => {
  const { lines, bytes } = await linesAtEnd(file, maxBytes)
  // It may have been begun a moment ago.
  return bytes >= maxBytes ? lines : [...(await linesAtEnd(rotatedName(file, 1), maxBytes - bytes)).lines, ...lines]
}

const linesAtEnd = async (file: string, maxBytes: number): Promise<{ lines: string[]; bytes: number }> => {
  const handle = await open(file, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (!handle) return { lines: [], bytes: 0 }
  try {
    const { size } = await handle.stat()
    const start = Math.max(0, size - maxBytes)
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - start), 0, size - start, start)
    const lines = buffer.toString('utf8', 0, bytesRead).split('\n')
    // What was cut is no line.
    return { lines: (start > 0 ? lines.slice(1) : lines).filter((line) => line !== ''), bytes: bytesRead }
  } finally {
    await handle.close()
  }
}

/** The newest lines of the log of a stage's program that are of the stage, or of none of its stages; oldest first. */
export const stageLogLines = async (
  { logDir, stage, limit }: { logDir: string; stage: StageName; limit: number },
  redact: (text: string) => string,
): Promise<LogLine[]> => {
  const found: LogLine[] = []
  for (const line of (await lastLines(path.join(logDir, `${programOfStage[stage]}.log`))).reverse()) {
    const parsed = parseLogLine(line, redact)
    if (!parsed || (parsed.fields['stage'] !== undefined && parsed.fields['stage'] !== stage)) continue
    found.push(parsed)
    if (found.length === limit) break
  }
  return found.reverse()
}

/** A line as a terminal shows it. */
export const logLineText = ({ at, level, text, fields }: LogLine): string => {
  const more = Object.entries(fields).map(([name, value]) => `${name}=${value}`)
  return lineText([at, level.padEnd(5), text, ...more].join(' ').trim())
}
