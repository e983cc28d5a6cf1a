import { lineText } from '../../runtime/line-text.ts'
import type { UpStatus } from '../../runtime/up-status.ts'

/**
 * Tells a person in the terminal what happens: each change of a step or program once, as a line on stderr.
 * stdout stays free for the summary of `--once`.
 */
export const createTerminal = (write: (line: string) => void) => {
  const shown = new Map<string, string>()
  const say = (id: string, line: string) => {
    if (shown.get(id) === line) return
    shown.set(id, line)
    write(`${lineText(line)}\n`)
  }

  const marks = { waiting: ' ', running: '…', done: '✓', failed: '✗' } as const
  return (status: UpStatus) => {
    for (const { name, state, detail, seconds } of status.steps) {
      if (state === 'waiting') continue
      const time = state === 'done' && seconds !== null ? ` (${seconds.toFixed(1)} s)` : ''
      say(`step ${name}`, `  ${marks[state]} ${name}${detail ? `: ${detail}` : ''}${time}`)
    }
    for (const { name, state } of status.stages) {
      if (state === 'paused') say(`stage ${name}`, `  ! ${name} is paused (readflow resume ${name})`)
      else if (state === 'running' && shown.has(`stage ${name}`)) say(`stage ${name}`, `  ✓ ${name} runs again`)
    }
    for (const { name, state, lastError, restarts, warning } of status.programs) {
      if (warning !== null) say(`warning ${name}`, `  ! ${name}: ${warning}`)
      else if (shown.has(`warning ${name}`)) say(`warning ${name}`, `  ✓ ${name}: that is over`)
      if (state === 'restarting' || state === 'failed')
        say(
          `program ${name} ${restarts}`,
          `  ! ${name} ended${lastError ? `: ${lastError}` : ''}${state === 'restarting' ? '; it is started again' : ''}`,
        )
    }
  }
}

/** Where things are and how to stop, once everything runs. */
export const welcome = ({ links, source }: UpStatus, logDir: string): string =>
  [
    '',
    `ReadFlow is running${source.isGenerated ? ' on generated data' : ''}.`,
    `  page and API   ${links.page}`,
    `  Kafka          ${links.brokers}`,
    `  registry       ${links.registry}`,
    `  lake           ${links.lake}`,
    `  logs           ${logDir}`,
    '  Ctrl-C stops everything; the data stays.',
    '',
    '',
  ].join('\n')
