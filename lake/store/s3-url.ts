import { ReadflowError } from '../../runtime/errors.ts'
import { checkedPath } from './store.ts'

/** Where an S3 lake is. */
export interface S3Location {
  bucket: string
  /** What every key begins with: empty, or folders that end with '/'. */
  prefix: string
  /** Such as `http://127.0.0.1:9000`; null is AWS. */
  endpoint: string | null
  /** Null is what the SDK finds: AWS_REGION or the profile's. */
  region: string | null
}

const HINT = 'Use s3://bucket/prefix?endpoint=http://127.0.0.1:9000&region=us-east-1; without endpoint it is AWS.'
const parameters: ReadonlySet<string> = new Set(['endpoint', 'region'])

/**
 * The place that `s3://bucket/prefix?endpoint=…&region=…` names. Throws ReadflowError `config`, which never repeats what
 * might be a secret.
 */
export const parseS3Url = (lakeUrl: string): S3Location => {
  const wrong = (what: string) => new ReadflowError('config', `the lake's URL ${what}.`, { hint: HINT })
  const url = parsed(lakeUrl)
  if (url?.protocol !== 's3:') throw wrong('is no S3 URL')
  if (url.username || url.password) throw wrong('must hold no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY')
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(url.host)) throw wrong(`names no bucket: ${JSON.stringify(url.host)}`)
  if (url.hash) throw wrong('must not hold a #; in a prefix it is %23')
  const names = [...url.searchParams.keys()]
  const unknown = names.find((name) => !parameters.has(name))
  if (unknown !== undefined) throw wrong(`has an unknown parameter ${JSON.stringify(unknown)}; there are ${[...parameters].join(' and ')}`)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw wrong(`has ${twice} twice`)
  return {
    bucket: url.host,
    prefix: prefixOf(url.pathname, wrong),
    endpoint: endpointOf(url.searchParams.get('endpoint'), wrong),
    region: regionOf(url.searchParams.get('region'), wrong),
  }
}

const parsed = (text: string): URL | null => {
  try {
    return new URL(text)
  } catch {
    return null
  }
}

const prefixOf = (pathname: string, wrong: (what: string) => Error): string => {
  const folders = pathname.replace(/^\//, '').replace(/\/$/, '')
  if (folders === '') return ''
  try {
    return `${checkedPath(decodeURIComponent(folders))}/`
  } catch {
    throw wrong(`has a prefix that names no folder: ${JSON.stringify(folders)}`)
  }
}

const endpointOf = (text: string | null, wrong: (what: string) => Error): string | null => {
  if (text === null) return null
  const url = parsed(text)
  if (!url || !/^https?:$/.test(url.protocol) || url.pathname !== '/' || url.search || url.hash)
    throw wrong('has an endpoint that is not http://host:port or https://host:port')
  if (url.username || url.password) throw wrong('must hold no credentials in its endpoint')
  return url.origin
}

const regionOf = (text: string | null, wrong: (what: string) => Error): string | null => {
  if (text !== null && !/^[a-z0-9-]+$/.test(text)) throw wrong(`has a region that is none: ${JSON.stringify(text)}`)
  return text
}
