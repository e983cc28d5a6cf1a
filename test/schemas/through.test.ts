import assert from 'node:assert/strict'
import { test } from 'node:test'
import { completeThroughMs } from '../../schemas/through.ts'

const of = (entries: Record<string, number>) => completeThroughMs(new Map(Object.entries(entries)), 'silver')

test('a table is complete up to the least of its partitions', () => {
  assert.equal(of({ 'silver/c/t/0/through': 70, 'silver/c/t/1/through': 50, 'silver/c/t/partitions': 2 }), 50)
})
test('a partition that the table never saw, or says nothing of, leaves it open', () => {
  assert.equal(of({}), null)
  assert.equal(of({ 'silver/c/t/0': 10, 'silver/c/t/0/through': 70 }), null, 'how many there are is not known')
  assert.equal(of({ 'silver/c/t/0/through': 70, 'silver/c/t/partitions': 2 }), null)
  assert.equal(of({ 'silver/c/t/0/through': 70, 'silver/c/t/1': 5, 'silver/c/t/partitions': 2 }), null)
  assert.equal(of({ 'silver/c/t/1': 5, 'silver/c/t/1/rows': 5 }), null, 'a table of before')
})
test('of a topic that was made anew, only the new one counts, wherever it stands', () => {
  const old = { 'silver/c/old/0/through': 10, 'silver/c/old/1/through': 12, 'silver/c/old/partitions': 2 }
  const anew = { 'silver/c/new/0/through': 30, 'silver/c/new/partitions': 1 }
  assert.equal(of({ ...old, ...anew }), 30)
  assert.equal(of({ ...anew, ...old }), 30)
  assert.equal(of({ ...old, 'silver/c/new/0/through': 30, 'silver/c/new/partitions': 2 }), null)
  assert.equal(of({ ...old, 'silver/d/old/0/through': 30, 'silver/d/old/partitions': 1 }), 30, 'the same id in another cluster')
})
test('what others keep in a table is none of it', () => {
  const entries = { 'silver/c/t/0/through': 70, 'silver/c/t/partitions': 1 }
  const others = { 'bronze/c/t/0/through': 5, 'silver/c/t/0/rule/through': 3, 'spark-job': 8, 'silver/c/t/0/valid': 1 }
  assert.equal(of({ ...entries, ...others }), 70)
})
