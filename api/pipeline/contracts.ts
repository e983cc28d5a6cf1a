import { openTable } from '../../lake/delta/table.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import { entityNames } from '../../schemas/catalogue.ts'
import { type Contract, checkText, outcomeText, type Rule } from '../../schemas/contracts/contract.ts'
import { contracts } from '../../schemas/contracts/contracts.ts'
import { type RuleCounts, ruleCounts } from '../../schemas/contracts/counts.ts'
import type { EntityName } from '../../schemas/records.ts'

/** How often each rule of each entity was broken. */
export type ReadCounts = () => Promise<Readonly<Record<EntityName, RuleCounts>>>

/** Reads what the rules found from the ledgers of Silver's tables: no data file is read. */
export const openRuleCounts = ({ store }: { store: ObjectStore }): ReadCounts => {
  const tables = entityNames.map((entity) => ({ entity, table: openTable(store, `silver/${entity}`) }))
  return async () => {
    const counted = await Promise.all(tables.map(async ({ entity, table }) => [entity, ruleCounts((await table.snapshot()).txns)] as const))
    return Object.fromEntries(counted) as Record<EntityName, RuleCounts>
  }
}

export interface Violations {
  entity: EntityName
  /** An id; of a rule that is none any more as well, as long as something counts for it. */
  rule: string
  severity: Rule['severity']
  /** Dead letters, or rows with the flag. */
  count: number
}

/** What each rule found, in the order of the contract; then what rules found that it does not have any more. Pure. */
export const violationsOf = ({ entity, rules }: Contract, { rejected, flagged }: RuleCounts): Violations[] => {
  const known = rules.map(({ id, severity }) => ({
    ...{ entity, rule: id, severity, count: (severity === 'reject' ? rejected : flagged)[id] ?? 0 },
  }))
  const isKnown = (id: string, severity: Rule['severity']) => rules.some((rule) => rule.id === id && rule.severity === severity)
  const others = (
    [
      ['reject', rejected],
      ['warn', flagged],
    ] as const
  ).flatMap(([severity, counts]) =>
    Object.entries(counts).flatMap(([rule, count]) => (isKnown(rule, severity) ? [] : [{ entity, rule, severity, count }])),
  )
  return [...known, ...others]
}

const sum = (violations: readonly Violations[], severity: Rule['severity']) =>
  violations.filter((each) => each.severity === severity).reduce((total, { count }) => total + count, 0)

/** A contract in short, with what its rules found. */
export const shapeContractHead = (entity: EntityName, counts: RuleCounts) => {
  const contract = contracts[entity]
  const violations = violationsOf(contract, counts)
  return {
    ...{ entity, meaning: contract.meaning, topic: contract.topic, dead_letter_topic: contract.deadLetterTopic, table: contract.table },
    ...{ fields: contract.fields.length, rules: contract.rules.length },
    ...{ dead_letters: sum(violations, 'reject'), flags: sum(violations, 'warn') },
    violations: violations
      .filter(({ count }) => count > 0)
      .sort((a, b) => b.count - a.count)
      .map(({ rule, severity, count }) => ({
        rule,
        severity,
        count,
        because: contract.rules.find(({ id }) => id === rule)?.because ?? null,
      })),
  }
}

/** A contract with its fields and rules, each with how often it was broken. */
export const shapeContract = (entity: EntityName, counts: RuleCounts) => {
  const { fields, rules } = contracts[entity]
  return {
    ...shapeContractHead(entity, counts),
    fields: fields.map(({ name, type, isRequired, format, meaning }) => ({ name, type, is_required: isRequired, format, meaning })),
    rules: rules.map((rule) => ({
      ...{ id: rule.id, kind: rule.kind, fields: rule.fields, requires: checkText(rule), check: rule.check },
      ...{ severity: rule.severity, value: rule.value, else: outcomeText(rule), owner: rule.owner, because: rule.because },
      violations: (rule.severity === 'reject' ? counts.rejected : counts.flagged)[rule.id] ?? 0,
    })),
  }
}
