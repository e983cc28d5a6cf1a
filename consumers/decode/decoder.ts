import { type AvroCodec, compileAvro, unframeAvro } from '../../runtime/avro.ts'
import type { Registry } from '../../runtime/registry.ts'
import type { RecordFault } from '../../schemas/contracts/contract.ts'

/** Why a value could not be decoded; a value, not an exception: it becomes `_error` or a dead letter. */
export interface Undecodable {
  errorClass: Extract<RecordFault, 'not-avro' | 'unknown-schema' | 'undecodable'>
  message: string
  schemaId: number | null
}

export type Decoded = { ok: true; schemaId: number; value: Record<string, unknown> } | { ok: false; error: Undecodable }

/** Why a record has no value: the reader passed over it. */
export const tooLarge = (bytes: number): string => `the value has ${bytes} bytes, more than can be held`

/** What was compiled from a writer's schema. */
interface WriterSchema {
  decode: (bytes: Buffer) => unknown
}

/**
 * Decodes values in Confluent's wire format. With `reader`, into that schema's shape; else as written.
 * `prepare` must have seen a value's schema id before `decode` meets it: fetching is IO, decoding is not.
 * Throws ReadflowError `registry-unavailable` from `prepare`: a fault waits, it makes no dead letter.
 */
export const createDecoder = ({ registry, reader }: { registry: Registry; reader?: AvroCodec }) => {
  const writers = new Map<number, WriterSchema | Undecodable>()
  const schemas = new Map<number, object>()
  const asWritten = new Map<number, AvroCodec | null>()

  const compile = (schema: object, schemaId: number): WriterSchema | Undecodable => {
    try {
      return { decode: reader ? reader.decoderOf(schema) : compileAvro(schema).decode }
    } catch (error) {
      return { errorClass: 'undecodable', message: `schema ${schemaId} can not be read as ours: ${messageOf(error)}`, schemaId }
    }
  }

  return {
    /** Fetches the schema of a value where it is not known yet. */
    prepare: async (value: Buffer) => {
      const framed = unframeAvro(value)
      if (!framed || writers.has(framed.schemaId)) return
      const schema = await registry.schemaById(framed.schemaId)
      if (schema === null) return
      schemas.set(framed.schemaId, schema)
      writers.set(framed.schemaId, compile(schema, framed.schemaId))
    },
    needs: (value: Buffer): boolean => {
      const framed = unframeAvro(value)
      return framed !== null && !writers.has(framed.schemaId)
    },
    /** The schema of a value; null where it has none that is known. */
    schemaIdOf: (value: Buffer): number | null => {
      const schemaId = unframeAvro(value)?.schemaId
      return schemaId !== undefined && schemas.has(schemaId) ? schemaId : null
    },
    /** Also where it can not be read as ours. */
    writerSchema: (schemaId: number): object | null => schemas.get(schemaId) ?? null,
    /** A value in the shape that it was written in, whatever the reader's is; null where it can not be decoded. */
    decodeAsWritten: (value: Buffer): unknown => {
      const framed = unframeAvro(value)
      const schema = framed && schemas.get(framed.schemaId)
      if (!schema) return null
      if (!asWritten.has(framed.schemaId)) asWritten.set(framed.schemaId, compiled(schema))
      try {
        return asWritten.get(framed.schemaId)?.decode(framed.bytes) ?? null
      } catch {
        return null
      }
    },
    decode: (value: Buffer): Decoded => {
      const framed = unframeAvro(value)
      if (!framed) return refuse('not-avro', `value of ${value.length} bytes does not begin with a zero byte and a schema id`, null)
      const { schemaId } = framed
      const writer = writers.get(schemaId)
      if (!writer) return refuse('unknown-schema', `the registry has no schema ${schemaId}`, schemaId)
      if (!('decode' in writer)) return { ok: false, error: writer }
      try {
        return { ok: true, schemaId, value: writer.decode(framed.bytes) as Record<string, unknown> }
      } catch (error) {
        return refuse('undecodable', `the bytes do not fit schema ${schemaId}: ${messageOf(error)}`, schemaId)
      }
    },
  }
}

const compiled = (schema: object): AvroCodec | null => {
  try {
    return compileAvro(schema)
  } catch {
    return null
  }
}

export type Decoder = ReturnType<typeof createDecoder>

const refuse = (errorClass: Undecodable['errorClass'], message: string, schemaId: number | null): Decoded => ({
  ok: false,
  error: { errorClass, message, schemaId },
})

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))
