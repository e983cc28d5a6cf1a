import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openLineageEvent } from '../../lineage/runs/open-lineage.ts'
import { runStates } from '../../lineage/runs/run.ts'
import { tool } from '../helpers/tool.ts'
import { runWith } from '../lineage/runs/runs.ts'
import { python } from './readers.ts'

const skip = tool(python, ['-c', 'import openlineage.client.event_v2'], 'bash test/interop/install.sh')
const script = fileURLToPath(new URL('openlineage/rebuild.py', import.meta.url))

test("OpenLineage's own client makes the same events out of ours, field for field", { skip }, () => {
  const places = [
    { lakeUrl: 'file:/data/lake', brokers: ['127.0.0.1:9092'] },
    { lakeUrl: 's3://bucket/prefix?region=eu', brokers: [] },
  ]
  const runs = runStates.map((state, index) =>
    runWith({
      runId: `00000000-0000-4000-8000-00000000000${index}`,
      state,
      endedMs: state === 'started' || state === 'aborted' ? null : Date.UTC(2026, 10, 1, 12, 0, 3),
      error: state === 'completed' || state === 'started' ? null : 'why "it" did not',
      attempt: index,
      inputs: [
        { type: 'source', name: 'sandbox' },
        { type: 'topic', name: 'goodreads.books', version: '0:0-12' },
        { type: 'table', name: 'silver.books', version: 3, rows: 12 },
      ],
      outputs: [
        { type: 'table', name: 'gold.dim_book', version: 0, rows: 0 },
        { type: 'table', name: 'gold.dim_date' },
      ],
      counts: { gold_version: 0 },
      parentRunId: index % 2 === 0 ? null : '00000000-0000-4000-8000-00000000000f',
    }),
  )
  const events = places.flatMap((place) => runs.map((run) => openLineageEvent(run, place)))
  const { status, stdout, stderr } = spawnSync(python, [script], {
    input: events.map((event) => `${JSON.stringify(event)}\n`).join(''),
    encoding: 'utf8',
  })
  assert.equal(status, 0, stderr)
  assert.deepEqual(
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
    JSON.parse(JSON.stringify(events)),
  )
})
