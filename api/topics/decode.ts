import { compileAvro, unframeAvro } from '../../runtime/avro.ts'
import type { DeliveredRecord } from '../../runtime/kafka/second/reader.ts'

/** A schema by its id; null where the registry has none, or there is no registry. */
export type SchemaById = (id: number) => Promise<object | null>

const MAX_VALUE_BYTES = 256 * 1024
const MAX_RAW_BYTES = 4096

/** A record as the API gives it. */
export interface ShownRecord {
  partition: number
  offset: number
  timestamp: string
  timestamp_type: 'LogAppendTime' | 'CreateTime'
  /** Text, or base64 where it is none. */
  key: string | null
  key_encoding: 'text' | 'base64' | null
  headers: Record<string, string>
  schema_id: number | null
  value: unknown
  /** How `value` was read; null for a record without a value, or one that can't be read. */
  value_format: 'avro' | 'json' | 'text' | null
  /** The first bytes in base64, and how many there are in all. */
  raw: string | null
  size_bytes: number | null
  /** Why there is no value to show. */
  error: string | null
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

const textOf = (bytes: Uint8Array): string | null => {
  try {
    const text = utf8.decode(bytes)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what no text has
    return /[\u0000-\u0008\u000e-\u001f]/.test(text) ? null : text
  } catch {
    // Bytes that are no text are shown as what they are.
    return null
  }
}

const encoded = (bytes: Uint8Array): { text: string; encoding: 'text' | 'base64' } => {
  const text = textOf(bytes)
  return text === null ? { text: Buffer.from(bytes).toString('base64'), encoding: 'base64' } : { text, encoding: 'text' }
}

/** What JSON can hold of a decoded value: bytes as base64. */
const jsonSafe = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (typeof value === 'bigint') return String(value)
  if (Array.isArray(value)) return value.map(jsonSafe)
  if (typeof value === 'object' && value !== null && !(value instanceof Date)) {
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, jsonSafe(each)]))
  }
  return value
}

type Decoded = Pick<ShownRecord, 'schema_id' | 'value' | 'value_format' | 'error'>

/** Decodes records by the schemas that wrote them. What it can't decode it shows, with the reason. */
export const createDecoder = (schemaById: SchemaById) => {
  const decoders = new Map<number, (bytes: Buffer) => unknown>()

  const avroValue = async (schemaId: number, bytes: Buffer): Promise<Decoded> => {
    const failed = (error: string): Decoded => ({ schema_id: schemaId, value: null, value_format: null, error })
    try {
      let decode = decoders.get(schemaId)
      if (!decode) {
        const schema = await schemaById(schemaId)
        if (!schema) return failed(`the registry has no schema ${schemaId}`)
        decode = compileAvro(schema).decode
        decoders.set(schemaId, decode)
      }
      return { schema_id: schemaId, value: jsonSafe(decode(bytes)), value_format: 'avro', error: null }
    } catch (error) {
      return failed(`it does not fit schema ${schemaId}: ${error instanceof Error ? error.message.split('\n')[0] : error}`)
    }
  }

  const decodeValue = async (value: Buffer): Promise<Decoded> => {
    if (value.length > MAX_VALUE_BYTES)
      return { schema_id: null, value: null, value_format: null, error: `it has ${value.length} bytes, which is too much to show` }
    const framed = unframeAvro(value)
    if (framed) return avroValue(framed.schemaId, framed.bytes)
    const text = textOf(value)
    if (text === null)
      return { schema_id: null, value: null, value_format: null, error: "it is neither in Confluent's wire format nor text" }
    try {
      return { schema_id: null, value: JSON.parse(text), value_format: 'json', error: null }
    } catch {
      // Text that is no JSON is text.
      return { schema_id: null, value: text, value_format: 'text', error: null }
    }
  }

  return async (
    partition: number,
    { offset, timestampMs, isLogAppendTime, key, value, headers }: DeliveredRecord,
  ): Promise<ShownRecord> => {
    const shownKey = key && encoded(key)
    const decoded: Decoded = value ? await decodeValue(value) : { schema_id: null, value: null, value_format: null, error: null }
    return {
      partition,
      offset,
      timestamp: new Date(timestampMs).toISOString(),
      timestamp_type: isLogAppendTime ? 'LogAppendTime' : 'CreateTime',
      key: shownKey?.text ?? null,
      key_encoding: shownKey?.encoding ?? null,
      headers: Object.fromEntries(headers.map(([name, text]) => [name ? encoded(name).text : '', text ? encoded(text).text : ''])),
      ...decoded,
      raw: value?.subarray(0, MAX_RAW_BYTES).toString('base64') ?? null,
      size_bytes: value?.length ?? null,
    }
  }
}

export type DecodeRecord = ReturnType<typeof createDecoder>
