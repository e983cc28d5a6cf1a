import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BuildResult } from '../../compactor/build.ts'
import type { CheckResult } from '../../compactor/checks/check.ts'
import { createBuildMetrics, createUpkeepMetrics } from '../../compactor/metrics.ts'
import { goldNames } from '../../compactor/tables.ts'
import { createRegistry } from '../../runtime/metrics/registry.ts'
import { parseMetrics } from '../helpers/metrics.ts'

const open = () => {
  const metrics = createRegistry()
  let nowMs = 5000
  const clock = { nowMs: () => nowMs }
  const value = async (name: string, labels = '') =>
    parseMetrics(await metrics.text())
      .get(name)
      ?.samples.get(labels)
  const builds = async () =>
    Promise.all(['published', 'unchanged', 'held', 'failed'].map((outcome) => value('readflow_builds_total', `{outcome="${outcome}"}`)))
  const pass = (ms: number) => {
    nowMs += ms
  }
  return { ...createBuildMetrics(metrics, clock), upkeep: createUpkeepMetrics(metrics, clock), value, builds, pass }
}

const result = (of: object): BuildResult =>
  ({
    isBuilt: false,
    held: null,
    version: 1,
    full: null,
    rows: Object.fromEntries(goldNames.map((name) => [name, 7])),
    filesWritten: 0,
    filesRemoved: 0,
    durationMs: 2000,
    ...of,
  }) as BuildResult

test('looks for new rows are counted by what came of them; only what found Gold right is a success', async () => {
  const { ended, failed, value, builds, pass } = open()
  ended(result({ isBuilt: true, full: 'no Gold yet' }))
  ended(result({ isBuilt: true }))
  ended(result({}))
  pass(1000)
  ended(result({ held: { checks: [] } }))
  failed()
  assert.deepEqual(await builds(), [2, 1, 1, 1])
  assert.equal(await value('readflow_build_duration_seconds', '_sum{kind="full"}'), 2)
  assert.equal(await value('readflow_build_duration_seconds', '_count{kind="incremental"}'), 1)
  assert.equal(await value('readflow_build_last_success_timestamp_seconds'), 5)
  assert.equal(await value('readflow_build_rows', '{table="fact_rating"}'), 7)
})

test('the verdicts of the last audit are counted', async () => {
  const { audited, value } = open()
  const check = (verdict: CheckResult['verdict']) => ({ verdict }) as CheckResult
  let found = [check('pass'), check('pass'), check('fail')]
  const audit = audited(async () => found)
  const verdicts = () => Promise.all(['pass', 'warn', 'fail'].map((verdict) => value('readflow_build_checks', `{verdict="${verdict}"}`)))
  await audit({} as never)
  assert.deepEqual(await verdicts(), [2, 0, 1])
  found = [check('warn')]
  assert.deepEqual(await audit({} as never), found)
  assert.deepEqual(await verdicts(), [0, 1, 0])
})

test('upkeep tells failures, files and its last good round, by task', async () => {
  const { upkeep, value } = open()
  upkeep.failed('vacuum')
  upkeep.removed('optimize', 12)
  upkeep.succeeded('optimize')
  assert.equal(await value('readflow_upkeep_failures_total', '{task="vacuum"}'), 1)
  assert.equal(await value('readflow_upkeep_files_removed_total', '{task="optimize"}'), 12)
  assert.equal(await value('readflow_upkeep_last_success_timestamp_seconds', '{task="optimize"}'), 5)
  assert.equal(await value('readflow_upkeep_last_success_timestamp_seconds', '{task="vacuum"}'), 0)
})
