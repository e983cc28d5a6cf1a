import { Parser } from 'htmlparser2'

const blocks = new Set(['br', 'p', 'div', 'li', 'blockquote', 'h1', 'h2', 'h3', 'h4', 'tr'])
const silent = new Set(['script', 'style'])

/** The text of a piece of HTML: tags gone, entities resolved, blocks as lines. The only file that imports htmlparser2. */
export const plainText = (html: string): string => {
  if (!/[<&]/.test(html)) return html
  let text = ''
  let silenced = 0
  const parser = new Parser({
    onopentagname: (name) => {
      if (silent.has(name)) silenced++
      else if (blocks.has(name)) text += '\n'
    },
    onclosetag: (name) => {
      if (silent.has(name)) silenced--
      else if (blocks.has(name) && name !== 'br') text += '\n'
    },
    ontext: (part) => {
      if (silenced === 0) text += part
    },
  })
  parser.end(html)
  return text.replace(/[ \t]+\n/g, '\n').replace(/\n{3,}/g, '\n\n')
}
