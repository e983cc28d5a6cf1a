import assert from 'node:assert/strict'
import { Ajv2020 } from 'ajv/dist/2020.js'

// biome-ignore lint/suspicious/noExplicitAny: a document of many shapes
type Json = any

/** An answer as it came. */
export interface Given {
  status: number
  headers: Headers
  body: unknown
}

const pointer = (...parts: string[]) =>
  `#/${parts.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}`

/** An OpenAPI document, by which answers are judged: their status, headers, type and body. */
export const openDocument = (document: Json) => {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  ajv.addSchema(document, 'document')
  const operations = Object.entries<Json>(document.paths).flatMap(([path, methods]) =>
    Object.entries<Json>(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  )

  /** Fails for an answer that the operation does not document. */
  const hold = (method: string, path: string, { status, headers, body }: Given, what = `${method} ${path}`): void => {
    const name = method.toLowerCase()
    const responses = document.paths[path]?.[name]?.responses
    assert.ok(responses, `${what} is in the document`)
    const response = responses[status]
    assert.ok(response, `${what}: ${status} is not documented: ${JSON.stringify(body)?.slice(0, 300)}`)
    for (const [header, { required }] of Object.entries<Json>(response.headers ?? {})) {
      assert.ok(!required || headers.has(header), `${what}: ${status} has the header ${header}`)
    }
    const type = headers.get('content-type')?.split(';')[0] ?? null
    if (!response.content) {
      assert.ok(body === '' || body === undefined, `${what}: ${status} has no body`)
      return
    }
    assert.ok(type !== null && type in response.content, `${what}: ${status} is of a type that is documented, not ${type}`)
    if (!/json$/.test(type) || type === 'application/x-ndjson') return
    const reference = `document${pointer('paths', path, name, 'responses', String(status), 'content', type, 'schema')}`
    const isIt = ajv.getSchema(reference)
    assert.ok(isIt, reference)
    assert.ok(isIt(body), `${what}: ${status}: ${ajv.errorsText(isIt.errors)}: ${JSON.stringify(body).slice(0, 500)}`)
  }
  /** The same for an answer at an address. */
  const holdAt = (method: string, address: string, given: Given): void => {
    const [asked = ''] = address.split('?')
    const isIt = (template: string) => new RegExp(`^${template.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(asked)
    const found = operations.find((each) => each.method === method && isIt(each.path))
    hold(method, found?.path ?? asked, given, `${method} ${address}`)
  }
  return { operations, hold, holdAt }
}
