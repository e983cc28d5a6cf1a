import { type Contract, checkText, outcomeText, type Rule } from '../../schemas/contracts/contract.ts'

const head = `# Contracts

What a record of each entity must be, and what becomes of one that is not. This page is made from \`schemas/contracts/\`
(\`npm run docs\`), where Silver, the API (\`/v1/contracts\`), the page and the metrics have it from as well.

- **dead letter**: the record does not become a row. It goes, as it was, to the topic that is named, with
  \`readflow.error-class\` = the rule and \`readflow.error-message\` = what was found and why that is wrong.
- **flagged**: the record becomes a row of Silver whose \`_flags\` name the rule; its value is kept, repaired or nulled.
  Bronze has the record as it was delivered, whatever becomes of it.
- A field without a value breaks no rule but the one that requires it.
- **Owner**: who can mend it. \`source\`: GoodReads, or the data set, delivered such a value. \`publisher\`: the program that
  put the record on the topic wrote it so.
- Rules are judged in the order in which they stand here: a dead letter names the first one that refuses it.

\`readflow_contract_violations_total{entity,rule,severity}\` counts each rule's dead letters, or rows with its flag.`

const cell = (text: string): string => text.replaceAll('|', '\\|')
const row = (...cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`

const table = (columns: readonly string[], rows: readonly string[][]): string =>
  [row(...columns), row(...columns.map(() => '---')), ...rows.map((cells) => row(...cells))].join('\n')

const formats = { html: 'HTML; Silver has its text', 'isbn-10': 'ISBN-10', 'isbn-13': 'ISBN-13', language: 'ISO 639-3 in Silver' } as const

const ruleRow = (rule: Rule): string[] => [`\`${rule.id}\``, rule.kind, checkText(rule), outcomeText(rule), rule.owner, rule.because]

const section = ({ entity, topic, deadLetterTopic, table: name, meaning, fields, rules }: Contract): string => `## ${entity}

${meaning} Topic \`${topic}\`, dead letters \`${deadLetterTopic}\`, table \`${name}\`.

${table(
  ['field', 'type', 'required', 'format', 'meaning'],
  fields.map((field) => [
    `\`${field.name}\``,
    field.type,
    field.isRequired ? 'yes' : '',
    field.format ? formats[field.format] : '',
    field.meaning,
  ]),
)}

${table(['rule', 'kind', 'requires', 'else', 'owner', 'because'], rules.map(ruleRow))}`

/** The documentation of the contracts, as Markdown. Pure. */
export const contractsPage = (contracts: Readonly<Record<string, Contract>>): string =>
  `${[head, ...Object.values(contracts).map(section)].join('\n\n')}\n`
