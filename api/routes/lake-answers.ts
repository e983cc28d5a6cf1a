import { z } from 'zod'
import { runKinds, runStates } from '../../lineage/runs/run.ts'
import { verdicts } from '../pipeline/checks.ts'

/*
 * What the routes over the lake answer, for the document. Requests are parsed by their own schemas; test/api/document.test.ts and the
 * end-to-end test of the page hold answers to these.
 */
const time = z.string().describe('ISO 8601, UTC')
const tableVersion = z.int().describe('version of the system table that it is of; -1 before the first row')
const texts = z.array(z.string())

const place = z.looseObject({ type: z.string().optional(), name: z.string().optional(), version: z.int().nullable().optional() })

export const run = z.object({
  ...{ run_id: z.string(), kind: z.enum(runKinds), job: z.string(), program: z.string(), state: z.enum(runStates) },
  ...{ started_at: time, ended_at: time.nullable(), duration_ms: z.number().nullable(), attempt: z.int() },
  ...{ error: z.string().nullable(), inputs: z.array(place), outputs: z.array(place) },
  counts: z.record(z.string(), z.number()),
  parent_run_id: z.string().nullable(),
})
export const runs = z.object({ table_version: tableVersion, runs: z.array(run), next_cursor: z.string().nullable() })

const found = {
  ...{ verdict: z.enum(verdicts), measured: z.number().nullable(), threshold: z.string(), message: z.string(), sample_keys: texts },
  ...{ evaluated_at: time, run_id: z.string(), is_held: z.boolean() },
}
const named = { id: z.string(), table: z.string().nullable(), column: z.string().nullable() }
const evaluation = z.object({
  evaluated_at: time,
  run_id: z.string(),
  verdict: z.enum(verdicts),
  measured: z.number().nullable(),
  is_held: z.boolean(),
})
const summary = z.object({
  evaluated_at: time,
  run_id: z.string(),
  is_held: z.boolean(),
  checks: z.int(),
  pass: z.int(),
  warn: z.int(),
  fail: z.int(),
})
export const checks = z.object({
  table_version: tableVersion,
  summary: summary.nullable(),
  checks: z.array(z.object({ ...named, ...found, history: z.array(evaluation) })),
})
export const check = z.object({
  table_version: tableVersion,
  ...named,
  history: z.array(z.object(found)),
  next_cursor: z.string().nullable(),
})

const profileHead = { table: z.string(), rows: z.int(), profiled_at: time, run_id: z.string() }
export const profiles = z.object({ table_version: tableVersion, profiles: z.array(z.object({ ...profileHead, columns: z.int() })) })
const profiledColumn = z.object({
  ...{ column: z.string(), type: z.string(), rows: z.int(), nulls: z.int().nullable(), null_share: z.number().nullable() },
  ...{ distinct_values: z.int().nullable(), distinct_of_rows: z.int().nullable(), is_distinct_exact: z.boolean().nullable() },
  ...{ min: z.string().nullable(), max: z.string().nullable() },
})
export const profile = z.object({ table_version: tableVersion, profile: z.object({ ...profileHead, columns: z.array(profiledColumn) }) })

const contractHead = {
  ...{ entity: z.string(), meaning: z.string(), topic: z.string(), dead_letter_topic: z.string(), table: z.string() },
  ...{ dead_letters: z.int(), flags: z.int() },
  violations: z.array(z.object({ rule: z.string(), severity: z.string(), count: z.int(), because: z.string().nullable() })),
}
export const contracts = z.object({ contracts: z.array(z.object({ ...contractHead, fields: z.int(), rules: z.int() })) })
export const contract = z.object({
  contract: z.object({
    ...contractHead,
    fields: z.array(z.looseObject({ name: z.string() })),
    rules: z.array(z.looseObject({ id: z.string(), violations: z.int() })),
  }),
})

const nullableText = z.string().nullable()
export const drift = z.object({
  table_version: tableVersion,
  total: z.int(),
  drift: z.array(
    z.object({
      ...{ id: z.string(), found_at: time, entity: z.string(), field: z.string(), kind: z.string(), place: z.string(), policy: z.string() },
      ...{
        before: nullableText,
        after: nullableText,
        sample: nullableText,
        source: nullableText,
        poll_id: nullableText,
        request_id: nullableText,
      },
      ...{ topic: nullableText, partition: z.int().nullable(), offset: z.int().nullable(), schema_id: z.int().nullable() },
    }),
  ),
})

const failedCheck = z.looseObject({ id: z.string(), message: z.string(), sample_keys: texts })
export const gate = z.object({
  held: z
    .looseObject({
      since: time,
      reason: z.string(),
      run: z.string(),
      version: z.int().nullable(),
      checks: z.array(failedCheck),
      releasable: texts,
    })
    .nullable(),
  waived: z.array(z.unknown()),
  history: z.array(z.looseObject({ at: time, kind: z.string(), run: z.string() })),
})

export const lineage = z.object({
  lineage: z.looseObject({ table: z.string(), key: z.string(), rows: z.array(z.looseObject({ row: z.record(z.string(), z.unknown()) })) }),
})

export const versions = z.object({
  versions: z.array(
    z.object({
      ...{ version: z.int(), published_at: time, complete_through: time.nullable(), run_id: z.string() },
      complete_through_by_entity: z.record(z.string(), z.string().nullable()),
      released: z.looseObject({ run: z.string(), by: z.string(), why: z.string() }).nullable(),
    }),
  ),
  next_before: z.int().nullable().describe('asks for those before as before; null where there are none'),
})
