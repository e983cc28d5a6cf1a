import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { lastLines, parseLogLine } from '../../runtime/log-lines.ts'
import { type Check, ok, warn } from './check.ts'

const HOUR_MS = 3_600_000
const programs = ['poll', 'consume', 'compact', 'serve']

/** The programs' log files: errors of the last hour at their ends. */
export const checkLogs = async (logDir: string, nowMs: number, redact: (text: string) => string): Promise<Check[]> => {
  const files = await readdir(logDir).catch((): string[] => [])
  const checks = await Promise.all(
    programs.map(async (program): Promise<Check[]> => {
      const name = `log ${program}`
      if (!files.includes(`${program}.log`)) return []
      const file = path.join(logDir, `${program}.log`)
      const errors = (await lastLines(file)).flatMap((line) => {
        const parsed = parseLogLine(line, redact)
        const isError = parsed?.level === 'error' || parsed?.level === 'fatal'
        return isError && nowMs - Date.parse(parsed.at) < HOUR_MS ? [parsed] : []
      })
      const newest = errors.at(-1)
      if (!newest) return [ok(name, 'no errors in the last hour')]
      const said = [newest.text, newest.fields['error'] ?? newest.fields['reason'] ?? ''].filter((part) => part !== '').join(': ')
      return [warn(name, `${errors.length} errors in the last hour, the newest: ${said}`, `Read ${file}.`)]
    }),
  )
  return checks.flat()
}
