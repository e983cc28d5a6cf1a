import { configTable } from '../../runtime/config/config.ts'

const BEGIN = /<!-- config: [^>]*-->\n/
const END = '<!-- /config -->'

/** The README with its configuration table as the knobs are now. */
export const withConfigTable = (readme: string): string => {
  const begin = BEGIN.exec(readme)
  const end = readme.indexOf(END)
  if (!begin || end < 0) throw new Error('README.md has lost the marks of its configuration table')
  return `${readme.slice(0, begin.index + begin[0].length)}${configTable()}\n${readme.slice(end)}`
}
