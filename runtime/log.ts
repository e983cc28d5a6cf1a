import pino from 'pino'
import type { LogFieldName, LogFields } from './log-fields.ts'
import { createRepeats } from './log-repeats.ts'
import { createRedactor } from './redact-text.ts'

/** A field that no line has must not compile, neither written out nor spread. */
type Known<F> = F & { [N in Exclude<keyof F, LogFieldName>]: never }
type Say = <F extends LogFields>(fields: Known<F>, msg: string) => void

/** What a program says: lines of one shape, see docs/logs.md. */
export interface Log {
  debug: Say
  info: Say
  warn: Say
  error: Say
  /** One whose lines all have these fields. */
  child: <F extends LogFields>(fields: Known<F>, options?: { level?: string }) => Log
}

const WARN = 40
/** What differs between two lines that say the same. */
const passing: ReadonlySet<string> = new Set(['retry_in_ms', 'duration_ms', 'run_id', 'poll_id'])

const textOf = (level: number, fields: object, msg: unknown) =>
  JSON.stringify([level, msg, ...Object.entries(fields).filter(([name]) => !passing.has(name))])

/**
 * JSON lines on stderr, one shape for every program. Warnings and errors that say the same as one before come at longer and
 * longer intervals. Secrets of the environment, and what looks like one, are taken out; no source URL may be logged before its
 * key was cut out all the same.
 */
export const createLog = (
  program: string,
  level = 'info',
  {
    env = process.env,
    nowMs = Date.now,
    destination = pino.destination({ dest: 2, sync: true }),
  }: { env?: NodeJS.ProcessEnv; nowMs?: () => number; destination?: pino.DestinationStream } = {},
): Log => {
  const repeats = createRepeats(nowMs)
  return pino(
    {
      level,
      base: { program },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      hooks: {
        streamWrite: createRedactor(env),
        logMethod(args, method, number) {
          const [fields, msg] = args as unknown as [object, string]
          const leftOut = number < WARN ? 0 : repeats(textOf(number, { ...this.bindings(), ...fields }, msg))
          if (leftOut !== null) method.apply(this, [leftOut === 0 ? fields : { ...fields, repeated: leftOut }, msg] as never)
        },
      },
    },
    destination,
  ) as Log
}
