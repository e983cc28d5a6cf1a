import type { KafkaRecord } from '../../runtime/kafka/record-batch.ts'
import { catalogue } from '../../schemas/catalogue.ts'
import type { RecordFault, Rule } from '../../schemas/contracts/contract.ts'
import { contracts } from '../../schemas/contracts/contracts.ts'
import type { EntityName } from '../../schemas/records.ts'
import { type Decoder, tooLarge } from '../decode/decoder.ts'
import { arrivalMsOf } from './arrival.ts'
import { createJudge, type Judge } from './check.ts'
import type { Rejection } from './dead-letter.ts'
import { type Freeze, frozenBy } from './freeze.ts'

/** What judges the records of each entity. */
export const judges: Readonly<Record<EntityName, Judge>> = {
  books: createJudge(contracts.books),
  authors: createJudge(contracts.authors),
  reviews: createJudge(contracts.reviews),
  ratings: createJudge(contracts.ratings),
}

/** A record that becomes a row, or a tombstone. */
export type Read = { key: string; value: Record<string, unknown> | null; schemaId: number | null; warned: readonly Rule[] }

/** Decodes and judges one record. Pure, once the decoder knows its schema. */
export const readRecord = (
  entity: EntityName,
  record: KafkaRecord,
  { decoder, freeze }: { decoder: Decoder; freeze: Freeze | null },
): Read | Rejection => {
  if (record.key === null) return refusal('null-key', 'the record has no key', null)
  const key = record.key.toString('utf8')
  if (record.oversizedBytes !== undefined)
    return refusal('too-large', `${tooLarge(record.oversizedBytes)}; its SHA-256 is ${record.oversizedHash}`, null)
  if (record.value === null) return { key, value: null, schemaId: null, warned: [] }
  const frozen = freeze && frozenBy(freeze, record)
  if (frozen) return frozen
  const decoded = decoder.decode(record.value)
  if (!decoded.ok) return decoded.error
  const { schemaId, value } = decoded
  const { rejected, warned } = judges[entity].check(value, arrivalMsOf(record))
  if (rejected) {
    const { id, because } = rejected.rule
    return { errorClass: id, message: `${rejected.found}: ${because}`, schemaId }
  }
  const expected = catalogue[entity].keyOf(value as never)
  if (expected !== key)
    return refusal(
      'key-mismatch',
      `the key is ${JSON.stringify(key.slice(0, 80))}, the value's own is ${JSON.stringify(expected)}`,
      schemaId,
    )
  return { key, value, schemaId, warned }
}

const refusal = (fault: RecordFault, message: string, schemaId: number | null): Rejection => ({ errorClass: fault, message, schemaId })
