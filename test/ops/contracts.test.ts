import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { contractsPage } from '../../ops/docs/contracts.ts'
import { contracts } from '../../schemas/contracts/contracts.ts'

test('the documentation has the contracts as they are (npm run docs)', () => {
  const page = readFileSync(new URL('../../docs/contracts.md', import.meta.url), 'utf8')
  assert.equal(contractsPage(contracts), page)
})
