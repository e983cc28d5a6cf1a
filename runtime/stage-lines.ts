import { durationText } from './duration-text.ts'
import { lineText } from './line-text.ts'
import { programOfStage } from './stage-names.ts'
import type { StageStatus, UpStatus } from './up-status.ts'

/** A stage begins on its minute: one that is this late has a program that does not go on. */
const OVERDUE_MS = 60_000

/** How long ago a stage was to run, where it has not begun; 0 or less where its time has not come. */
export const overdueMs = ({ runs }: Pick<StageStatus, 'runs'>, nowMs: number): number =>
  runs && !runs.isRunning && runs.nextAt !== null ? nowMs - Date.parse(runs.nextAt) : 0

/** What is to be said of a stage first: what its program or its last run came to. */
export const conditionOf = (stage: StageStatus, programs: UpStatus['programs'], nowMs: number): string => {
  const { name, state, runs } = stage
  const program = programs.find((each) => each.name === programOfStage[name])
  if (program?.state === 'failed') return 'failed'
  if (state === 'waiting') return 'starting'
  if (state !== 'running') return state
  if (runs?.last?.outcome === 'failed') return 'failing'
  if (runs?.last?.outcome === 'held') return 'held'
  if (runs?.isRunning) return 'running'
  return overdueMs(stage, nowMs) > OVERDUE_MS ? 'overdue' : 'waiting'
}

const ago = (iso: string, nowMs: number) => `${durationText(Math.max(0, nowMs - Date.parse(iso)))} ago`

/** A table of stages as lines, with their last and next run. `nowMs` is the reader's clock. Pure. */
export const stageLines = ({ stages, programs }: Pick<UpStatus, 'stages' | 'programs'>, nowMs: number): string[] => {
  const rows = stages.map((stage) => {
    const { runs } = stage
    const condition = conditionOf(stage, programs, nowMs)
    const waitMs = runs?.nextAt ? Math.max(0, Date.parse(runs.nextAt) - nowMs) : null
    const due = waitMs === null ? '–' : waitMs === 0 ? 'now' : `in ${durationText(waitMs)}`
    const next = runs?.isRunning ? 'now' : condition === 'overdue' ? ago(runs!.nextAt!, nowMs) : due
    return [
      stage.name,
      condition,
      runs?.last ? ago(runs.last.endedAt, nowMs) : '–',
      next,
      String(runs?.attempt ?? 1),
      lineText(runs?.last?.detail ?? ''),
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
