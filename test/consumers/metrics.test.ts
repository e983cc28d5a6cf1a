import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createConsumerMetrics, recordOutcomes } from '../../consumers/metrics.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import { createRegistry } from '../../runtime/metrics/registry.ts'
import { parseMetrics } from '../helpers/metrics.ts'

const open = () => {
  const metrics = createRegistry()
  const of = createConsumerMetrics(metrics, { stages: ['bronze', 'silver'], nowMs: () => 5000 })
  const value = async (name: string, labels: string) =>
    parseMetrics(await metrics.text())
      .get(name)
      ?.samples.get(labels)
  return { of, value, text: metrics.text }
}
const measures = { committed: {}, replayed: 0, records: 0, bytes: 0, stepsMs: {} }

test('each record is counted once: what came late is not among the accepted', () => {
  const silver = recordOutcomes({ valid: 10, late: 2, repeat: 3, dead: 1, 'dead/title-missing': 1, 'flag/isbn': 4 })
  assert.deepEqual(silver, { accepted: 8, late: 2, repeat: 3, dead_letter: 1 })
  assert.deepEqual(recordOutcomes({ rows: 7 }), { accepted: 7, late: 0, repeat: 0, dead_letter: 0 })
})

test('a flush is counted by stage, entity and outcome, with its size and its steps', async () => {
  const { of, value } = open()
  of('silver').flushed('books', {
    ...measures,
    committed: { valid: 4, late: 1, repeat: 2, dead: 3 },
    records: 9,
    bytes: 2000,
    stepsMs: { decode: 20, encode: 500, commit: 7 },
  })
  assert.equal(await value('readflow_consumer_records_total', '{stage="silver",entity="books",outcome="accepted"}'), 3)
  assert.equal(await value('readflow_consumer_records_total', '{stage="silver",entity="books",outcome="dead_letter"}'), 3)
  assert.equal(await value('readflow_consumer_records_total', '{stage="silver",entity="ratings",outcome="repeat"}'), 0)
  assert.equal(await value('readflow_consumer_records_total', '{stage="bronze",entity="raw",outcome="accepted"}'), 0)
  assert.equal(await value('readflow_consumer_records_total', '{stage="bronze",entity="raw",outcome="repeat"}'), undefined)
  assert.equal(await value('readflow_consumer_batch_records', '_sum{stage="silver"}'), 9)
  assert.equal(await value('readflow_consumer_batch_bytes', '_bucket{le="1024",stage="silver"}'), 0)
  assert.equal(await value('readflow_consumer_step_duration_seconds', '_sum{stage="silver",step="encode"}'), 0.5)
  assert.equal(await value('readflow_consumer_step_duration_seconds', '_count{stage="silver",step="dead_letters"}'), 0)
  assert.equal(await value('readflow_consumer_last_commit_timestamp_seconds', '{stage="silver",entity="books"}'), 5)
})

test('a fault that is waited out shows by its code, and is over', async () => {
  const { of, value } = open()
  const { waiting } = of('bronze')
  waiting(new ReadflowError('lake-unavailable', 'away'))
  waiting(new ReadflowError('registry-unavailable', 'away'))
  const gauge = (cause: string) => value('readflow_consumer_waiting', `{stage="bronze",cause="${cause}"}`)
  assert.deepEqual([await gauge('lake-unavailable'), await gauge('registry-unavailable')], [0, 1])
  waiting(null)
  assert.deepEqual([await gauge('lake-unavailable'), await gauge('registry-unavailable')], [0, 0])
  assert.equal(await value('readflow_consumer_retries_total', '{stage="bronze",cause="lake-unavailable"}'), 1)
  assert.equal(await value('readflow_consumer_retries_total', '{stage="silver",cause="lake-unavailable"}'), 0)
})

test('a replay shows how far it is, and is counted when it ends', async () => {
  const { of, value } = open()
  const silver = of('silver')
  const ratio = () => value('readflow_replay_progress_ratio', '{stage="silver",entity="books"}')
  assert.equal(await ratio(), 1)
  silver.replaying('books', { partitions: 2, derived: 25, offsets: 100 })
  assert.equal(await ratio(), 0.25)
  silver.replaying('books', { partitions: 0, derived: 0, offsets: 0 })
  silver.replayEnded('books', 'completed')
  assert.equal(await ratio(), 1)
  assert.equal(await value('readflow_replays_total', '{stage="silver",entity="books",outcome="completed"}'), 1)
})

test('only the stages that run here have series', async () => {
  const metrics = createRegistry()
  createConsumerMetrics(metrics, { stages: ['silver'] })
  assert.doesNotMatch(await metrics.text(), /stage="bronze"/)
})
