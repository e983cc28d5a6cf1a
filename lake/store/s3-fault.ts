import { ReadflowError } from '../../runtime/errors.ts'

/**
 * What an S3 request can end in, other than an answer. `transient` may go better a moment later; `refused` does not
 * before a person has changed something.
 */
export type S3FaultKind = 'absent' | 'exists' | 'conflict' | 'transient' | 'refused' | 'no-bucket' | 'no-range'

/** A failed S3 request. Its message holds codes only: never what the server or the SDK quotes of a request. */
export class S3Fault extends Error {
  readonly kind: S3FaultKind
  readonly hint: string | undefined

  constructor(kind: S3FaultKind, message: string, hint?: string) {
    super(message)
    this.name = 'S3Fault'
    this.kind = kind
    this.hint = hint
  }
}

const CREDENTIALS = 'Check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or the AWS profile), and what that user may do in the bucket.'
const REGION = 'Name the right one: ?region=… in the lake URL, or AWS_REGION.'
const CERTIFICATE = 'Check the endpoint; NODE_EXTRA_CA_CERTS names a certificate of your own.'

/** Codes whose kind their status does not tell. */
const byCode: Readonly<Record<string, readonly [S3FaultKind, string?]>> = {
  NoSuchKey: ['absent'],
  NoSuchBucket: ['no-bucket', 'Create it first, or correct the lake URL.'],
  PreconditionFailed: ['exists'],
  ConditionalRequestConflict: ['conflict'],
  OperationAborted: ['conflict'],
  InvalidRange: ['no-range'],
  NoSuchUpload: ['transient'],
  RequestTimeout: ['transient'],
  IncompleteBody: ['transient'],
  BadDigest: ['transient'],
  XAmzContentSHA256Mismatch: ['transient'],
  XAmzContentChecksumMismatch: ['transient'],
  RequestTimeTooSkewed: ['transient', "This machine's clock is not the store's: set one of them right."],
  XMinioStorageFull: ['transient', 'The store is full: free some space, then it goes on.'],
  NotImplemented: ['refused', 'The store must support conditional writes (If-None-Match).'],
  InvalidStorageClass: ['refused', 'The store has no such storage class.'],
  PermanentRedirect: ['refused', REGION],
  AuthorizationHeaderMalformed: ['refused', REGION],
  CredentialsProviderError: ['refused', CREDENTIALS],
  ExpiredToken: ['refused', CREDENTIALS],
  InvalidToken: ['refused', CREDENTIALS],
}

/** The connection's own codes: those that a person must see to, and those that may pass. */
const certificateCode = /^(EPROTO$|ERR_SSL_|ERR_TLS_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/
const connectionCode = /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOST|ENET|EADDRNOTAVAIL|HPE_|ERR_STREAM_|ERR_SOCKET_)/
/** What the SDK says of a body that was cut or is not what was sent; it has no code. */
const cutMessage = /connection lost|checksum mismatch|aborted|socket hang up/i

const byStatus = (status: number): readonly [S3FaultKind, string?] => {
  if (status === 401 || status === 403) return ['refused', CREDENTIALS]
  if (status === 409) return ['conflict']
  if (status === 412) return ['exists']
  if (status >= 500 || status === 429 || status === 408) return ['transient']
  // A 404 that is not S3's own says nothing of an object: taken for one, a wrong endpoint were an empty lake.
  return ['refused', 'Check the endpoint in the lake URL.']
}

interface SdkError {
  name?: string
  message?: string
  code?: string
  Code?: string
  /** Whose fault an answer of the store says it is. */
  $fault?: string
  $metadata?: { httpStatusCode?: number }
  $response?: { statusCode?: number }
}

/** What an error of the SDK or of the connection means; null for one that is neither: a defect. */
export const faultOf = (error: unknown): S3Fault | null => {
  if (error instanceof S3Fault) return error
  if (!(error instanceof Error) || error instanceof ReadflowError) return null
  const sdk = error as SdkError
  const status = sdk.$metadata?.httpStatusCode ?? sdk.$response?.statusCode
  const code = [sdk.Code, sdk.name, sdk.code].find((text) => text !== undefined && Object.hasOwn(byCode, text))
  const shown = code ?? (status === undefined ? sdk.code : sdk.name) ?? sdk.name ?? 'unknown'
  if (code !== undefined) return new S3Fault(byCode[code]![0], shown, byCode[code]![1])
  // Before the status: the body of a 404 or 403 that is cut is not known to say anything.
  const broken = brokenConnection(sdk)
  if (broken !== null) return new S3Fault('transient', broken)
  if (status !== undefined && status >= 300) {
    const [kind, hint] = byStatus(status)
    return new S3Fault(kind, shown === 'Error' || shown === String(status) ? `${status}` : `${status} ${shown}`, hint)
  }
  if (/region is missing/i.test(sdk.message ?? '')) return new S3Fault('refused', 'no region is set', REGION)
  if (certificateCode.test(sdk.code ?? '')) return new S3Fault('refused', shown, CERTIFICATE)
  return null
}

/** What the connection did to a request or in the middle of an answer; null for what is an answer, or a defect. */
const brokenConnection = ({ code = '', name, message = '', $fault }: SdkError): string | null => {
  // The SDK calls some of the connection's faults time-outs too.
  if (connectionCode.test(code) && code !== 'ETIMEDOUT') return code
  if (name === 'TimeoutError' || code === 'ETIMEDOUT') return 'no answer in time'
  return $fault === undefined && cutMessage.test(message) ? 'the connection was cut' : null
}
