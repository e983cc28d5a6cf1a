import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { mkdir, readFile, rename, rmdir, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { ReadflowError } from '../../runtime/errors.ts'

export const scopes = ['read', 'sql', 'write'] as const
export type Scope = (typeof scopes)[number]

/** A key as it is kept: what it is made of is not. */
export interface ApiKey {
  id: string
  name: string
  scopes: Scope[]
  /** SHA-256 of the key's secret, in hex; the secret has 256 random bits, so that no salt adds anything. */
  hash: string
  created_at: string
  revoked_at: string | null
}

const shape = z.object({
  keys: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      scopes: z.array(z.enum(scopes)),
      hash: z.string().length(64),
      created_at: z.string(),
      revoked_at: z.string().nullable(),
    }),
  ),
})

const fileOf = (dataDir: string) => path.join(dataDir, 'api-keys.json')
const hashOf = (secret: string) => createHash('sha256').update(secret).digest('hex')

/** The keys of a data folder, oldest first. Throws `config` for a file that is none. */
export const readKeys = async (dataDir: string): Promise<ApiKey[]> => {
  const file = fileOf(dataDir)
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '{"keys":[]}'
    throw error
  })
  try {
    return shape.parse(JSON.parse(text)).keys
  } catch (cause) {
    throw new ReadflowError('config', `${file} is no list of API keys.`, {
      cause,
      hint: 'Move it away and make new keys with: readflow keys add.',
    })
  }
}

const writeKeys = async (dataDir: string, keys: readonly ApiKey[]) => {
  await mkdir(dataDir, { recursive: true })
  const temporary = `${fileOf(dataDir)}.${process.pid}.tmp`
  await writeFile(temporary, `${JSON.stringify({ keys }, null, 2)}\n`, { mode: 0o600 })
  await rename(temporary, fileOf(dataDir))
}

const LOCK_PATIENCE_MS = 10_000
const LOCK_AGAIN_MS = 25

/** Changes the list with nobody else between reading and writing it, whichever process that is. */
const changing = async <T>(dataDir: string, change: (keys: ApiKey[]) => Promise<T>): Promise<T> => {
  await mkdir(dataDir, { recursive: true })
  const lock = `${fileOf(dataDir)}.lock`
  for (const untilMs = Date.now() + LOCK_PATIENCE_MS; ; ) {
    const isMine = await mkdir(lock).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'EEXIST') return false
        throw error
      },
    )
    if (isMine) break
    if (Date.now() > untilMs) {
      throw new ReadflowError('config', `The API keys are being changed by somebody else for ${LOCK_PATIENCE_MS / 1000} s.`, {
        hint: `Where nobody does, such as after a crash, remove ${lock}.`,
      })
    }
    await sleep(LOCK_AGAIN_MS)
  }
  try {
    return await change(await readKeys(dataDir))
  } finally {
    await rmdir(lock)
  }
}

/** Makes a key and gives its text, `rf_ID_SECRET`: this is the only time that anybody sees it. */
export const addKey = async (
  dataDir: string,
  { name, scopes: granted }: Pick<ApiKey, 'name' | 'scopes'>,
): Promise<{ key: ApiKey; text: string }> => {
  const id = randomBytes(5).toString('hex')
  const secret = randomBytes(32).toString('base64url')
  const key: ApiKey = { id, name, scopes: [...granted], hash: hashOf(secret), created_at: new Date().toISOString(), revoked_at: null }
  await changing(dataDir, (keys) => writeKeys(dataDir, [...keys, key]))
  return { key, text: `rf_${id}_${secret}` }
}

/** Takes a key back; null where there is none of that id. One that was taken back stays as it is. */
export const revokeKey = (dataDir: string, id: string): Promise<ApiKey | null> =>
  changing(dataDir, async (keys) => {
    const found = keys.find((key) => key.id === id)
    if (!found) return null
    found.revoked_at ??= new Date().toISOString()
    await writeKeys(dataDir, keys)
    return found
  })

/** The key that a text is, of those that hold; null for another text. Takes as long for a wrong secret as for a right one. */
export const keyOf = (keys: readonly ApiKey[], text: string): ApiKey | null => {
  const [, id, secret] = /^rf_([0-9a-f]{10})_([\w-]{43})$/.exec(text) ?? []
  const found = keys.find((key) => key.id === id && key.revoked_at === null)
  if (!found || !secret) return null
  return timingSafeEqual(Buffer.from(found.hash, 'hex'), Buffer.from(hashOf(secret), 'hex')) ? found : null
}

const LOOK_INTERVAL_MS = 1000

/** The keys of a data folder as they are now: the file is looked at once a second at most, and read where it has changed. */
export const watchKeys = (dataDir: string, nowMs: () => number = Date.now) => {
  let known: { changedMs: number; keys: Promise<ApiKey[]> } | undefined
  let lookedMs = Number.NEGATIVE_INFINITY
  return async (): Promise<ApiKey[]> => {
    if (!known || nowMs() - lookedMs >= LOOK_INTERVAL_MS) {
      lookedMs = nowMs()
      const changedMs = await stat(fileOf(dataDir)).then(
        ({ mtimeMs }) => mtimeMs,
        () => 0,
      )
      if (known?.changedMs !== changedMs) known = { changedMs, keys: readKeys(dataDir) }
    }
    return known!.keys
  }
}
