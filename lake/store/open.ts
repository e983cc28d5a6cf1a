import { fileURLToPath } from 'node:url'
import { ReadflowError } from '../../runtime/errors.ts'
import { openFolderStore } from './folder.ts'
import type { ObjectStore } from './store.ts'

/**
 * Opens the lake that a URL names: `file:DIR`, relative to the working directory or absolute, or `file:///abs/dir`
 * with URL escapes. Throws ReadflowError `config` for anything else.
 */
export const openStore = (lakeUrl: string): ObjectStore => {
  const [, scheme, rest] = /^([a-z0-9]+):(.*)$/s.exec(lakeUrl) ?? []
  if (scheme === 'file' && rest) return openFolderStore(rest.startsWith('//') ? fileUrlPath(lakeUrl) : rest, lakeUrl)
  if (scheme === 's3')
    throw new ReadflowError('config', `the lake ${lakeUrl} is on S3, which this version does not write yet.`, { hint: 'Use file:DIR.' })
  throw new ReadflowError('config', `${JSON.stringify(lakeUrl)} is no lake URL.`, { hint: 'Use file:DIR, such as file:.readflow/lake.' })
}

const fileUrlPath = (lakeUrl: string): string => {
  try {
    return fileURLToPath(lakeUrl)
  } catch (cause) {
    throw new ReadflowError('config', `${lakeUrl} names no local folder.`, { cause, hint: 'Use file:DIR or file:///absolute/dir.' })
  }
}
