import { COMPATIBILITY, SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry'
import { ReadflowError } from './errors.ts'

export interface Registry {
  /** Registers a schema under BACKWARD_TRANSITIVE and gives its id; the same schema again gives the same id. */
  register: (subject: string, schema: object) => Promise<number>
  /** The schema with that id, or null where the registry has none. */
  schemaById: (id: number) => Promise<object | null>
}

/**
 * A schema registry with Confluent's API. Throws ReadflowError `registry-unavailable` when it does not answer
 * and `schema-incompatible`, with the registry's reason, when it refuses a schema.
 */
export const openRegistry = (url: string, { requestTimeoutMs = 15_000 } = {}): Registry => {
  const base = url.replace(/\/+$/, '')
  const registry = new SchemaRegistry({ host: base, clientId: 'readflow', retry: { retries: 2, initialRetryTimeInSecs: 0.2 } })
  const schemas = new Map<number, object | null>()

  const register = async (subject: string, schema: object): Promise<number> => {
    try {
      const { id } = await answered(
        registry.register(
          { type: SchemaType.AVRO, schema: JSON.stringify(schema) },
          { subject, compatibility: COMPATIBILITY.BACKWARD_TRANSITIVE },
        ),
        requestTimeoutMs,
      )
      return id
    } catch (cause) {
      throw registerError(subject, base, cause)
    }
  }

  const schemaById = async (id: number): Promise<object | null> => {
    const known = schemas.get(id)
    if (known !== undefined) return known
    const schema = await fetchSchema(base, id, requestTimeoutMs)
    // An id that is unknown now may be registered later: only what was found is kept.
    if (schema !== null) schemas.set(id, schema)
    return schema
  }
  return { register, schemaById }
}

/** The registry client waits for ever for a server that has stopped answering. */
const answered = async <T>(request: Promise<T>, timeoutMs: number): Promise<T> => {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs / 1000} s`)), timeoutMs)
  })
  return Promise.race([request, timeout]).finally(() => clearTimeout(timer))
}

const registerError = (subject: string, base: string, cause: unknown): ReadflowError => {
  const { status, message } = cause as { status?: number; message?: string }
  const reason = (message ?? String(cause)).replace(/^Confluent_Schema_Registry - /, '')
  if (status === 409 || status === 422 || /compatib/i.test(reason)) {
    return new ReadflowError('schema-incompatible', `The registry refuses the schema of ${subject}: ${reason}.`, {
      cause,
      hint: 'Change schemas/avro so that every earlier version can still be read (BACKWARD_TRANSITIVE).',
    })
  }
  return unavailable(base, cause)
}

const unavailable = (base: string, cause: unknown) =>
  new ReadflowError(
    'registry-unavailable',
    `The schema registry at ${redact(base)} does not answer (${cause instanceof Error ? cause.message : cause}).`,
    {
      cause,
      hint: 'Start it, or set SCHEMA_REGISTRY_URL to one that runs.',
    },
  )

const redact = (url: string) => url.replace(/\/\/[^@/]*@/, '//')

const fetchSchema = async (base: string, id: number, timeoutMs: number): Promise<object | null> => {
  let response: Response
  try {
    response = await fetch(`${base}/schemas/ids/${id}`, { signal: AbortSignal.timeout(timeoutMs) })
  } catch (cause) {
    throw unavailable(base, cause)
  }
  if (response.status === 404) return null
  if (!response.ok) throw unavailable(base, new Error(`status ${response.status}`))
  const answer = (await response.json()) as { schema: string }
  return JSON.parse(answer.schema)
}
