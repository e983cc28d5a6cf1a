import { z } from 'zod'

const entities = ['books', 'authors', 'reviews', 'ratings'] as const
const policies = ['evolve', 'freeze', 'discard'] as const

type Policies = Partial<Record<(typeof entities)[number], (typeof policies)[number]>>

const isOneOf = <T extends string>(names: readonly T[], text: string): text is T => (names as readonly string[]).includes(text)

/** `books=freeze,reviews=discard`: an entity each, once. */
export const driftPolicies = z.string().transform((text, context): Policies => {
  const chosen: Policies = {}
  for (const part of text.split(',').map((each) => each.trim())) {
    if (part === '') continue
    const [entity = '', policy = '', ...more] = part.split('=').map((each) => each.trim())
    const fault = faultOf({ entity, policy, isMore: more.length > 0, chosen })
    if (fault) context.addIssue({ code: 'custom', message: `'${part}' is not understood: ${fault}` })
    else chosen[entity as keyof Policies] = policy as Policies[keyof Policies]
  }
  return chosen
})

const faultOf = ({
  entity,
  policy,
  isMore,
  chosen,
}: {
  entity: string
  policy: string
  isMore: boolean
  chosen: Policies
}): string | null => {
  if (!isOneOf(entities, entity)) return `entities are ${entities.join(', ')}`
  if (isMore || !isOneOf(policies, policy)) return `write ${entity}=${policies.join(`, ${entity}=`).replace(/, ([^,]*)$/, ' or $1')}`
  return chosen[entity] === undefined ? null : `${entity} is named twice`
}
