import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isIsbn10, isIsbn13, repairIsbns } from '../../../consumers/silver/isbn.ts'

test('check digits', () => {
  assert.ok(isIsbn10('0439023483'))
  assert.ok(isIsbn10('080442957X'))
  assert.ok(!isIsbn10('0439023484'))
  assert.ok(isIsbn13('9780439023481'))
  assert.ok(!isIsbn13('9780439023480'))
  assert.ok(!isIsbn13('4006381333931'), 'an EAN of another kind is no ISBN')
})

const cases: [string, string | null, string | null, ReturnType<typeof repairIsbns>][] = [
  [
    'good ones stay',
    '0439023483',
    '9780439023481',
    { isbn: '0439023483', isbn13: '9780439023481', isbnFinding: null, isbn13Finding: null },
  ],
  [
    'lost zeros and a rounded ISBN-13 are repaired',
    '439023483',
    '9.78043902348e+12',
    { isbn: '0439023483', isbn13: '9780439023481', isbnFinding: 'repaired', isbn13Finding: 'repaired' },
  ],
  [
    'an ISBN-13 that is missing is computed',
    '0439023483',
    null,
    { isbn: '0439023483', isbn13: '9780439023481', isbnFinding: null, isbn13Finding: null },
  ],
  [
    'hyphens go',
    '0-439-02348-3',
    '978-0-439-02348-1',
    { isbn: '0439023483', isbn13: '9780439023481', isbnFinding: null, isbn13Finding: null },
  ],
  ['a broken ISBN-10 is nulled', '0439023480', null, { isbn: null, isbn13: null, isbnFinding: 'broken', isbn13Finding: null }],
  ['both broken', 'abc', '123', { isbn: null, isbn13: null, isbnFinding: 'broken', isbn13Finding: 'broken' }],
  [
    'an ISBN-13 in the wrong place is found',
    '9780439023481',
    null,
    { isbn: null, isbn13: '9780439023481', isbnFinding: null, isbn13Finding: null },
  ],
  ['nothing is nothing', null, '', { isbn: null, isbn13: null, isbnFinding: null, isbn13Finding: null }],
]
for (const [name, isbn, isbn13, expected] of cases) test(name, () => assert.deepEqual(repairIsbns(isbn, isbn13), expected))
