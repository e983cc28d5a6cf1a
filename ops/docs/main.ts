import { readFileSync, writeFileSync } from 'node:fs'
import { withConfigTable } from './readme.ts'

const file = new URL('../../README.md', import.meta.url)
writeFileSync(file, withConfigTable(readFileSync(file, 'utf8')))
