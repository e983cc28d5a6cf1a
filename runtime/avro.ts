import avro from 'avsc'

/** Avro by avsc; the only file that imports it. Longs beyond 2^53 are refused, never rounded. */
export interface AvroCodec {
  encode: (value: unknown) => Buffer
  /** Decodes bytes that this very schema wrote. Throws on bytes that do not fit. */
  decode: (bytes: Buffer) => unknown
  /** A decoder of another schema's bytes into this schema's shape. Throws where the two do not resolve. */
  decoderOf: (writer: object) => (bytes: Buffer) => unknown
}

const typeOf = (schema: object) => avro.Type.forSchema(schema as avro.Schema, { wrapUnions: 'auto' as never })

/** avsc takes bytes as Buffer only; a plain Uint8Array of a record's own fields becomes one, without a copy. */
const withBuffers = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null) return value
  const isPlainBytes = (each: unknown): each is Uint8Array => each instanceof Uint8Array && !Buffer.isBuffer(each)
  if (!Object.values(value).some(isPlainBytes)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      name,
      isPlainBytes(each) ? Buffer.from(each.buffer, each.byteOffset, each.byteLength) : each,
    ]),
  )
}

/** Compiles a schema. Throws on a schema that is not Avro. */
export const compileAvro = (schema: object): AvroCodec => {
  const type = typeOf(schema)
  return {
    encode: (value) => type.toBuffer(withBuffers(value)),
    decode: (bytes) => type.fromBuffer(bytes),
    decoderOf: (writer) => {
      const resolver = type.createResolver(typeOf(writer))
      return (bytes) => type.fromBuffer(bytes, resolver)
    },
  }
}

const MAGIC = 0
const PREFIX_BYTES = 5

/** Confluent's wire format: a zero byte, the schema id, the Avro bytes. */
export const frameAvro = (schemaId: number, bytes: Buffer): Buffer => {
  const framed = Buffer.allocUnsafe(PREFIX_BYTES + bytes.length)
  framed[0] = MAGIC
  framed.writeInt32BE(schemaId, 1)
  bytes.copy(framed, PREFIX_BYTES)
  return framed
}

/** Undoes `frameAvro`; null where the bytes do not have that form. */
export const unframeAvro = (value: Buffer): { schemaId: number; bytes: Buffer } | null =>
  value.length < PREFIX_BYTES || value[0] !== MAGIC ? null : { schemaId: value.readInt32BE(1), bytes: value.subarray(PREFIX_BYTES) }
