import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { describe, it } from 'node:test'
import { requestIdOf } from '../../../api/http/security.ts'

describe('the request id', () => {
  const idFor = (given?: string) =>
    requestIdOf({ headers: given === undefined ? {} : { 'x-request-id': given } } as unknown as IncomingMessage)

  it("is the caller's own where it is harmless", () => assert.equal(idFor('trace-1:span.2_3'), 'trace-1:span.2_3'))
  it('is a new one otherwise', () => {
    assert.match(idFor(), /^[0-9a-f-]{36}$/)
    assert.match(idFor('a b"<script>'), /^[0-9a-f-]{36}$/)
    assert.match(idFor('x'.repeat(65)), /^[0-9a-f-]{36}$/)
  })
})
