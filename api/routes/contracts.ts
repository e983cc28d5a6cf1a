import { z } from 'zod'
import { entityNames } from '../../schemas/catalogue.ts'
import type { EntityName } from '../../schemas/records.ts'
import { shortText } from '../http/parameters.ts'
import { Problem } from '../http/problem.ts'
import { defineLakeRoute } from '../http/route.ts'
import { shapeContract, shapeContractHead } from '../pipeline/contracts.ts'
import * as answers from './lake-answers.ts'

export const listContracts = defineLakeRoute({
  path: '/v1/contracts',
  summary: 'What a record of each entity must be, in short, and how often which rule was broken: dead letters, and rows with a flag.',
  answer: answers.contracts,
  handle: async ({ parts }) => {
    const counts = await parts.ruleCounts()
    return { contracts: entityNames.map((entity) => shapeContractHead(entity, counts[entity])) }
  },
})

export const showContract = defineLakeRoute({
  path: '/v1/contracts/{entity}',
  summary:
    'The contract of an entity: its fields, and its rules with what each requires, what becomes of a record that breaks it, and how many did.',
  params: z.strictObject({ entity: shortText.describe(entityNames.join(', ')) }),
  answer: answers.contract,
  handle: async ({ params: { entity }, parts }) => {
    const known = entityNames.find((name): name is EntityName => name === entity)
    if (!known) throw new Problem(404, `There is no contract of '${entity}'. There is one of each of ${entityNames.join(', ')}.`)
    return { contract: shapeContract(known, (await parts.ruleCounts())[known]) }
  },
})
