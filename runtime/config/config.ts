import path from 'node:path'
import { parseArgs } from 'node:util'
import type { z } from 'zod'
import { ReadflowError } from '../errors.ts'
import { readRunFile } from '../run-file.ts'
import { type KnobName, type Knobs, knobs, type Program } from './knobs.ts'

type Value<K extends KnobName> =
  | z.output<Knobs[K]['schema']>
  | (Knobs[K] extends { default: string } | { isSwitch: true } ? never : undefined)
export type Config = { readonly [K in Exclude<KnobName, 'lakeUrl'>]: Value<K> } & {
  readonly lakeUrl: string
  /** Knobs that a person set, by flag or environment; the others hold their default. */
  readonly explicit: ReadonlySet<KnobName>
  /** What stands on the command line beside flags, as many as the program takes; missing ones are '', but for those that may be any number. */
  readonly operands: readonly string[]
}

const entries = Object.entries(knobs) as [
  KnobName,
  (typeof knobs)[KnobName] & { flag?: string; env?: string; default?: string; isSwitch?: true },
][]
const knobsOf = (program: Program) => entries.filter(([, knob]) => (knob.programs as readonly string[]).includes(program))

/**
 * Reads a program's configuration from flags and environment. All faults are reported at once.
 * Throws ReadflowError `config`. Returns `null` where `--help` was asked for (its text is on stdout then).
 */
export const parseConfig = (program: Program, argv: string[], env: NodeJS.ProcessEnv): Config | null => {
  const known = knobsOf(program)
  if (argv.includes('--help') || argv.includes('-h')) {
    process.stdout.write(helpText(program))
    return null
  }
  const { values: flags, operands } = readArguments(program, known, argv)
  const faults: string[] = []
  const explicit = new Set<KnobName>()
  const own = new Set(known.map(([name]) => name))
  const values: Record<string, unknown> = {}
  for (const [name, knob] of entries) {
    // Another program may have a flag of the same name that means something else.
    const flagged = knob.flag === undefined || !own.has(name) ? undefined : flags[knob.flag]
    const fromEnv = knob.env === undefined ? undefined : env[knob.env] || undefined
    const given = flagged === undefined ? fromEnv : String(flagged)
    if (given !== undefined) explicit.add(name)
    const raw = given ?? knob.default
    if (raw === undefined) {
      values[name] = knob.isSwitch ? false : undefined
      continue
    }
    const parsed = knob.schema.safeParse(raw)
    if (parsed.success) values[name] = parsed.data
    else
      faults.push(
        `${flagged !== undefined ? `--${knob.flag}` : knob.env}: ${'isSecret' in knob ? 'is not valid' : parsed.error.issues[0]?.message}`,
      )
  }
  if (faults.length > 0) throw new ReadflowError('config', `${faults.join('; ')}.`, { hint: `See readflow ${program} --help.` })
  values['dataDir'] = path.resolve(values['dataDir'] as string)
  if (program !== 'up' && program !== 'stack') fillFromRun(values)
  values['lakeUrl'] ??= `file:${path.join(values['dataDir'] as string, 'lake')}`
  return { ...(values as unknown as Config), explicit, operands }
}

/** What neither flag nor variable gives is that of the `up` or `stack` that runs on the data folder. */
const fillFromRun = (values: Record<string, unknown>) => {
  const run = readRunFile(values['dataDir'] as string)
  values['kafkaBrokers'] ??= run?.brokers
  values['schemaRegistryUrl'] ??= run?.registryUrl
  values['lakeUrl'] ??= run?.lakeUrl ?? undefined
}

/** Programs that take operands, by their names in the help; one with dots stands for any number. */
const operandNames: Partial<Record<Program, readonly string[]>> = {
  pause: ['STAGE'],
  resume: ['STAGE'],
  optimize: ['[TABLE…]'],
  vacuum: ['[TABLE…]'],
  gate: ['[release]', '[RUN]'],
  history: ['TABLE'],
  lineage: ['TABLE', 'KEY'],
  replay: ['[TABLE]'],
  rollback: ['TABLE'],
  sql: ['QUERY'],
  keys: ['[add|revoke]', '[ID]'],
  stages: ['[STAGE]'],
  run: ['STAGE'],
  retry: ['[STAGE]'],
  restart: ['PROGRAM'],
  dlq: ['list|show|redrive|discard', '[LETTER…]'],
}

/** A number below zero belongs to the flag before it, which says what is wrong with it; else it would count as a flag. */
const withNegatives = (argv: readonly string[]): string[] => {
  const isTaken = (index: number) => /^-\d/.test(argv[index] ?? '') && /^--[^=]+$/.test(argv[index - 1] ?? '')
  return argv.flatMap((arg, index) => (isTaken(index) ? [] : [isTaken(index + 1) ? `${arg}=${argv[index + 1]}` : arg]))
}

