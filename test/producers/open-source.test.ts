import assert from 'node:assert/strict'
import { it } from 'node:test'
import { openSource } from '../../producers/open-source.ts'
import { createLog } from '../../runtime/log.ts'

const open = (uri: string) =>
  openSource(uri, {
    config: { goodreadsApiKey: undefined, goodreadsUserIds: undefined, requestTimeoutMs: 5000 },
    sandboxStartMs: async () => Date.UTC(2026, 9, 1),
    log: createLog('test', 'error'),
  })

it('a sandbox is named by its seed and by how much history it has', async () => {
  for (const [uri, id] of [
    ['sandbox:', 'sandbox:seed=1'],
    ['sandbox:2', 'sandbox:seed=2'],
    ['sandbox:reviews=1000', 'sandbox:seed=1,reviews=1000'],
    ['sandbox:seed=3,reviews=1000', 'sandbox:seed=3,reviews=1000'],
  ] as const) {
    const source = await open(uri)
    assert.equal(source.id, id)
    await source.close()
  }
})

it('what names no sandbox is one line with how it is written', async () => {
  for (const rest of ['x', 'seed=', 'seed=2,', 'reviews=', 'reviews=10', 'reviews=1000001', 'reviews=1000,seed=2', 'seed=9007199254740993'])
    await assert.rejects(open(`sandbox:${rest}`), (error: Error & { code: string; hint: string }) => {
      assert.equal(error.code, 'config')
      assert.match(error.hint, /sandbox:seed=2,reviews=4000/)
      return true
    })
})
