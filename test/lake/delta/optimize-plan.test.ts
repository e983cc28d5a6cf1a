import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { AddFile } from '../../../lake/delta/actions.ts'
import { planOptimize } from '../../../lake/delta/optimize-plan.ts'

const MiB = 1024 ** 2
const file = (path: string, size: number, more: Partial<AddFile> = {}): AddFile => ({
  path,
  partitionValues: { day: '2026-11-22' },
  size,
  modificationTime: 1,
  dataChange: true,
  ...more,
})
const plan = (files: AddFile[], limits: { minFiles?: number; settledBeforeMs?: number } = {}) =>
  planOptimize({ files }, { targetBytes: 32 * MiB, minFiles: 2, ...limits }).map(({ files }) => files.map(({ path }) => path).join(''))
const many = (count: number, size: number, prefix = 'f') => Array.from({ length: count }, (_, index) => file(`${prefix}${index}.`, size))

describe('a plan of merges', () => {
  it('is empty for a single small file, and for large ones', () => {
    assert.deepEqual(plan([file('a', 1)]), [])
    assert.deepEqual(plan([file('a', 16 * MiB), file('b', 16 * MiB), file('c', 1)]), [])
  })

  it('keeps partitions apart, and null from the text null', () => {
    const groups = plan([
      file('a', 1),
      file('b', 1, { partitionValues: { day: null } }),
      file('c', 1, { partitionValues: { day: 'null' } }),
      file('d', 1),
      file('e', 1, { partitionValues: { day: null } }),
    ])
    assert.deepEqual(groups, ['ad', 'be'])
  })

  it('fills files up to the target, oldest first', () => {
    const groups = plan([12, 12, 12, 12].map((size, index) => file(`${'dcba'[index]}`, size * MiB, { modificationTime: 4 - index })))
    assert.deepEqual(groups, ['ab', 'cd'])
  })

  it('waits for enough files of like size, and takes the smaller ones along', () => {
    const large = many(3, 4 * MiB, 'large')
    assert.deepEqual(plan([...large, ...many(15, 1000)], { minFiles: 16 }), [])
    assert.deepEqual(plan([...large, ...many(16, 1000)], { minFiles: 16 }).length, 1)
    assert.ok(!plan([...large, ...many(16, 1000)], { minFiles: 16 })[0]?.includes('large'))
    assert.deepEqual(plan([...many(4, MiB, 'x'), file('s', 10)], { minFiles: 4 }), ['x0.x1.x2.x3.s'])
  })

  it('merges whatever is small in a partition that has settled', () => {
    const files = [file('a', 10), file('b', 4 * MiB, { modificationTime: 5 })]
    assert.deepEqual(plan(files, { minFiles: 16, settledBeforeMs: 5 }), [])
    assert.deepEqual(plan(files, { minFiles: 16, settledBeforeMs: 6 }), ['ab'])
  })

  it('leaves files with tags alone', () => {
    assert.deepEqual(plan([file('a', 1, { tags: { digest: 'x' } }), file('b', 1), file('c', 1, { tags: {} })]), ['bc'])
  })

  it('bounds the number of files of a group', () => {
    const groups = planOptimize({ files: many(600, 10) }, { targetBytes: 32 * MiB, minFiles: 2 })
    assert.deepEqual(
      groups.map(({ files }) => files.length),
      [256, 256, 88],
    )
  })
})
