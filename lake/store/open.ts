import { fileURLToPath } from 'node:url'
import { ReadflowError } from '../../runtime/errors.ts'
import { openFolderStore } from './folder.ts'
import { measuredStore } from './measured.ts'
import { openS3Store } from './s3.ts'
import type { ObjectStore, StoreOptions } from './store.ts'

/**
 * Opens the lake that a URL names: `file:DIR`, relative to the working directory or absolute, or `file:///abs/dir`
 * with URL escapes; or `s3://bucket/prefix?endpoint=…&region=…`. Throws ReadflowError `config` for anything else.
 */
export const openStore = (lakeUrl: string, options: StoreOptions = {}): ObjectStore => {
  const store = openPlain(lakeUrl, options)
  return options.metrics ? measuredStore(store, options.metrics) : store
}

const openPlain = (lakeUrl: string, options: StoreOptions): ObjectStore => {
  const [, scheme, rest] = /^([a-z0-9]+):(.*)$/s.exec(lakeUrl) ?? []
  if (scheme === 'file' && rest) return openFolderStore(rest.startsWith('//') ? fileUrlPath(lakeUrl) : rest, lakeUrl)
  if (scheme === 's3') return openS3Store(lakeUrl, options)
  throw new ReadflowError('config', `${JSON.stringify(lakeUrl)} is no lake URL.`, {
    hint: 'Use file:DIR, such as file:.readflow/lake, or s3://bucket/prefix?endpoint=…&region=….',
  })
}

const fileUrlPath = (lakeUrl: string): string => {
  try {
    return fileURLToPath(lakeUrl)
  } catch (cause) {
    throw new ReadflowError('config', `${lakeUrl} names no local folder.`, { cause, hint: 'Use file:DIR or file:///absolute/dir.' })
  }
}
