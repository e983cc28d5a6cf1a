import { COMPATIBILITY, SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry'
import { ReadflowError } from './errors.ts'
import { within } from './within.ts'

export interface Registry {
  /**
   * Registers a schema under BACKWARD_TRANSITIVE, or FULL_TRANSITIVE where its subject has that, and gives its id;
   * the same schema again gives the same id.
   */
  register: (subject: string, schema: object) => Promise<number>
  /** The schema with that id, or null where the registry has none. */
  schemaById: (id: number) => Promise<object | null>
  /** The versions of a subject, oldest first; none for one that there is not. */
  versions: (subject: string) => Promise<SchemaVersion[]>
  /** How new versions of a subject must go with older ones, such as `BACKWARD_TRANSITIVE`; null where nothing was set for it. */
  compatibility: (subject: string) => Promise<string | null>
}

export interface SchemaVersion {
  version: number
  /** Id of the schema, as records carry it. */
  id: number
  schema: object
}

/**
 * A schema registry with Confluent's API; a user and a password in its URL are sent as basic authentication. Throws
 * ReadflowError `registry-unavailable` when it does not answer and `schema-incompatible`, with the registry's reason,
 * when it refuses a schema.
 */
export const openRegistry = (url: string, { requestTimeoutMs = 15_000 } = {}): Registry => {
  const { base, auth } = addressOf(url)
  const retry = { retries: 2, initialRetryTimeInSecs: 0.2 }
  const registry = new SchemaRegistry({ host: base, clientId: 'readflow', retry, ...(auth && { auth }) })
  const request = createRequest(base, auth, requestTimeoutMs)
  const schemas = new Map<number, object | null>()

  /**
   * The level to register a subject under. The client sets it after the first schema: killed between the two, it
   * leaves a subject with a weaker level, and refuses that subject from then on. So that is mended first.
   */
  const ensureLevel = async (subject: string): Promise<COMPATIBILITY> => {
    const wanted = COMPATIBILITY.BACKWARD_TRANSITIVE
    const config = `/config/${encodeURIComponent(subject)}`
    const answer = await request<{ compatibilityLevel: string }>(config)
    const level = answer?.compatibilityLevel.toUpperCase()
    if (level === COMPATIBILITY.FULL_TRANSITIVE) return level
    if (level !== undefined && level !== wanted) await request(config, { method: 'PUT', body: JSON.stringify({ compatibility: wanted }) })
    return wanted
  }

  const register = async (subject: string, schema: object): Promise<number> => {
    const compatibility = await ensureLevel(subject)
    try {
      // Its client waits for ever for a server that has stopped answering.
      const { id } = await within(
        registry.register({ type: SchemaType.AVRO, schema: JSON.stringify(schema) }, { subject, compatibility }),
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
    const answer = await request<{ schema: string }>(`/schemas/ids/${id}`)
    if (answer === null) return null // it may be registered later: only what was found is kept
    const schema = JSON.parse(answer.schema)
    schemas.set(id, schema)
    return schema
  }

  const versions = async (subject: string): Promise<SchemaVersion[]> => {
    const path = `/subjects/${encodeURIComponent(subject)}/versions`
    const numbers = (await request<number[]>(path)) ?? []
    const found = await Promise.all(numbers.map((number) => request<{ version: number; id: number; schema: string }>(`${path}/${number}`)))
    return found.flatMap((each) => (each ? [{ version: each.version, id: each.id, schema: JSON.parse(each.schema) as object }] : []))
  }

  const compatibility = async (subject: string): Promise<string | null> =>
    (await request<{ compatibilityLevel: string }>(`/config/${encodeURIComponent(subject)}`))?.compatibilityLevel.toUpperCase() ?? null
  return { register, schemaById, versions, compatibility }
}

/** Resolves where a registry answers. Throws ReadflowError `registry-unavailable` where it does not, within `timeoutMs`. */
export const checkRegistry = async (url: string, timeoutMs: number): Promise<void> => {
  const { base, auth } = addressOf(url)
  await createRequest(base, auth, timeoutMs)('/subjects')
}

type Auth = { username: string; password: string }

/** A URL without what is secret in it, and that beside it. */
const addressOf = (url: string): { base: string; auth: Auth | null } => {
  const parsed = new URL(url)
  const auth = parsed.username ? { username: decodeURIComponent(parsed.username), password: decodeURIComponent(parsed.password) } : null
  parsed.username = ''
  parsed.password = ''
  return { base: parsed.href.replace(/\/+$/, ''), auth }
}

/** Asks the registry; null where it does not know what is asked for. */
const createRequest =
  (base: string, auth: Auth | null, timeoutMs: number) =>
  async <T>(path: string, init: RequestInit = {}): Promise<T | null> => {
    const headers = {
      'content-type': 'application/vnd.schemaregistry.v1+json',
      ...(auth && { authorization: `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}` }),
    }
    try {
      const response = await fetch(`${base}${path}`, { ...init, headers, signal: AbortSignal.timeout(timeoutMs) })
      if (response.status === 404) return null
      if (!response.ok) throw new Error(`status ${response.status} for ${init.method ?? 'GET'} ${path}`)
      return (await response.json()) as T
    } catch (cause) {
      throw unavailable(base, cause)
    }
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
    `The schema registry at ${base} does not answer (${cause instanceof Error ? cause.message : cause}).`,
    {
      cause,
      hint: 'Start it, or set SCHEMA_REGISTRY_URL to one that runs.',
    },
  )
