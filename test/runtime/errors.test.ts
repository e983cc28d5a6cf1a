import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { it } from 'node:test'
import { errorLine, ReadflowError } from '../../runtime/errors.ts'

const failed = (promise: Promise<unknown>) => promise.then(() => assert.fail('it went well'), errorLine)

it('what the system refuses is one line with what to do; what has no such answer is told as it is', async () => {
  const isLinux = process.platform === 'linux'
  if (isLinux) assert.match(await failed(writeFile('/dev/full', 'x')), /^ENOSPC: no space left on device, write\. A disk is full: df -h/)
  assert.equal(await failed(readFile('/no/such')), "ENOENT: no such file or directory, open '/no/such'")
  assert.equal(errorLine(new ReadflowError('config', 'Wrong.\n  Quite.', { hint: 'Mend it.' })), 'Wrong. Quite. Mend it.')
})
