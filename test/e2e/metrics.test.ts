import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { openTable } from '../../lake/delta/table.ts'
import { openStore } from '../../lake/store/open.ts'
import { targetsFile } from '../../ops/up/targets.ts'
import { type LogFieldName, logFields } from '../../runtime/log-fields.ts'
import { readRunFile } from '../../runtime/run-file.ts'
import { filledIn, labelVariables, readDashboards } from '../helpers/grafana.ts'
import { documentedMetrics, type ExposedMetric, faultsOf, scrape } from '../helpers/metrics.ts'
import { scrapeConfig, startPrometheus } from '../helpers/prometheus.ts'
import { stackSkip } from '../helpers/stack.ts'
import { readRows } from '../helpers/tables.ts'
import { tool } from '../helpers/tool.ts'
import { childOf, readflow, smallSandbox, startUp, tempDir, until } from '../helpers/up.ts'

const skip = await stackSkip()
const noPromtool = tool('promtool', ['--version'], 'sudo apt-get install prometheus')
const noPrometheus = tool('prometheus', ['--version'], 'sudo apt-get install prometheus')
const programs = ['compact', 'consume', 'poll', 'serve', 'up']
const LONG_MS = 240_000

/** Takes a port of 127.0.0.1 as soon as it is free; null where somebody else was faster. */
const takePort = (port: number) =>
  new Promise<{ close: () => void } | null>((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(null))
    server.listen(port, '127.0.0.1', () => resolve({ close: () => void server.close() }))
  })

// biome-ignore lint/suspicious/noExplicitAny: lines of JSON
type Line = Record<string, any>
const SECRET = 'sesame-open-now-0123'

