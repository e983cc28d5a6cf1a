import { sampleOf } from '../../lineage/drift/drift.ts'
import { DRIFT_HEADER, namesInHeader } from '../../lineage/drift/header.ts'
import type { KafkaRecord } from '../../runtime/kafka/record-batch.ts'
import type { RecordFault } from '../../schemas/contracts/contract.ts'
import type { EntityName } from '../../schemas/records.ts'
import type { Decoder } from '../decode/decoder.ts'
import type { SchemaWatch } from '../decode/schema-watch.ts'
import type { Rejection } from './dead-letter.ts'

export interface Freeze {
  entity: EntityName
  decoder: Decoder
  watch: SchemaWatch
}

const SCHEMA_FROZEN: RecordFault = 'schema-frozen'

const because = {
  appeared: 'is new',
  vanished: 'is missing',
  'type-changed': 'has another type than it had',
} as const

/**
 * Why a record of a frozen entity is refused: a field that its writer's schema has and ours has not, or has with another
 * type, or a name in `extra` that the poller had not known. A record that has nothing there is not refused.
 */
export const frozenBy = ({ entity, decoder, watch }: Freeze, { value, headers }: KafkaRecord): Rejection | null => {
  const schemaId = value === null ? null : decoder.schemaIdOf(value)
  if (value === null || schemaId === null) return null
  const reject = (field: string, found: string, why: string): Rejection => ({
    errorClass: SCHEMA_FROZEN,
    message: `${field} is ${found}: the field ${why}, and ${entity} is frozen (--drift ${entity}=freeze)`,
    schemaId,
  })
  const offence = watch.offence(schemaId, value)
  if (offence) return reject(offence.field, JSON.stringify(offence.value), because[offence.kind])
  const names = headers.flatMap(([name, header]) => (name === DRIFT_HEADER ? namesInHeader(header) : []))
  if (names.length === 0) return null
  const { extra } = (decoder.decodeAsWritten(value) ?? {}) as { extra?: Record<string, unknown> }
  const field = names.find((name) => extra && Object.hasOwn(extra, name))
  return field === undefined
    ? null
    : reject(`extra.${field}`, JSON.stringify(sampleOf(extra?.[field])), 'is new, or has another type than it had')
}
