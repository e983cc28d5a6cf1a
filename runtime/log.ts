import pino from 'pino'

export type Log = pino.Logger

/**
 * JSON lines on stderr, one shape for every program. Secrets are redacted by field name, and no
 * source URL may be logged before its key was cut out.
 */
export const createLog = (program: string, level = 'info'): Log =>
  pino(
    {
      level,
      base: { program },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: ['apiKey', '*.apiKey', 'password', '*.password', 'authorization', '*.authorization'], censor: '[secret]' },
    },
    pino.destination({ dest: 2, sync: true }),
  )