const logOf = (dataDir: string, program: string): Line[] =>
  readFileSync(`${dataDir}/logs/${program}.log`, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

const isType: Record<string, (value: unknown) => boolean> = {
  text: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number',
  texts: (value) => Array.isArray(value) && value.every((each) => typeof each === 'string'),
  numbers: (value) => Array.isArray(value) && value.every((each) => typeof each === 'number'),
  counts: (value) => Object.values(value as object).every((each) => typeof each === 'number'),
  ranges: (value) => Array.isArray(value) && value.every((each) => Object.keys(each).join() === 'partition,from_offset,to_offset'),
}

/** What of a line is not as the table of the fields has it. */
const logFaults = ({ time, level, program, msg, ...fields }: Line, from: string): string[] => [
  ...(Number.isNaN(Date.parse(time)) ? ['time'] : []),
  ...(/^(debug|info|warn|error|fatal)$/.test(level) && program === from && typeof msg === 'string' ? [] : ['level, program or msg']),
  ...Object.entries(fields).flatMap(([name, value]) => {
    const type = logFields[name as LogFieldName]
    return type && (value === null || isType[type]!(value)) ? [] : [name]
  }),
]

const openVersion = async (dataDir: string, root: string): Promise<number> => {
  const store = openStore(`file:${dataDir}/lake`)
  const { version } = await openTable(store, root).snapshot()
  await store.close()
  return version
}

test('what a running pipeline tells Prometheus is what docs/metrics.md says', { skip }, async (t) => {
  const dataDir = `${await tempDir(t)}/a folder`
  const quick = [...smallSandbox, '--flush-interval', '1s', '--build-interval', '5s', '--poll-interval', '5s']
  const up = await startUp(t, ['--data', dataDir, '--metrics-port', '0', '--log-level', 'debug', ...quick], LONG_MS, {
    GOODREADS_API_KEY: SECRET,
  })
  const addresses = (): Record<string, string> => {
    const targets = JSON.parse(readFileSync(targetsFile(dataDir), 'utf8')) as { targets: [string]; labels: { program: string } }[]
    return Object.fromEntries(targets.map(({ targets: [address], labels }) => [labels.program, address]))
  }
  await until('all programs in the file of targets', async () => Object.keys(addresses()).length === programs.length, LONG_MS)
  assert.deepEqual(Object.keys(addresses()).sort(), programs)
  const metricsOf = async (program: string) => scrape(addresses()[program] ?? '')
  const value = async (program: string, name: string, labels = '') => (await metricsOf(program)).get(name)?.samples.get(labels)
  const sumOf = (metric: ExposedMetric | undefined, wanted: RegExp) =>
    [...(metric?.samples ?? [])].reduce((sum, [labels, each]) => (wanted.test(labels) ? sum + each : sum), 0)
  const sum = async (program: string, name: string, wanted: RegExp) => sumOf((await metricsOf(program)).get(name), wanted)

  await until('a newer Gold after the first', async () => ((await value('serve', 'readflow_gold_version')) ?? -1) > 0, LONG_MS)
  await until('its freshness', async () => (await sum('serve', 'readflow_freshness_seconds', /^_count/)) > 0, LONG_MS)
  const sql = (text: string) =>
    fetch(`${up.url}/v1/sql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-request-id': 'follow-me' },
      body: JSON.stringify({ sql: text }),
    })
  assert.equal((await sql('SELECT count(*) AS books FROM gold_dim_book')).status, 200)
  assert.equal((await sql('DROP TABLE gold_dim_book')).status, 400)
  const events = new AbortController()
  const listening = await fetch(`${up.url}/v1/events`, { signal: events.signal })
  assert.equal(listening.status, 200)

  await t.test('each metric is documented with its type and labels, and each documented one is there', async () => {
    const documented = documentedMetrics()
    for (const program of programs) {
      const exposed = await metricsOf(program)
      const here = documented.filter((each) => each.programs.includes(program))
      assert.deepEqual([...exposed.keys()].sort(), here.map(({ name }) => name).sort(), program)
      for (const { name, type, labels } of here) {
        const found = exposed.get(name)!
        assert.equal(found.type, type, `${program}: ${name}`)
        if (found.labels !== null) assert.deepEqual(found.labels, labels, `${program}: ${name}`)
        assert.deepEqual(faultsOf(name, found), [], program)
      }
    }
    const unseen = new Set(['nodejs_active_requests', 'readflow_schema_drift_total'])
    const seen = new Set<string>()
    for (const program of programs) for (const [name, { labels }] of await metricsOf(program)) if (labels !== null) seen.add(name)
    const silent = documented.filter(({ name }) => !seen.has(name) && !unseen.has(name)).map(({ name }) => name)
    assert.deepEqual(silent, [], 'has no series in a pipeline that runs')
  })

  await t.test("promtool's own check passes", { skip: noPromtool }, async () => {
    for (const program of programs) {
      const text = await (await fetch(`http://${addresses()[program]}/metrics`)).text()
      const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' })
      assert.equal(status, 0, `${program}: ${stdout}${stderr}`)
    }
  })

  await t.test('each query of each dashboard gives data, of the Prometheus that scrapes it', { skip: noPrometheus }, async (t) => {
    const prometheus = await startPrometheus(t, { dir: await tempDir(t), config: scrapeConfig(targetsFile(dataDir)) })
    await until('two scrapes of each program', async () => {
      const seen = await prometheus.query('count_over_time(process_start_time_seconds[1m]) >= 3')
      return seen.length === programs.length
    })
    const before = (await value('serve', 'readflow_gold_version')) ?? -1
    // What is a rate needs something to happen meanwhile.
    await sql('SELECT count(*) AS books FROM gold_dim_book')
    assert.equal((await fetch(`${up.url}/v1/books`)).status, 200)
    await until('a newer Gold that Prometheus has', async () => {
      const [series] = await prometheus.query('readflow_gold_version')
      return Number(series?.value[1]) > before
    })
    const silent: string[] = []
    const explore = async () => {
      silent.length = 0
      for (const dashboard of readDashboards()) {
        const values: Record<string, string> = { __rate_interval: '5m' }
        for (const { name, metric, label } of labelVariables(dashboard)) {
          const offered = await prometheus.labelValues(metric, label)
          if (offered.length === 0) silent.push(`${dashboard.file}: $${name}`)
          values[name] = offered.map((each) => each.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\\\$&')).join('|')
        }
        for (const { title, targets } of dashboard.panels)
          for (const { expr } of targets) {
            const series = await prometheus.query(filledIn(expr, values))
            if (!series.some(({ value: [, text] }) => Number.isFinite(Number(text)))) silent.push(`${dashboard.file}: ${title}: ${expr}`)
          }
      }
      return silent.length === 0
    }
    await until('data for every panel', explore).catch((error: Error) => assert.fail(`${error.message}\n${silent.join('\n')}`))
  })

  await t.test('no series grows with what passes by: labels are few', async () => {
    for (const program of programs) {
      for (const [name, { samples, type }] of await metricsOf(program))
        assert.ok(type === 'histogram' || samples.size <= 200, `${program}: ${name} has ${samples.size} series`)
    }
  })

  await t.test('the numbers are those of the tables', async () => {
    assert.equal((await readflow(['pause', 'poll', '--data', dataDir])).code, 0)
    assert.equal(await value('up', 'readflow_stage_paused', '{stage="poll"}'), 1)
    assert.equal(await value('up', 'readflow_stage_paused', '{stage="gold"}'), 0)
    const accepted = (stage: string, entity: string) =>
      sum('consume', 'readflow_consumer_records_total', new RegExp(`stage="${stage}",entity="${entity}"`))
    for (const entity of ['books', 'ratings', 'raw']) {
      const published = (await value('poll', 'readflow_poll_records_total', `{entity="${entity}"}`)) ?? 0
      assert.ok(published > 0)
      await until(`all ${entity} in Bronze`, async () => (await accepted('bronze', entity)) === published)
      assert.equal((await readRows(`file:${dataDir}/lake`, `bronze/${entity}`, ['_offset'])).length, published)
      if (entity !== 'raw') await until(`all ${entity} through Silver`, async () => (await accepted('silver', entity)) === published)
    }
    await until('no lag', async () => (await sum('serve', 'readflow_consumer_lag_records', /./)) === 0)
    assert.equal(await sum('serve', 'readflow_consumer_lag_seconds', /./), 0)
    const rows = await readRows(`file:${dataDir}/lake`, 'silver/ratings', ['_offset'])
    await until(
      'the rows of a table',
      async () => (await value('serve', 'readflow_table_rows', '{table="silver.ratings"}')) === rows.length,
    )
    const requests = await sum('poll', 'readflow_source_requests_total', /outcome="ok"/)
    assert.equal(requests, await sum('poll', 'readflow_source_request_duration_seconds', /^_count/), 'the sandbox answers each request')
    const commits = await sum('consume', 'readflow_lake_commits_total', /table="silver\.ratings"/)
    assert.equal(commits, (await openVersion(dataDir, 'silver/ratings')) + 1, 'one consumer commits, and makes each version')
    assert.ok((await sum('compact', 'readflow_builds_total', /outcome="published"/)) >= 2)
    assert.equal(await value('serve', 'readflow_sql_queries_total', '{outcome="success"}'), 2, 'one of each of the queries above')
    assert.equal(await value('serve', 'readflow_sql_queries_total', '{outcome="rejected"}'), 1)
    assert.equal(await value('serve', 'readflow_api_event_readers'), 1)
    events.abort()
    await until('the reader to be gone', async () => (await value('serve', 'readflow_api_event_readers')) === 0)
    for (const name of ['readflow_kafka_up', 'readflow_lake_up']) assert.equal(await value('serve', name), 1)
  })

  await t.test('a program that is killed comes back on another port where its own is taken, and the file says so', async () => {
    const before = addresses()['consume'] ?? ''
    const kill = () => {
      const pid = childOf(readRunFile(dataDir)?.pid ?? 0, 'consumers/main.ts')
      if (pid > 0) process.kill(pid, 'SIGKILL')
    }
    kill()
    const blocker = await until('its port', async () => {
      const taken = await takePort(Number(before.split(':')[1]))
      // It was faster, which its longer and longer waits before a start will not let it be for long.
      if (taken === null) kill()
      return taken
    })
    t.after(blocker.close)
    const after = await until('another address', async () => {
      const now = addresses()['consume']
      return now !== before && now
    })
    assert.notEqual(after, before)
    await until('its metrics', async () => (await value('consume', 'readflow_consumer_assigned_partitions', '{stage="silver"}')) === 16)
    assert.equal(await sum('consume', 'readflow_consumer_records_total', /./), 0, 'counters begin anew')
    assert.ok(((await value('up', 'readflow_program_restarts_total', '{name="consume"}')) ?? 0) >= 1)
    assert.equal(await value('up', 'readflow_program_running', '{name="consume"}'), 1)
    assert.equal(await value('up', 'readflow_program_restarts_total', '{name="poll"}'), 0)
    const log = readFileSync(`${dataDir}/logs/consume.log`, 'utf8')
    assert.match(log, /the default port of the metrics is taken: another one serves/)
  })

  assert.equal(await up.stop(), 0, up.output())
  assert.equal(existsSync(targetsFile(dataDir)), false)

  await t.test('what the programs said is of the shape of docs/logs.md, and has no secret', async () => {
    for (const program of ['compact', 'consume', 'poll', 'serve']) {
      const lines = logOf(dataDir, program)
      assert.ok(lines.length > 0, program)
      for (const line of lines) assert.deepEqual(logFaults(line, program), [], JSON.stringify(line))
      assert.doesNotMatch(readFileSync(`${dataDir}/logs/${program}.log`, 'utf8'), new RegExp(SECRET))
    }
    assert.ok(logOf(dataDir, 'serve').some(({ request_id, status }) => request_id === 'follow-me' && status === 400))
  })

  await t.test('a poll and an offset are found in the log of each program on the way', async () => {
    const poll = logOf(dataDir, 'poll').find(({ msg, counts }) => msg === 'poll done' && counts.ratings > 0)
    assert.equal(poll?.run_id, poll?.poll_id)
    const flushes = logOf(dataDir, 'consume').filter(({ msg }) => msg === 'committed')
    const rows = await readRows(`file:${dataDir}/lake`, 'bronze/ratings', ['_partition', '_offset', '_headers'])
    const row = rows.find(({ _headers }) => JSON.stringify(_headers).includes(String(poll?.poll_id)))!
    const isIn = ({ partition, from_offset, to_offset }: Record<string, number>) =>
      partition === row['_partition'] && from_offset! <= Number(row['_offset']) && Number(row['_offset']) < to_offset!
    for (const stage of ['bronze', 'silver']) {
      const found = flushes.filter((flush) => flush.table === `${stage}.ratings` && flush.ranges.some(isIn))
      assert.equal(found.length, 1, `one flush of ${stage} has the offset`)
      assert.ok(found[0]?.poll_ids.includes(poll?.poll_id))
      assert.ok(Number.isInteger(found[0]?.version))
    }
    const build = logOf(dataDir, 'compact').find(({ msg }) => msg === 'gold built')
    const runs = await readRows(`file:${dataDir}/lake`, 'ops/runs', ['run_id', 'kind'])
    for (const [kind, run] of [
      ['poll', poll],
      ['build', build],
    ] as const)
      assert.ok(
        runs.some((each) => each['run_id'] === run?.run_id && each['kind'] === kind),
        kind,
      )
  })
})
