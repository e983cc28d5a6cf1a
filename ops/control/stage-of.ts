import { ReadflowError } from '../../runtime/errors.ts'
import { type StageName, stageNames } from '../../runtime/stage-names.ts'

/** The stage that a person named. Throws ReadflowError `config` for another word. */
export const stageOf = (text: string): StageName => {
  const stage = stageNames.find((name) => name === text)
  if (stage) return stage
  throw new ReadflowError('config', `${text === '' ? 'A stage must be named' : `'${text}' is no stage`}: ${stageNames.join(', ')}.`)
}
