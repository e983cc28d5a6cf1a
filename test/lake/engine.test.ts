import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { it } from 'node:test'
import { engineVersion } from '../../lake/engine.ts'

it('writes the version of the package into its tables', () => {
  assert.equal(engineVersion, JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version)
})
