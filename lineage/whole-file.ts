import { randomUUID } from 'node:crypto'
import { open, readFile, rename } from 'node:fs/promises'

/** Writes a local file that appears whole or not at all, in a folder that exists. */
export const writeWhole = async (file: string, text: string, mode = 0o644): Promise<void> => {
  const part = `${file}.${randomUUID()}.part`
  const handle = await open(part, 'wx', mode)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(part, file)
}

/** A local file's JSON; null where there is none, or what is there is not JSON. */
export const readJson = async <T>(file: string): Promise<T | null> => {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as T
  } catch (error) {
    if (error instanceof SyntaxError || ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return null
    throw error
  }
}
