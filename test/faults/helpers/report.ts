import { appendFileSync } from 'node:fs'

/** Whether everything is to be run (`npm run faults`), or the share of it that fits into `npm test`. */
export const isWhole = process.env['READFLOW_FAULTS'] === 'all'

export interface Result {
  /** What was done. */
  fault: string
  /** How often, and in how many of them all held. */
  tried: number
  held: number
  seed?: number
  note?: string
}

/** Adds a row to the table that `npm run faults` prints at its end. */
export const report = (result: Result) => {
  const file = process.env['READFLOW_FAULTS_REPORT']
  if (file) appendFileSync(file, `${JSON.stringify(result)}\n`)
}
