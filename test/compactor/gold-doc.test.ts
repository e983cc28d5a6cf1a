import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { goldNames, goldTables } from '../../compactor/tables.ts'

test('docs/gold.md names every table of Gold with each of its columns', () => {
  const rows = readFileSync(new URL('../../docs/gold.md', import.meta.url), 'utf8').split('\n')
  for (const name of goldNames) {
    const row = rows.find((line) => line.startsWith(`| \`${name}\``)) ?? ''
    const named = new Set(row.replace('ratings_1 … ratings_5', 'ratings_1 ratings_2 ratings_3 ratings_4 ratings_5').match(/\w+/g))
    assert.deepEqual(
      Object.keys(goldTables[name].columns).filter((column) => !named.has(column)),
      [],
      name,
    )
  }
})
