import { SaxesParser, type SaxesTagPlain } from 'saxes'
import { ReadflowError } from '../../../../runtime/errors.ts'

/** One element. `text` joins its text and CDATA parts, untrimmed; `children` are its elements, in order. */
export interface XmlElement {
  name: string
  attributes: Readonly<Record<string, string>>
  children: XmlElement[]
  text: string
}

/** GoodReads nests some 8 deep and answers some 5,000 elements: these only stop what means harm. */
const MAX_DEPTH = 64
const MAX_ELEMENTS = 500_000
const MAX_BYTES = 16 * 1024 * 1024

const noAttributes = Object.freeze({})
const invalid = (what: string, hint?: string) => new ReadflowError('source-invalid', what, hint === undefined ? {} : { hint })

/** Text of a body in the encoding that its declaration names, else UTF-8; a byte order mark is dropped. */
const decode = (body: Uint8Array, method: string): string => {
  const head = Buffer.from(body.buffer, body.byteOffset, Math.min(body.length, 200)).toString('latin1')
  const encoding = /^\s*<\?xml[^>]*\bencoding=["']([\w.:-]+)["']/.exec(head)?.[1] ?? 'utf-8'
  try {
    return new TextDecoder(encoding).decode(body)
  } catch {
    throw invalid(`${method} answered XML in the encoding '${encoding}', which is not known.`)
  }
}

/** What the parser says, without the position that it puts in front, nor control characters or length of the input. */
const reasonOf = (error: unknown) =>
  String(error instanceof Error ? error.message : error)
    .replace(/^(?:undefined:)?\d+:\d+:\s*/, '')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not reach a terminal
    .replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
    .slice(0, 160)
    .replace(/\.?$/, '')

/**
 * Parses a whole document, strictly: anything that is not well-formed is an error. Only the five standard
 * entities and numeric ones are known; a document type is refused, so that nothing can be expanded or fetched.
 * `method` names the answer in errors; `mend` gets the text first, and keeps its lines. Throws ReadflowError `source-invalid` with
 * what is wrong and where (line and column as in the body received).
 */
export const parseXml = (body: Uint8Array, method: string, mend = (text: string) => text): XmlElement => {
  if (body.length === 0) throw invalid(`${method} answered nothing.`)
  if (body.length > MAX_BYTES) throw invalid(`${method} answered ${body.length} bytes, more than ${MAX_BYTES}.`)
  const received = mend(decode(body, method))
  // GoodReads puts newlines before the declaration, where XML allows none.
  const text = received.trimStart()
  if (text === '') throw invalid(`${method} answered nothing but blanks.`)
  if (/^(?:<!DOCTYPE\s+html|<html)\b/i.test(text))
    throw invalid(`${method} answered HTML instead of XML.`, 'Is the address that of the GoodReads API?')
  const linesBefore = received.slice(0, received.length - text.length).split('\n').length - 1

  const parser = new SaxesParser()
  const top: XmlElement = { name: '', attributes: noAttributes, children: [], text: '' }
  let stack: XmlElement[] = [top]
  let current = top
  let elements = 0
  const where = () => `at line ${parser.line + linesBefore}, column ${parser.column}`
  const refuse = (what: string): never => {
    throw invalid(`${method} answered XML ${what} ${where()}.`)
  }
  parser.on('error', (error) => {
    throw invalid(`${method} answered XML that is broken ${where()}: ${reasonOf(error)}.`)
  })
  parser.on('doctype', () => refuse('with a document type, which is refused,'))
  parser.on('opentag', ({ name, attributes }: SaxesTagPlain) => {
    if (stack.length > MAX_DEPTH) refuse(`nested more than ${MAX_DEPTH} deep`)
    if (++elements > MAX_ELEMENTS) refuse(`of more than ${MAX_ELEMENTS} elements`)
    const element = { name, attributes, children: [], text: '' }
    current.children.push(element)
    stack.push(element)
    current = element
  })
  parser.on('closetag', () => {
    stack.pop()
    current = stack.at(-1)!
  })
  const onText = (part: string) => {
    current.text = current.text === '' ? part : current.text + part
  }
  parser.on('text', onText)
  parser.on('cdata', onText)
  parser.write(text).close()
  stack = []
  return top.children[0]!
}
