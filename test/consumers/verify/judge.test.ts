import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Claim } from '../../../consumers/verify/claims.ts'
import { type Differences, noDifferences } from '../../../consumers/verify/compare.ts'
import { type BronzeEvidence, judgeBronze } from '../../../consumers/verify/judge-bronze.ts'
import { judgeSilver, type SilverEvidence } from '../../../consumers/verify/judge-silver.ts'
import { addOffset, noOffsets } from '../../../consumers/verify/offsets.ts'
import { exitCodeOf, reportOf, reportText } from '../../../consumers/verify/report.ts'

const offsetsOf = (...list: number[]) => {
  const offsets = noOffsets()
  for (const offset of list) addOffset(offsets, offset)
  return offsets
}
const claim: Claim = {
  clusterId: 'c',
  topicId: 't',
  partition: 0,
  start: 0,
  progress: 100,
  tail: 0,
  gaps: [],
  counters: { rows: 100, valid: 80, late: 3, repeat: 15, dead: 5 },
}
const noFindings = { missing: noOffsets(), duplicate: noOffsets(), overlapping: noOffsets() }
const bronze = (changes: Partial<BronzeEvidence> = {}) =>
  judgeBronze({
    claim,
    start: 0,
    rows: 100,
    ledger: noFindings,
    differences: noDifferences(),
    altered: noOffsets(),
    outside: noOffsets(),
    lost: [],
    isCompacted: false,
    ...changes,
  })
const differing = (name: keyof Differences, offset: number) => ({ differences: { ...noDifferences(), [name]: offsetsOf(offset) } })

test('Bronze: proved, or failed with the offsets', () => {
  assert.deepEqual(bronze(), { proof: 'proved', missing: 0, duplicate: 0, faults: [], notes: [] })
  const faulty = (changes: Partial<BronzeEvidence>) => {
    const { proof, faults } = bronze(changes)
    assert.equal(proof, 'FAILED')
    return faults
  }
  assert.deepEqual(faulty(differing('missing', 7)), ['1 offsets are missing: 7'])
  assert.deepEqual(faulty(differing('duplicate', 8)), ['1 rows are duplicates, of offsets: 8'])
  assert.deepEqual(faulty(differing('different', 9)), ['1 rows have another value or key than Kafka, at offsets: 9'])
  assert.deepEqual(faulty({ altered: offsetsOf(4) }), ["1 rows have other fields than Kafka's records, at offsets: 4"])
  assert.deepEqual(faulty({ ...differing('different', 9), altered: offsetsOf(9) }).length, 1)
  assert.deepEqual(faulty(differing('foreign', 10)), ['1 rows are of offsets that Kafka does not deliver: 10'])
  assert.deepEqual(faulty({ outside: offsetsOf(100, 101) }), ['2 rows lie outside of what the table says it has, at offsets: 100–101'])
  assert.deepEqual(faulty({ rows: 99 }), ['there are 99 rows, and the table counts 100'])
  assert.match(faulty({ ledger: { ...noFindings, missing: offsetsOf(50) } })[0] ?? '', /which says otherwise than Kafka, in: 50$/)
  assert.match(faulty({ ledger: { ...noFindings, overlapping: offsetsOf(50) } })[0] ?? '', /accounted for twice by the ledger, in: 50$/)
  const lost = [{ from: 90, to: 100, reason: 'beyond-end' }]
  assert.deepEqual(faulty({ lost }), ["the topic ends at 90, before the table's progress 100"])
  assert.equal(bronze({ ...differing('foreign', 10), isCompacted: true }).proof, 'proved')
})

test('Bronze: what Kafka has expired is for the ledger to say', () => {
  const lost = [{ from: 0, to: 40, reason: 'expired' }]
  assert.deepEqual(bronze({ lost }), { proof: 'proved', missing: 0, duplicate: 0, faults: [], notes: ['contiguous by ledger: 0–39'] })
  const gone = bronze({ lost: [{ from: 0, to: 100, reason: 'gone' }] })
  assert.deepEqual([gone.proof, gone.notes], ['contiguous by ledger', ['topic gone']])
  const broken = bronze({ lost, ledger: { ...noFindings, missing: offsetsOf(12), duplicate: offsetsOf(13) } })
  assert.deepEqual([broken.proof, broken.missing, broken.duplicate], ['FAILED', 1, 1])
  assert.deepEqual(broken.faults, ['1 offsets are missing by the ledger, in: 12', '1 rows are duplicates, of offsets: 13'])
  const old = bronze({ lost, ledger: null })
  assert.equal(old.proof, 'FAILED')
  assert.match(old.faults[0] ?? '', /^0–39 can not be told/)
  assert.equal(bronze({ ledger: null }).proof, 'proved')
  const gaps = [{ from: 0, to: 40, reason: 'lost' as const, at: '' }]
  assert.deepEqual(bronze({ lost, ledger: null, claim: { ...claim, gaps } }).notes, ['named gap: 0–39 (lost)'])
})

const silver = (changes: Partial<SilverEvidence> = {}) =>
  judgeSilver({
    claim,
    rows: 80,
    late: 3,
    letters: 5,
    accepted: 0,
    isComplete: true,
    delivered: 100,
    unknown: [],
    unknownRows: 0,
    byTime: 0,
    fromBronze: 0,
    notInBronze: 0,
    isGone: false,
    altered: noOffsets(),
    endsAt: null,
    outside: undefined,
    twice: undefined,
    absent: undefined,
    strangers: undefined,
    unaccounted: undefined,
    ...changes,
  })

