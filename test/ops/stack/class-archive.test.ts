import assert from 'node:assert/strict'
import { existsSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { classArchive, whileArchiving } from '../../../ops/stack/class-archive.ts'

test('an archive is written by a run that had none, kept once it is whole, and used by the next ones of the same Java', async (t) => {
  const dir = await mkdtemp(path.join(tmpdir(), 'readflow-archive-'))
  t.after(() => rm(dir, { recursive: true }))
  const of = (javaVersion: string, isMade?: boolean) => classArchive({ dir, name: 'kafka', javaVersion, ...(isMade ? { isMade } : {}) })
  assert.deepEqual(of('17'), { flags: [], keep: null })
  assert.deepEqual(whileArchiving(of('17')), {})

  const abandoned = path.join(dir, 'kafka-1.jsa.2.part')
  writeFileSync(abandoned, '')
  utimesSync(abandoned, 0, 0)
  const [killed, made] = [of('17', true), of('17', true)]
  assert.equal(existsSync(abandoned), false)
  assert.notDeepEqual(killed.flags, made.flags)
  killed.keep?.()
  assert.deepEqual(of('17').flags, [])
  writeFileSync(String(made.flags[0]).replace('-XX:ArchiveClassesAtExit=', ''), 'classes')
  assert.deepEqual(of('17').flags, [], 'a half is never used')
  whileArchiving(made).onEnd?.()

  const [kept = ''] = readdirSync(dir)
  assert.match(kept, /^kafka-\w+\.jsa$/)
  for (const isMade of [true, false]) assert.equal(of('17', isMade).flags[0], `-XX:SharedArchiveFile=${path.join(dir, kept)}`)
  assert.deepEqual(of('21').flags, [])
})
