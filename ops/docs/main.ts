import { readFileSync, writeFileSync } from 'node:fs'
import { contracts } from '../../schemas/contracts/contracts.ts'
import { contractsPage } from './contracts.ts'
import { withConfigTable } from './readme.ts'

const readme = new URL('../../README.md', import.meta.url)
writeFileSync(readme, withConfigTable(readFileSync(readme, 'utf8')))
writeFileSync(new URL('../../docs/contracts.md', import.meta.url), contractsPage(contracts))