test('Silver: valid, repeats and dead letters are what was delivered', () => {
  assert.equal(silver().proof, 'proved')
  const faulty = (changes: Partial<SilverEvidence>) => {
    const { proof, faults } = silver(changes)
    assert.equal(proof, 'FAILED')
    return faults.join('; ')
  }
  assert.match(faulty({ rows: 79 }), /there are 79 rows, and the table counts 80.*are 99, and 100 were delivered/)
  assert.match(faulty({ late: 2 }), /2 late rows/)
  assert.match(faulty({ letters: 4 }), /counts 5 dead letters, and their topic has 4/)
  assert.match(faulty({ letters: 5, accepted: 1 }), /has 4/)
  assert.match(faulty({ delivered: 101 }), /are 100, and 101 were delivered/)
  assert.match(faulty({ delivered: null }), /can not be told/)
  assert.match(faulty({ endsAt: 90, delivered: null }), /^the topic ends at 90, before the table's progress 100$/)
  assert.match(faulty({ altered: offsetsOf(5, 6) }), /^2 rows have other fields than Kafka's records give them, at offsets: 5–6$/)
  for (const name of ['outside', 'twice', 'absent', 'strangers', 'unaccounted'] as const) {
    const first = [{ key: 'k', offset: 7 }]
    assert.match(faulty({ [name]: { ...offsetsOf(7), first } }), /: 7 \(k\)$/)
    assert.match(faulty({ [name]: { ...offsetsOf(7, 8, 9, 12), first } }), /: 7–9, 12$/)
  }
})

test('Silver: letters of what was accepted or repeated since, letters that are gone', () => {
  assert.deepEqual(silver({ letters: 7, accepted: 2 }).notes, ['2 dead letters since accepted'])
  assert.match(silver({ letters: 6 }).notes.join(), /^1 dead letters of records that are repeats/)
  assert.equal(silver({ letters: 1, isComplete: false }).proof, 'proved')
  assert.equal(silver({ fromBronze: 10 }).proof, 'contiguous by ledger')
})

test('Silver: what a named gap of Bronze covers can not be known, and all else is compared', () => {
  const unknown = [{ from: 40, to: 60, reason: 'lost', offsets: 20 }]
  const lost = (changes: Partial<SilverEvidence>) => silver({ delivered: 80, unknown, unknownRows: 15, notInBronze: 20, ...changes })
  const { proof, notes, totals } = lost({})
  assert.deepEqual([proof, totals.delivered], ['contiguous by ledger', 100])
  assert.match(notes.join('; '), /named gap of Bronze: 40–59 \(lost\): how many of it were delivered can not be known/)
  assert.equal(lost({ delivered: 85 }).proof, 'contiguous by ledger')
  // More than all of the gap, or fewer than its rows, are records that are lost or doubled elsewhere.
  assert.match(lost({ delivered: 86 }).faults.join(), /are 100, and 101 to 106 were delivered$/)
  assert.match(lost({ delivered: 79 }).faults.join(), /are 100, and 94 to 99 were delivered$/)
  assert.equal(lost({ unaccounted: { ...offsetsOf(7), first: [{ key: 'k', offset: 7 }] } }).proof, 'FAILED')
  assert.match(lost({ delivered: null }).faults.join(), /can not be told/)
  // A record that Bronze does not have yet could be lost, and the number would not show it.
  assert.equal(lost({ notInBronze: 21 }).proof, 'not compared')
  assert.equal(lost({ byTime: 1 }).proof, 'not compared')
  assert.equal(silver({ byTime: 1, notInBronze: 1 }).proof, 'proved')
})

test('the report holds only when every part of it does', () => {
  const partition = { table: 'bronze.x', topic: 'x', topicId: 't', partition: 0, first: 0, last: 9, rows: 10, missing: 0, duplicate: 0 }
  const good = { ...partition, proof: 'proved' as const, faults: [], notes: [] }
  const bad = { ...good, partition: 1, proof: 'FAILED' as const, missing: 1, faults: ['1 offsets are missing: 3'] }
  const of = { seconds: 1, versions: { 'bronze.x': 4 }, damage: [], clean: [], hasFields: true }
  assert.equal(reportOf([{ invariants: 'I1', partitions: [good] }], of).ok, true)
  const report = reportOf([{ invariants: 'I1', partitions: [good, bad] }], of)
  assert.deepEqual([report.ok, report.totals.rows, report.totals.missing], [false, 20, 1])
  assert.match(reportText(report), /^FAILED bronze\.x x\/1: 1 offsets are missing: 3$/m)
})

test('what was not compared is told last, and no proof', () => {
  const of = { seconds: 1, versions: {}, damage: [], hasFields: true }
  const topic = { topic: 'x.clean', keys: 0, changedSince: 0, faults: [], notes: [] }
  const proved = reportOf([], { ...of, clean: [{ ...topic, proof: 'proved' }] })
  assert.deepEqual([proved.ok, proved.notCompared, exitCodeOf(proved)], [true, [], 0])
  const unknown = { ...topic, topic: 'y.clean', proof: 'not compared' as const, notes: ['the group was reset'] }
  const open = reportOf([], { ...of, clean: [{ ...topic, proof: 'proved' }, unknown] })
  assert.deepEqual([open.ok, open.notCompared, exitCodeOf(open)], [false, [{ what: 'y.clean', why: 'the group was reset' }], 2])
  assert.match(reportText(open), /\nWhat was compared holds; not compared: y\.clean \(the group was reset\)\n$/)
  const failed = reportOf([], { ...of, clean: [{ ...topic, proof: 'FAILED', faults: ['1 keys'] }, unknown] })
  assert.equal(exitCodeOf(failed), 1)
  assert.match(reportText(failed), /\nIt does not hold; not compared: y\.clean \(the group was reset\)\n$/)
  assert.equal(exitCodeOf(reportOf([], { ...of, clean: [], damage: [{ table: 'x', fault: 'gone' }] })), 1)
})
