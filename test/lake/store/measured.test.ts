import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { commit } from '../../../lake/delta/commit.ts'
import { openTable } from '../../../lake/delta/table.ts'
import { measuredStore } from '../../../lake/store/measured.ts'
import { openMemoryStore } from '../../../lake/store/memory.ts'
import type { ObjectStore } from '../../../lake/store/store.ts'
import { ReadflowError } from '../../../runtime/errors.ts'
import { conformance, listed } from './conformance.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

const measured = (store: ObjectStore = openMemoryStore()) => {
  const told: string[] = []
  const metrics = {
    called: (operation: string, outcome: string, durationMs: number) => {
      assert.ok(durationMs >= 0)
      told.push(`${operation} ${outcome}`)
    },
    committed: (table: string) => void told.push(`committed ${table}`),
    conflicted: (table: string) => void told.push(`conflicted ${table}`),
  }
  return { store: measuredStore(store, metrics), told }
}

conformance('measured memory', () => measured().store)

describe('a measured store', () => {
  it('tells of each call and what came of it', async () => {
    const { store, told } = measured()
    await store.put('a', bytes('abc'))
    await store.putIfAbsent('a', bytes('x'))
    await store.putIfAbsent('b', bytes('x'))
    await store.get('a')
    await assert.rejects(store.get('gone'))
    await (await store.pieces('a')).read(0, 1)
    assert.deepEqual(await listed(store, ''), ['a', 'b'])
    await store.delete('a')
    assert.deepEqual(told, [
      'put ok',
      'put_if_absent exists',
      'put_if_absent ok',
      'get ok',
      'get absent',
      'pieces ok',
      'get_range ok',
      'list ok',
      'delete ok',
    ])
  })

  it('tells of a list that was left early, and of one that failed', async () => {
    const { store, told } = measured()
    for (const path of ['a', 'b']) await store.put(path, bytes('x'))
    for await (const _ of store.list('')) break
    const away = new ReadflowError('lake-unavailable', 'away')
    const broken = measured({
      ...openMemoryStore(),
      // biome-ignore lint/correctness/useYield: it fails before it has anything
      list: async function* () {
        throw away
      },
      get: () => Promise.reject(away),
    })
    await assert.rejects(listed(broken.store, ''), away)
    await assert.rejects(broken.store.get('a'), away)
    assert.deepEqual([told.slice(2), broken.told], [['list ok'], ['list failed', 'get failed']])
  })

  it('tells of the commits of a table, and of those that another came before', async () => {
    const plain = openMemoryStore()
    const { store, told } = measured(plain)
    const fields = [{ name: 'a', type: { kind: 'long' as const }, nullable: true }]
    const [ours, other] = [openTable(store, 'silver/books'), openTable(plain, 'silver/books')]
    const set = (value: string) => ({ operation: 'TEST', fields, partitionColumns: [], configuration: { value } })
    await commit(ours, set('1'))
    await commit(other, set('2'))
    await commit(ours, set('3'))
    assert.deepEqual(
      told.filter((line) => / silver/.test(line)),
      ['committed silver.books', 'conflicted silver.books', 'committed silver.books'],
    )
  })
})
