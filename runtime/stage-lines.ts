import { durationText } from './duration-text.ts'
import { programOfStage } from './stage-names.ts'
import type { StageStatus, UpStatus } from './up-status.ts'

/** What is to be said of a stage first: what its program or its last run came to. */
export const conditionOf = ({ name, state, runs }: StageStatus, programs: UpStatus['programs']): string => {
  const program = programs.find((each) => each.name === programOfStage[name])
  if (program?.state === 'failed') return 'failed'
  if (state === 'waiting') return 'starting'
  if (state !== 'running') return state
  if (runs?.last?.outcome === 'failed') return 'failing'
  if (runs?.last?.outcome === 'held') return 'held'
  return runs?.isRunning ? 'running' : 'waiting'
}

const ago = (iso: string, nowMs: number) => `${durationText(Math.max(0, nowMs - Date.parse(iso)))} ago`

/** A table of stages as lines, with their last and next run. `nowMs` is the reader's clock. Pure. */
export const stageLines = ({ stages, programs }: Pick<UpStatus, 'stages' | 'programs'>, nowMs: number): string[] => {
  const rows = stages.map((stage) => {
    const { runs } = stage
    const waitMs = runs?.nextAt ? Math.max(0, Date.parse(runs.nextAt) - nowMs) : null
    const next = runs?.isRunning || waitMs === 0 ? 'now' : waitMs === null ? '–' : `in ${durationText(waitMs)}`
    return [
      stage.name,
      conditionOf(stage, programs),
      runs?.last ? ago(runs.last.endedAt, nowMs) : '–',
      next,
      String(runs?.attempt ?? 1),
      runs?.last?.detail ?? '',
    ]
  })
  const all = [['STAGE', 'STATE', 'LAST RUN', 'NEXT RUN', 'ATTEMPT', 'LAST RUN SAID'], ...rows]
  const widths = all[0]!.map((_, column) => Math.max(...all.map((row) => row[column]!.length)))
  return all.map((row) =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column]!)))
      .join('  ')
      .trimEnd(),
  )
}