const readArguments = (program: Program, known: typeof entries, argv: string[]) => {
  const names = operandNames[program] ?? []
  const options = Object.fromEntries(
    known.flatMap(([, knob]) => (knob.flag ? [[knob.flag, { type: knob.isSwitch ? ('boolean' as const) : ('string' as const) }]] : [])),
  )
  try {
    const allowPositionals = names.length > 0
    const parsed = parseArgs({
      args: withNegatives(argv),
      options: { ...options, json: { type: 'boolean' } },
      strict: true,
      allowPositionals,
    })
    if (names.at(-1)?.includes('…'))
      return { values: parsed.values as Record<string, string | boolean | undefined>, operands: parsed.positionals }
    const surplus = parsed.positionals[names.length]
    if (surplus !== undefined) throw new Error(`Unexpected argument '${surplus}'`)
    const operands = names.map((_, index) => parsed.positionals[index] ?? '')
    return { values: parsed.values as Record<string, string | boolean | undefined>, operands }
  } catch (cause) {
    const reason = cause instanceof Error ? (cause.message.split('. ')[0] ?? '').replace(/\.$/, '') : String(cause)
    throw new ReadflowError('config', `${reason}.`, { cause, hint: `See readflow ${program} --help.` })
  }
}

const purposes: Record<Program, string> = {
  up: 'starts the local stack and every program; Ctrl-C stops them',
  stack: 'starts the local broker and schema registry only',
  poll: 'asks the source and publishes what it answers',
  consume: 'sinks the topics into Bronze and Silver',
  compact: 'builds Gold from Silver and publishes it',
  serve: 'serves the API and the page',
  pause: 'pauses a stage of the up that runs, and leaves its consumer group idle',
  resume: 'lets a paused stage run again',
  'kafka-tool': "runs one of Kafka's own command-line tools",
  optimize: 'merges small files of tables; safe beside all else',
  vacuum: 'removes files that no retained version of a table needs',
  verify: 'proves that the tables hold what the topics delivered, each record once',
  gate: 'says what holds Gold at its last good version; release RUN publishes a held build anyway, on record',
  history: 'lists the versions of a table',
  replay:
    'derives what a table holds of its topic again, shows the difference, and swaps it in, beside live traffic; the same command goes on with one that was killed',
  rollback: 'takes the last replay of a table back',
  reparse:
    'makes records again of the responses on goodreads.raw by the code of now, and publishes what differs; safe to repeat and to interrupt',
  lineage: 'says where a row came from: files, versions, offset, poll and request; TABLE as gold.fact_rating, KEY as the table has it',
  sql: 'asks one SELECT of Bronze, Silver, Gold, runs, checks and dead letters; QUERY - reads it from stdin',
  export: 'writes one published Gold to one file, for BI tools and notebooks',
  keys: 'lists the keys of the API; add makes one and prints it once, revoke ID takes it back',
  stages: 'lists the stages of the up that runs, with schedule, last and next run; STAGE shows one with its newest log lines',
  run: 'has a stage of the up that runs go on now, and waits for the end of that run',
  retry: 'tries a stage that has failed again now (without STAGE the first in the flow), and what depends on it after it',
  restart:
    'has the up that runs end a program that hangs (poll, consume, compact, serve, kafka, registry), by kill -9 after 10 s, and start it again; it goes on from what is committed',
  status: 'says in a few lines how everything is and what to do; exit code 0 well, 1 something is wrong, 2 it can not be told',
  doctor: 'checks the set-up, a line a check, and says what to do; exit code 1 where one fails',
  backfill: 'asks the source for past days, beside the live poll and under its rate limit; safe to repeat and to interrupt',
  dlq: 'lists dead letters, shows one, sends them again through the code of now (redrive) or takes them off the list (discard); LETTER as list names it',
}

/** What `--help` prints: every flag with its variable, default and meaning. */
export const helpText = (program: Program): string => {
  const rows = knobsOf(program).map(([, knob]) => ({
    flag: knob.flag ? `--${knob.flag}` : '',
    env: knob.env ?? '',
    doc: `${knob.doc}${knob.default === undefined ? '' : ` (default ${knob.default})`}`,
  }))
  const flagWidth = Math.max(...rows.map((row) => row.flag.length))
  const envWidth = Math.max(...rows.map((row) => row.env.length))
  const lines = rows.map((row) => `  ${row.flag.padEnd(flagWidth)}  ${row.env.padEnd(envWidth)}  ${row.doc}`)
  return `readflow ${[program, ...(operandNames[program] ?? [])].join(' ')}: ${purposes[program]}\n\n${lines.join('\n')}\n\nA flag wins over its environment variable${program === 'up' || program === 'stack' ? '' : ', and both over what runs on the data folder'}. Durations and sizes carry their unit (10s, 64MiB).\n`
}

/** The table of the README, made from the knobs. */
export const configTable = (): string =>
  ['| flag | variable | default | what |', '| --- | --- | --- | --- |']
    .concat(
      entries.map(
        ([, knob]) =>
          `| ${knob.flag ? `\`--${knob.flag}\`` : ''} | ${knob.env ? `\`${knob.env}\`` : ''} | ${knob.default ? `\`${knob.default}\`` : ''} | ${knob.doc.replaceAll('|', '\\|')} |`,
      ),
    )
    .join('\n')
