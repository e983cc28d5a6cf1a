import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createHostCheck } from '../../../runtime/http/hosts.ts'

describe('the Host check', () => {
  it('takes the loopback names and the bound host, with and without a port', () => {
    const isAllowed = createHostCheck({ host: '192.0.2.7' })
    for (const host of ['127.0.0.1', '127.0.0.1:8080', 'localhost:1', 'LOCALHOST', '[::1]:8080', '192.0.2.7:8080'])
      assert.ok(isAllowed(host), host)
  })

  it('refuses every other name, and what is no host at all', () => {
    const isAllowed = createHostCheck({ host: '127.0.0.1' })
    const refused = [
      'evil.example',
      'localhost.evil.example',
      '127.0.0.1.evil.example:8080',
      '192.0.2.7',
      '[::2]',
      'localhost:8080:1',
      'user@localhost',
      '',
      undefined,
    ]
    for (const host of refused) assert.equal(isAllowed(host), false, String(host))
  })

  it('takes any address, but no further name, when bound to every interface', () => {
    const isAllowed = createHostCheck({ host: '0.0.0.0', allowedHosts: ['readflow.internal'] })
    assert.ok(isAllowed('192.0.2.7:8080'))
    assert.ok(isAllowed('[2001:db8::1]:8080'))
    assert.ok(isAllowed('readflow.internal'))
    assert.equal(isAllowed('evil.example'), false)
  })
})
