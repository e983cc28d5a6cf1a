import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createRegistry } from '../../../runtime/metrics/registry.ts'
import { parseMetrics } from '../../helpers/metrics.ts'

const samples = async (metrics: ReturnType<typeof createRegistry>, name: string) =>
  Object.fromEntries(parseMetrics(await metrics.text()).get(name)?.samples ?? [])

describe('the registry', () => {
  it('begins every series whose labels have known values at 0, and no other', async () => {
    const metrics = createRegistry()
    metrics.counter({ name: 'known_total', help: 'Known.', labels: { stage: ['a', 'b'], cause: ['x'] } })
    metrics.counter({ name: 'open_total', help: 'Open.', labels: { stage: ['a'], table: 'open' } })
    metrics.counter({ name: 'plain_total', help: 'Plain.' })
    metrics.gauge({ name: 'level', help: 'Level.', labels: { stage: ['a'] }, initial: 1 })
    metrics.histogram({ name: 'spread_seconds', help: 'Spread.', labels: { stage: ['a'] }, buckets: [1] })
    assert.deepEqual(await samples(metrics, 'known_total'), { '{stage="a",cause="x"}': 0, '{stage="b",cause="x"}': 0 })
    assert.deepEqual(await samples(metrics, 'open_total'), {})
    assert.deepEqual(await samples(metrics, 'plain_total'), { '': 0 })
    assert.deepEqual(await samples(metrics, 'level'), { '{stage="a"}': 1 })
    assert.equal((await samples(metrics, 'spread_seconds'))['_count{stage="a"}'], 0)
  })

  it('counts, sets and observes', async () => {
    const metrics = createRegistry()
    const counter = metrics.counter({ name: 'done_total', help: 'Done.', labels: { stage: ['a'] } })
    const gauge = metrics.gauge({ name: 'level', help: 'Level.' })
    const histogram = metrics.histogram({ name: 'spread_seconds', help: 'Spread.', buckets: [1, 2] })
    counter.add({ stage: 'a' })
    counter.add({ stage: 'a' }, 4)
    gauge.set({}, 7)
    histogram.observe({}, 1.5)
    assert.deepEqual(await samples(metrics, 'done_total'), { '{stage="a"}': 5 })
    assert.deepEqual(await samples(metrics, 'level'), { '': 7 })
    const spread = await samples(metrics, 'spread_seconds')
    assert.deepEqual([spread['_bucket{le="1"}'], spread['_bucket{le="2"}'], spread['_sum'], spread['_count']], [0, 1, 1.5, 1])
  })

  it('reads what is counted elsewhere when it is asked, and ends the series of what is gone', async () => {
    const metrics = createRegistry()
    let rows: { labels: { table: string }; value: number }[] = [{ labels: { table: 'a' }, value: 3 }]
    let level: number | null = 1
    metrics.readCounter({ name: 'rows_total', help: 'Rows.', labels: { table: 'open' }, read: async () => rows })
    metrics.readGauge({ name: 'table_rows', help: 'Rows.', labels: { table: 'open' }, read: () => rows })
    metrics.readGauge({ name: 'level', help: 'Level.', read: () => (level === null ? [] : [{ labels: {}, value: level }]) })
    for (const name of ['rows_total', 'table_rows']) assert.deepEqual(await samples(metrics, name), { '{table="a"}': 3 })
    assert.deepEqual(await samples(metrics, 'level'), { '': 1 })
    rows = [{ labels: { table: 'b' }, value: 1 }]
    level = null
    for (const name of ['rows_total', 'table_rows']) assert.deepEqual(await samples(metrics, name), { '{table="b"}': 1 })
    assert.deepEqual(await samples(metrics, 'level'), {})
  })

  it('has the process, and no gauge under the name of a counter', async () => {
    const exposed = parseMetrics(await createRegistry().text())
    assert.ok((exposed.get('process_resident_memory_bytes')?.samples.get('') ?? 0) > 0)
    assert.deepEqual(
      [...exposed].filter(([name, { type }]) => (type === 'counter') !== name.endsWith('_total')).map(([name]) => name),
      [],
    )
  })

  it('keeps programs apart', async () => {
    const [one, other] = [createRegistry(), createRegistry()]
    one.counter({ name: 'done_total', help: 'Done.' }).add({})
    assert.deepEqual(await samples(other, 'done_total'), {})
  })
})
