import { type AvroCodec, compileAvro, unframeAvro } from '../../runtime/avro.ts'
import type { Registry } from '../../runtime/registry.ts'

/** Why a value could not be decoded; a value, not an exception: it becomes `_error` or a dead letter. */
export interface Undecodable {
  errorClass: 'not-avro' | 'unknown-schema' | 'undecodable'
  message: string
  schemaId: number | null
}

export type Decoded = { ok: true; schemaId: number; value: Record<string, unknown> } | { ok: false; error: Undecodable }

/** Why a record has no value: the reader passed over it. */
export const tooLarge = (bytes: number): string => `the value has ${bytes} bytes, more than can be held`

/** Writer schemas by id, with what was compiled from them. */
export interface WriterSchema {
  schema: object
  decode: (bytes: Buffer) => unknown
}

/**
 * Decodes values in Confluent's wire format. With `reader`, into that schema's shape; else as written.
 * `prepare` must have seen a value's schema id before `decode` meets it: fetching is IO, decoding is not.
 * Throws ReadflowError `registry-unavailable` from `prepare`: a fault waits, it makes no dead letter.
 */
export const createDecoder = ({ registry, reader }: { registry: Registry; reader?: AvroCodec }) => {
  const writers = new Map<number, WriterSchema | Undecodable>()

  const compile = (schema: object, schemaId: number): WriterSchema | Undecodable => {
    try {
      return { schema, decode: reader ? reader.decoderOf(schema) : compileAvro(schema).decode }
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
      if (schema !== null) writers.set(framed.schemaId, compile(schema, framed.schemaId))
    },
    needs: (value: Buffer): boolean => {
      const framed = unframeAvro(value)
      return framed !== null && !writers.has(framed.schemaId)
    },
    writerSchema: (schemaId: number): object | null => {
      const writer = writers.get(schemaId)
      return writer && 'schema' in writer ? writer.schema : null
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

export type Decoder = ReturnType<typeof createDecoder>

const refuse = (errorClass: Undecodable['errorClass'], message: string, schemaId: number | null): Decoded => ({
  ok: false,
  error: { errorClass, message, schemaId },
})

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))
