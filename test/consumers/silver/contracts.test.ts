import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createSilver } from '../../../consumers/silver/silver.ts'
import { columnOf, valueAt } from '../../../lake/columns/column.ts'
import { openMemoryStore } from '../../../lake/store/memory.ts'
import type { DriftPolicy } from '../../../lineage/drift/drift.ts'
import { emptyAuthor, emptyBook } from '../../../producers/sources/empty.ts'
import { compileAvro, frameAvro } from '../../../runtime/avro.ts'
import type { Registry } from '../../../runtime/registry.ts'
import { catalogue, entityNames } from '../../../schemas/catalogue.ts'
import { checkText } from '../../../schemas/contracts/contract.ts'
import { contracts } from '../../../schemas/contracts/contracts.ts'
import type { EntityName, Review } from '../../../schemas/records.ts'

const arrivalMs = Date.UTC(2026, 10, 22, 12)
const DAY_MS = 86_400_000
const OURS = 1
const NOT_OURS = 2
/** Ours, with a field more. */
const NEWER = 3

const review: Review = {
  ...{ review_id: '1', user_id: null, user_name: null, book_id: 'b', rating: null, body: null, votes: null, comments_count: null },
  ...{ has_spoiler: null, spoilers_state: null, shelves: [], recommended_for: null, recommended_by: null, started_at: null },
  ...{ read_at: null, date_added: null, date_updated: null, read_count: null, owned: null, url: null, extra: {} },
}
const valid: Record<EntityName, Record<string, unknown>> = {
  books: { ...emptyBook('1'), title: 'A title' },
  authors: { ...emptyAuthor('1'), name: 'A name' },
  reviews: { ...review },
  ratings: { user_id: 'u', book_id: 'b', rating: 3, rated_at: null, review_id: null, extra: {} },
}

/** Values that break each rule, and what Silver makes of the first field of those that it keeps. */
const faults: Record<EntityName, Record<string, object>> = {
  books: {
    'book_id-missing': { book_id: ' ' },
    'title-missing': { title: null },
    'average_rating-out-of-range': { average_rating: 5.01 },
    'publication-implausible': { publication_year: 2027 },
    'original_publication-implausible': { original_publication_year: 2001, original_publication_month: 2, original_publication_day: 29 },
    'updated_at-implausible': { updated_at: arrivalMs + 2 * DAY_MS },
    'ratings-sum-mismatch': { ratings_1: 1, ratings_2: 2, ratings_3: 3, ratings_4: 4, ratings_5: 5, work_ratings_count: 16 },
    'isbn-repaired': { isbn: '439023483' },
    'isbn-invalid': { isbn: '0439023480' },
    'isbn13-repaired': { isbn: '0439023483', isbn13: '9.78043902348e+12' },
    'isbn13-invalid': { isbn13: '9780439023480' },
    'language-unknown': { language_code: 'xx-not' },
  },
  authors: {
    'author_id-missing': { author_id: '' },
    'name-missing': { name: '\t' },
    'average_rating-out-of-range': { average_rating: -1 },
    'updated_at-implausible': { updated_at: Date.UTC(1999, 11, 31) },
    'born_at-implausible': { born_at: Math.floor(arrivalMs / DAY_MS) + 3 },
    'died_at-implausible': { died_at: Math.floor(arrivalMs / DAY_MS) + 3 },
  },
  reviews: {
    'review_id-missing': { review_id: '' },
    'book_id-missing': { book_id: null },
    'rating-out-of-range': { rating: 0 },
    'date_added-implausible': { date_added: 0 },
    'date_updated-implausible': { date_updated: arrivalMs + 2 * DAY_MS },
    'started_at-implausible': { started_at: Date.UTC(1899, 0, 1) },
    'read_at-implausible': { read_at: arrivalMs + 2 * DAY_MS },
  },
  ratings: {
    'user_id-missing': { user_id: '' },
    'book_id-missing': { book_id: '' },
    'rating-out-of-range': { rating: 9 },
    'rated_at-implausible': { rated_at: arrivalMs + 2 * DAY_MS },
  },
}
const kept: Record<string, [field: string, value: unknown]> = {
  'ratings-sum-mismatch': ['work_ratings_count', 16],
  'isbn-repaired': ['isbn', '0439023483'],
  'isbn-invalid': ['isbn', null],
  'isbn13-repaired': ['isbn13', '9780439023481'],
  'isbn13-invalid': ['isbn13', null],
  'language-unknown': ['language_code', null],
  'born_at-implausible': ['born_at', null],
  'died_at-implausible': ['died_at', null],
  'started_at-implausible': ['started_at', null],
  'read_at-implausible': ['read_at', null],
}

const newer = (entity: EntityName) => {
  const { schema } = catalogue[entity]
  return { ...schema, fields: [...schema.fields, { name: 'novelty', type: 'string' }] }
}

