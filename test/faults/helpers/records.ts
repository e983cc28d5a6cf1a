import { emptyBook } from '../../../producers/sources/empty.ts'
import { compileAvro, frameAvro } from '../../../runtime/avro.ts'
import type { Registry } from '../../../runtime/registry.ts'
import { catalogue } from '../../../schemas/catalogue.ts'
import type { TopicName } from '../../../schemas/records.ts'
import type { Random } from './random.ts'

/** What must become of a record in Silver, known when it is made. */
export type Fate = 'valid' | 'late' | 'repeat' | 'dead'

export interface Planned {
  entity: TopicName
  partition: number
  key: string | null
  value: Buffer | null
  fate: Fate
}

export type Encoders = Record<'ratings' | 'books', (value: object) => Buffer>

export const createEncoders = async (registry: Registry): Promise<Encoders> => {
  const encoder = async (entity: 'ratings' | 'books') => {
    const { subject, schema } = catalogue[entity]
    const id = await registry.register(subject, schema)
    const codec = compileAvro(schema)
    return (value: object) => frameAvro(id, codec.encode(value))
  }
  return { ratings: await encoder('ratings'), books: await encoder('books') }
}

const FIRST_MS = Date.UTC(2020, 0, 1)
const MINUTE_MS = 60_000

/** A maker of records of all kinds: new keys, newer and late versions, repeats, deletions, and what is a dead letter. */
export const createPlanner = (encoders: Encoders, random: Random, { partitions = 2 } = {}) => {
  interface Known {
    value: Buffer
    partition: number
    /** Of the newest version. */
    newestMs: number
  }
  const known = { ratings: new Map<string, Known>(), books: new Map<string, Known>() }
  const used = new Set<string>()
  let serial = 0

  const encode = (entity: 'ratings' | 'books', id: string, atMs: number): Buffer => {
    if (entity === 'books')
      return encoders.books({
        ...emptyBook(id),
        title: `Book ${id} of ${atMs}`,
        language_code: random.pick(['eng', 'ger', null]),
        updated_at: atMs,
      })
    const [user_id = '', book_id = ''] = id.split(':')
    return encoders.ratings({ user_id, book_id, rating: 1 + random.below(5), rated_at: atMs, review_id: null, extra: {} })
  }

  const plan = (entity: 'ratings' | 'books'): Planned => {
    const number = serial++
    const keys = [...known[entity].keys()]
    const dice = random.next()
    const partition = random.below(partitions)
    if (keys.length === 0 || dice < 0.5) {
      const key = entity === 'books' ? `${number}` : `user-${number}:${random.below(50)}`
      const newestMs = FIRST_MS + number * MINUTE_MS
      const value = encode(entity, key, newestMs)
      known[entity].set(key, { value, partition, newestMs })
      used.add(`${key}@${newestMs}`)
      return { entity, partition, key, value, fate: 'valid' }
    }
    const key = random.pick(keys)
    const old = known[entity].get(key) as Known
    const at = { entity, partition: old.partition, key }
    if (dice < 0.66) return { ...at, value: old.value, fate: 'repeat' }
    if (dice < 0.76) {
      const newestMs = old.newestMs + (1 + random.below(1000)) * MINUTE_MS + number
      const value = encode(entity, key, newestMs)
      known[entity].set(key, { ...old, value, newestMs })
      used.add(`${key}@${newestMs}`)
      return { ...at, value, fate: 'valid' }
    }
    if (dice < 0.86) {
      const lateMs = old.newestMs - (1 + random.below(1000)) * MINUTE_MS - number
      if (used.has(`${key}@${lateMs}`)) return { ...at, value: old.value, fate: 'repeat' }
      used.add(`${key}@${lateMs}`)
      return { ...at, value: encode(entity, key, lateMs), fate: 'late' }
    }
    if (dice < 0.9) {
      // A deletion is the last of its key: what comes after it would be late by its own time.
      known[entity].delete(key)
      return { ...at, value: null, fate: 'valid' }
    }
    return { ...at, ...random.pick(broken(old.value)), fate: 'dead' }
  }
  return { plan, plans: (entity: 'ratings' | 'books', count: number) => Array.from({ length: count }, () => plan(entity)) }
}

/** Records that Silver refuses: foreign bytes, no bytes, another magic byte, an unknown schema, no key, another's key. */
export const broken = (value: Buffer): Pick<Planned, 'key' | 'value'>[] => [
  { key: 'foreign', value: Buffer.from('not avro') },
  { key: 'empty', value: Buffer.alloc(0) },
  { key: 'magic', value: Buffer.concat([Buffer.from([7]), value.subarray(1)]) },
  { key: 'schema', value: frameAvro(999_999, Buffer.from('x')) },
  { key: null, value },
  { key: 'somebody else', value },
]
