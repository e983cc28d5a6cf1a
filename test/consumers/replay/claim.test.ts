import assert from 'node:assert/strict'
import { hostname } from 'node:os'
import { it } from 'node:test'
import { claimReplay, newReplay, saveReplay } from '../../../consumers/replay/entry.ts'
import { readReplay, writeReplay } from '../../../lake/replays.ts'
import { openMemoryStore } from '../../../lake/store/memory.ts'
import { processMark } from '../../../runtime/process.mjs'

const TABLE = 'silver.books'
/** As one that another process, which is there, has on record: our parent. */
const ofAnother = (id: string) => ({
  ...newReplay(TABLE, 'another'),
  ...{ id, host: hostname(), pid: process.ppid, mark: processMark(process.ppid) },
})

it('of two replays that begin at the same moment one is refused, whichever it is; the other goes on', async () => {
  for (const [own, other] of [
    ['ffffffff', '00000000'],
    ['00000000', 'ffffffff'],
  ] as const) {
    const store = openMemoryStore()
    await writeReplay(store, ofAnother(other))
    const entry = { ...newReplay(TABLE, 'own'), id: own }
    await assert.rejects(claimReplay(store, entry), (error: Error & { code: string }) => {
      assert.equal(error.code, 'config')
      assert.match(error.message, new RegExp(`The replay ${other} of silver\\.books is under way, in process ${process.ppid} `))
      return true
    })
    assert.equal((await readReplay(store, own))?.state, 'aborted')
    assert.equal((await readReplay(store, other))?.state, 'open')
  }
})

it('who waits for the other one to give up goes on where it has', async () => {
  const store = openMemoryStore()
  await writeReplay(store, ofAnother('ffffffff'))
  const claimed = claimReplay(store, { ...newReplay(TABLE, 'own'), id: '00000000' })
  await writeReplay(store, { ...ofAnother('ffffffff'), state: 'aborted' })
  await claimed
  assert.equal((await readReplay(store, '00000000'))?.state, 'open')
})

it('of a replay of another table, and of one whose process is gone, nothing is heard', async () => {
  const store = openMemoryStore()
  await writeReplay(store, { ...ofAnother('00000000'), table: 'silver.authors' })
  await writeReplay(store, { ...ofAnother('00000001'), mark: 'of another process that had this number' })
  await claimReplay(store, { ...newReplay(TABLE, 'own'), id: 'ffffffff' })
})

it('of two that go on with the same replay one stops', async () => {
  const store = openMemoryStore()
  const entry = ofAnother('00000000')
  await writeReplay(store, entry)
  await assert.rejects(saveReplay(store, entry), /is under way, in process/)
})