/** Passes one record through Silver as it is built from the catalogue. */
const through = async (
  entity: EntityName,
  record: { key?: Buffer | null; value: Buffer | null; oversizedBytes?: number },
  policy: DriftPolicy = 'evolve',
) => {
  const { schema } = catalogue[entity]
  const schemas: Record<number, object> = {
    [OURS]: schema,
    [NOT_OURS]: { type: 'record', name: 'Other', fields: [{ name: 'x', type: 'int' }] },
    [NEWER]: newer(entity),
  }
  const registry = { schemaById: async (id: number) => schemas[id] ?? null } as unknown as Registry
  const drift = { policies: { [entity]: policy }, found: () => undefined }
  const silver = createSilver({ registry, store: openMemoryStore(), drift })
  const table = silver.tables.find((each) => each.entity === entity) ?? assert.fail()
  const of = { offset: 0, timestampMs: arrivalMs, isLogAppendTime: true, headers: [], key: Buffer.from('1'), ...record }
  const input = { topic: catalogue[entity].topic, topicId: 'id', partition: 3, fromOffset: 0, nextOffset: 1, undelivered: 0, records: [of] }
  const { batch, outcomes, deadLetters } = await table.transform([input], [])
  return {
    outcomes: outcomes.get(3),
    letter: deadLetters[0]?.headers,
    row: (name: string) => (batch.length === 0 ? undefined : valueAt(columnOf(batch, name), 0)),
  }
}

const encoded = (entity: EntityName, fields: object) => {
  const value = { ...valid[entity], ...fields }
  const key = Buffer.from(catalogue[entity].keyOf(value as never))
  return { key, value: frameAvro(OURS, compileAvro(catalogue[entity].schema).encode(value)) }
}

const recordFaults: Record<string, (entity: EntityName) => Parameters<typeof through>[1]> = {
  'null-key': (entity) => ({ ...encoded(entity, {}), key: null }),
  'too-large': () => ({ value: null, oversizedBytes: 70_000_000 }),
  'not-avro': () => ({ value: Buffer.from('{"json": true}') }),
  'unknown-schema': (entity) => ({ value: frameAvro(99, encoded(entity, {}).value.subarray(5)) }),
  'schema-frozen': (entity) => ({
    ...encoded(entity, {}),
    value: frameAvro(NEWER, compileAvro(newer(entity)).encode({ ...valid[entity], novelty: 'a thing' })),
  }),
  undecodable: (entity) => ({ value: encoded(entity, {}).value.subarray(0, 7) }),
  'key-mismatch': (entity) => ({ ...encoded(entity, {}), key: Buffer.from('another') }),
}

for (const entity of entityNames) {
  const { rules } = contracts[entity]
  describe(`the contract of ${entity}`, () => {
    test('a record that breaks no rule becomes a row without a flag', async () => {
      const { outcomes, letter, row } = await through(entity, encoded(entity, {}))
      assert.equal(letter, undefined)
      assert.deepEqual(outcomes, { valid: 1 })
      assert.deepEqual(row('_flags'), [])
    })
    test('every rule has a record here that breaks it', () => {
      const counted = rules.filter(({ check, id }) => check.kind === 'range' && id.endsWith('-negative')).map(({ id }) => id)
      assert.deepEqual([...Object.keys(recordFaults), ...Object.keys(faults[entity]), ...counted].sort(), rules.map(({ id }) => id).sort())
    })
    for (const { id, fields, severity, because } of rules) {
      const record = () => recordFaults[id]?.(entity) ?? encoded(entity, faults[entity][id] ?? { [fields[0] ?? '']: -1 })
      test(`${id}: ${severity === 'reject' ? 'a dead letter that says so' : 'a row that says so'}, counted`, async () => {
        const { outcomes, letter, row } = await through(entity, record(), id === 'schema-frozen' ? 'freeze' : 'evolve')
        if (severity === 'reject') {
          assert.equal(letter?.['readflow.error-class'], id)
          if (fields.length > 0) assert.ok(String(letter?.['readflow.error-message']).endsWith(`: ${because}`))
          return assert.deepEqual(outcomes, { dead: 1, [`dead/${id}`]: 1 })
        }
        assert.deepEqual(outcomes, { valid: 1, [`flag/${id}`]: 1 })
        assert.deepEqual(row('_flags'), [id])
        const [field, value] = kept[id] ?? assert.fail('what becomes of the value is not said')
        assert.equal(row(field), value)
      })
    }
  })
}

test('a schema that can not be read as ours makes its records undecodable', async () => {
  const { letter } = await through('books', { value: frameAvro(NOT_OURS, Buffer.from([2])) })
  assert.equal(letter?.['readflow.error-class'], 'undecodable')
})

test('parts that sum up, and parts of which one is missing, bear no flag', async () => {
  const stars = { ratings_1: 1, ratings_2: 2, ratings_3: 3, ratings_4: 4, ratings_5: 5 }
  for (const fields of [{ ...stars, work_ratings_count: 15 }, { ...stars, ratings_3: null, work_ratings_count: 16 }, stars])
    assert.deepEqual((await through('books', encoded('books', fields))).row('_flags'), [])
})

test('rules are about fields that exist, each once, and say in sentences what and why', () => {
  for (const { entity, fields, rules } of Object.values(contracts)) {
    const names = new Set(fields.map(({ name }) => name))
    assert.equal(new Set(rules.map(({ id }) => id)).size, rules.length, `${entity}: a rule's id stands twice`)
    for (const rule of rules) {
      for (const field of rule.fields) assert.ok(names.has(field), `${entity}: ${rule.id} is about ${field}`)
      assert.match(rule.because, /^[A-Z0-9].{10,}\.$/)
      assert.match(checkText(rule), /^\S.{8,}\S$/)
      assert.equal(rule.severity === 'reject', rule.value === null)
    }
    assert.ok(fields.every(({ meaning }) => meaning.length > 3))
  }
})
