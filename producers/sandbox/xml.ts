const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** Text for an element or a quoted attribute. */
export const escapeXml = (text: string): string =>
  /[&<>"]/.test(text) ? text.replaceAll(/[&<>"]/g, (character) => entities[character]!) : text

/** Text as CDATA; an end mark inside is split over two sections. */
export const cdata = (text: string): string => `<![CDATA[${text.replaceAll(']]>', ']]]]><![CDATA[>')}]]>`

/** An element with text, or with nil="true" where there is none. */
export const nilable = (name: string, value: string | number | null): string =>
  value === null ? `<${name} nil="true"></${name}>` : `<${name}>${typeof value === 'number' ? value : escapeXml(value)}</${name}>`

/** The same, typed as GoodReads types its numbers. */
export const integer = (name: string, value: number | null): string =>
  value === null ? `<${name} type="integer" nil="true"></${name}>` : `<${name} type="integer">${value}</${name}>`

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const two = (value: number) => (value < 10 ? `0${value}` : String(value))

/** A time as GoodReads prints it: `Wed Feb 19 18:36:17 -0800 2020`, in a zone that is an hour ahead from April to October. */
export const goodreadsDate = (timeMs: number | null): string => {
  if (timeMs === null) return ''
  const month = new Date(timeMs).getUTCMonth()
  const offsetHours = month >= 3 && month <= 9 ? 7 : 8
  const local = new Date(timeMs - offsetHours * 3_600_000)
  const clock = `${two(local.getUTCHours())}:${two(local.getUTCMinutes())}:${two(local.getUTCSeconds())}`
  const year = String(local.getUTCFullYear()).padStart(4, '0')
  return `${days[local.getUTCDay()]} ${months[local.getUTCMonth()]} ${two(local.getUTCDate())} ${clock} -0${offsetHours}00 ${year}`
}

/** A whole answer of one API method around its content. */
export const goodreadsResponse = (method: string, content: string): string => `<?xml version="1.0" encoding="UTF-8"?>
<GoodreadsResponse>
  <Request>
    <authentication>true</authentication>
      <key>${cdata('sandbox')}</key>
    <method>${cdata(method)}</method>
  </Request>
  ${content}
</GoodreadsResponse>
`

/** The answer to a question for what does not exist. */
export const errorXml = (message: string): string => `<?xml version="1.0" encoding="UTF-8"?>\n<error>${escapeXml(message)}</error>\n`

/** The last part of a page's address: `1234.The_Long_Dark`. */
export const slug = (id: number, text: string): string => `${id}.${text.replaceAll(/[^\p{L}\p{N}]+/gu, '_')}`
