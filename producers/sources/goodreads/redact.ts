const REDACTED = 'REDACTED'
/** A shorter key could be a word of the text: it is cut out of its own element only. */
const MIN_KEY_LENGTH_ANYWHERE = 8

const replaceAll = (body: Uint8Array, secret: string): Uint8Array => {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  let at = bytes.indexOf(secret)
  if (at < 0) return body
  const parts: Uint8Array[] = []
  let from = 0
  for (; at >= 0; at = bytes.indexOf(secret, from)) {
    parts.push(bytes.subarray(from, at), Buffer.from(REDACTED))
    from = at + Buffer.byteLength(secret)
  }
  return Buffer.concat([...parts, bytes.subarray(from)])
}

/**
 * Cuts the developer key out of what is kept of an answer: GoodReads repeats it in every body, and in the
 * addresses that it redirects to. Cookies are cut out too. A body without the key stays the same bytes.
 */
export const createRedactor = (apiKey: string | undefined) => {
  const forms = apiKey ? [...new Set([apiKey, encodeURIComponent(apiKey)])] : []
  const inElement = ['<key><![CDATA[', '<key>']
  const isCutAnywhere = (apiKey?.length ?? 0) >= MIN_KEY_LENGTH_ANYWHERE

  const cutElement = (body: Uint8Array, form: string) => {
    let cut = body
    for (const before of inElement) {
      const at = Buffer.from(cut.buffer, cut.byteOffset, cut.byteLength).indexOf(`${before}${form}`)
      if (at < 0) continue
      const from = at + before.length
      cut = Buffer.concat([cut.subarray(0, from), Buffer.from(REDACTED), cut.subarray(from + Buffer.byteLength(form))])
    }
    return cut
  }

  return {
    body: (body: Uint8Array): Uint8Array =>
      forms.reduce((cut, form) => (isCutAnywhere ? replaceAll(cut, form) : cutElement(cut, form)), body),
    headers: (headers: Record<string, string>): Record<string, string> =>
      Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [
          name,
          name === 'set-cookie' ? REDACTED : forms.reduce((text, form) => text.replaceAll(form, REDACTED), value),
        ]),
      ),
  }
}
