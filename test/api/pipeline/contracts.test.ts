import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silverColumns } from '../../../consumers/silver/silver.ts'
import { commit } from '../../../lake/delta/commit.ts'
import { openTable } from '../../../lake/delta/table.ts'
import type { ObjectStore } from '../../../lake/store/store.ts'
import { contracts } from '../../../schemas/contracts/contracts.ts'
import { startApi } from '../helpers/api.ts'

/** Silver's ledger of an entity, as two partitions have counted so far. */
const counted = (store: ObjectStore, entity: string, counters: readonly Record<string, number>[]) =>
  commit(openTable(store, `silver/${entity}`), {
    operation: 'STREAMING UPDATE',
    fields: silverColumns,
    partitionColumns: [],
    txns: counters.flatMap((of, partition) =>
      Object.entries(of).map(([name, version]) => ({ appId: `silver/cluster/topic/${partition}/${name}`, version })),
    ),
  })

test('contracts are there before any record is, and nothing was broken', async (t) => {
  const api = await startApi(t)
  const { body } = await api.get('/v1/contracts')
  assert.deepEqual(
    body.contracts.map((each: Record<string, unknown>) => [each['entity'], each['dead_letters'], each['flags'], each['violations']]),
    [
      ['books', 0, 0, []],
      ['authors', 0, 0, []],
      ['reviews', 0, 0, []],
      ['ratings', 0, 0, []],
    ],
  )
  const none = await api.get('/v1/contracts/nothing')
  assert.deepEqual(
    [none.status, none.body.detail],
    [404, "There is no contract of 'nothing'. There is one of each of books, authors, reviews, ratings."],
  )
})

test('what the rules found is counted over all partitions, in the list, in the contract and in the metrics', async (t) => {
  const api = await startApi(t)
  await counted(api.store, 'books', [
    { valid: 10, dead: 3, 'dead/title-missing': 3, 'flag/isbn-repaired': 2 },
    { valid: 10, dead: 5, 'dead/title-missing': 4, 'dead/not-avro': 1, 'flag/rule-of-old': 6 },
  ])
  const [books] = (await api.get('/v1/contracts')).body.contracts
  assert.deepEqual([books.dead_letters, books.flags, books.rules], [8, 8, contracts.books.rules.length])
  assert.deepEqual(
    books.violations.map((each: Record<string, unknown>) => [each['rule'], each['severity'], each['count'], each['because']]),
    [
      ['title-missing', 'reject', 7, 'A book without a title can not be shown or found.'],
      ['rule-of-old', 'warn', 6, null],
      ['isbn-repaired', 'warn', 2, contracts.books.rules.find(({ id }) => id === 'isbn-repaired')?.because],
      ['not-avro', 'reject', 1, contracts.books.rules.find(({ id }) => id === 'not-avro')?.because],
    ],
  )
  const { contract } = (await api.get('/v1/contracts/books')).body
  const rule = contract.rules.find(({ id }: { id: string }) => id === 'title-missing')
  assert.deepEqual(
    [rule.requires, rule.severity, rule.else, rule.owner, rule.violations],
    ['`title` has a value', 'reject', 'dead letter', 'source', 7],
  )
  assert.deepEqual(
    contract.fields.find(({ name }: { name: string }) => name === 'title'),
    { name: 'title', type: 'string', is_required: true, format: null, meaning: 'Title, with the series in brackets where there is one.' },
  )
  const metrics = (await api.get('/metrics')).body as string
  const metric = (rule: string, severity: string) =>
    `readflow_contract_violations_total{entity="books",rule="${rule}",severity="${severity}"}`
  for (const line of [
    `${metric('title-missing', 'reject')} 7`,
    `${metric('isbn-repaired', 'warn')} 2`,
    `${metric('isbn-invalid', 'warn')} 0`,
  ])
    assert.ok(metrics.split('\n').includes(line), line)
})
