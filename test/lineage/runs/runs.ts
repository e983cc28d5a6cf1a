import type { Run } from '../../../lineage/runs/run.ts'

/** A run for tests, with some values of its own. */
export const runWith = (values: Partial<Run>): Run => ({
  runId: '00000000-0000-4000-8000-000000000001',
  kind: 'build',
  job: 'build gold',
  program: 'compact',
  state: 'started',
  startedMs: Date.UTC(2026, 10, 1, 12),
  endedMs: null,
  attempt: 1,
  error: null,
  inputs: [],
  outputs: [],
  counts: {},
  parentRunId: null,
  host: 'here',
  pid: 1,
  recordedMs: Date.UTC(2026, 10, 1, 12),
  ...values,
})
