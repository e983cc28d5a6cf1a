import { createBronze } from '../../../consumers/bronze/bronze.ts'
import { createSilver } from '../../../consumers/silver/silver.ts'
import type { Stage, StageResult } from '../../../consumers/stage.ts'
import { appendValue, type ColumnBatch, newColumn, valueAt } from '../../../lake/columns/column.ts'
import type { ObjectStore } from '../../../lake/store/store.ts'
import type { Registry } from '../../../runtime/registry.ts'
import type { SinkJob } from './job.ts'

/** The stage of a job, of the real parts: its tables, under its own group. */
export const composeStage = (job: SinkJob, { registry, store }: { registry: Registry; store: ObjectStore }): Stage => {
  const whole = job.stage === 'bronze' ? createBronze({ registry }) : createSilver({ registry, store })
  const tables = whole.tables.filter(({ entity }) => (job.entities as string[]).includes(entity))
  const { mark } = job
  if (mark === undefined) return { ...whole, groupId: job.groupId, tables }
  const marked = tables.map((table) => ({
    ...table,
    transform: async (...args: Parameters<typeof table.transform>): Promise<StageResult> => {
      const result = await table.transform(...args)
      return { ...result, batch: withMark(result.batch, job.stage, mark) }
    },
  }))
  return { ...whole, groupId: job.groupId, tables: marked }
}

/** The rows with a mark of the derivation that they come from: a header in Bronze, a flag in Silver. */
const withMark = (batch: ColumnBatch, stage: 'bronze' | 'silver', mark: string): ColumnBatch => {
  const index = batch.fields.findIndex(({ name }) => name === (stage === 'bronze' ? '_headers' : '_flags'))
  const [field, column] = [batch.fields[index]!, batch.columns[index]!]
  const marked = newColumn(field.type, batch.length)
  for (let row = 0; row < batch.length; row++) {
    const value = valueAt(column, row)
    appendValue(marked, stage === 'bronze' ? { ...(value as object), mark } : [...(value as string[]), `mark:${mark}`])
  }
  return { ...batch, columns: batch.columns.map((each, at) => (at === index ? marked : each)) }
}

/** The mark of a row's text, and the text without it. */
export const markOf = (text: string): string | undefined => /mark\W{1,5}(\w+)/.exec(text)?.[1]
export const withoutMark = (text: string): string => text.replace(/(mark\W{1,5})\w+/, '$1')
