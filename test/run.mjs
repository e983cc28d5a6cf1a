// Runs the tests under Node 24 and closes with a line `N passed, N failed`. Plain JS: it may be started by any Node >= 20.
//   npm test               everything this machine can run
//   npm run test:unit      what needs no server
//   npm test -- lake sink  only files whose path contains one of these words
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { runFiles } from './run-files.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const words = process.argv.slice(2)
const isUnit = words[0] === 'unit'
const wanted = isUnit ? words.slice(1) : words

const all = readdirSync(path.join(root, 'test'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.ts'))
  .map((file) => path.join('test', file))
  .sort()
const needsServers = (file) => /^test\/(integration|e2e|faults|interop)\//.test(file.replaceAll('\\', '/'))
const files = all
  .filter((file) => !isUnit || !needsServers(file))
  .filter((file) => wanted.length === 0 || wanted.some((word) => file.includes(word)))
if (files.length === 0) {
  process.stderr.write(`test: no test file matches ${wanted.join(' ')}. They are under test/ and end in .test.ts.\n`)
  process.exit(2)
}

const isEndToEnd = (file) => /^test\/e2e\//.test(file.replaceAll('\\', '/'))
const isInterop = (file) => /^test\/interop\//.test(file.replaceAll('\\', '/'))
/** What takes longest comes first, so that none is left alone at the end. */
const order = [isInterop, isEndToEnd, (file) => file.includes('faults'), needsServers, (file) => file.includes('api'), () => true]
const rank = (file) => order.findIndex((isOf) => isOf(file))

const { pass, fail, skipped } = await runFiles({
  root,
  files: files.sort((a, b) => rank(a) - rank(b)),
  // An end-to-end test is five programs and two servers: never two of them at once.
  isAlone: isEndToEnd,
  // No fault and no query that has its time, no page that somebody waits for: they compute.
  isPatient: (file) => isInterop(file) || !(needsServers(file) || /^test\/api\//.test(file.replaceAll('\\', '/'))),
})
process.stdout.write(`\n${pass} passed, ${fail} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`)
process.exit(fail > 0 ? 1 : 0)
