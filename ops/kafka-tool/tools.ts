import { ReadflowError } from '../../runtime/errors.ts'

/** Kafka's command-line tools by the names of its scripts (`kafka-consumer-groups.sh`, …). */
const classes = {
  'consumer-groups': 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand',
  topics: 'org.apache.kafka.tools.TopicCommand',
  'get-offsets': 'org.apache.kafka.tools.GetOffsetShell',
  'console-consumer': 'org.apache.kafka.tools.consumer.ConsoleConsumer',
  'console-producer': 'org.apache.kafka.tools.ConsoleProducer',
  configs: 'kafka.admin.ConfigCommand',
  'delete-records': 'org.apache.kafka.tools.DeleteRecordsCommand',
} as const

const toolNames = Object.keys(classes).join(', ')

export const help = `readflow kafka-tool [--data DIR] TOOL …: runs one of Kafka's own command-line tools

  TOOL is ${toolNames}.
  All that follows it is the tool's own: see readflow kafka-tool TOOL --help. Where --bootstrap-server is not
  given it is KAFKA_BROKERS, else the broker of the up or stack that runs on the data folder (--data, READFLOW_DATA).
`

export interface ToolCall {
  className: string
  /** Our own flags, before the tool's name. */
  ours: string[]
  args: string[]
  needsBrokers: boolean
  /** It says "Error: …" on stdout and exits 0 where it refuses, by which no script would know. */
  saysErrors: boolean
}

/**
 * Splits a command line at the tool's name; null where help on this command was asked for. Throws
 * ReadflowError `config` where there is no tool of that name.
 */
export const parseToolCall = (argv: readonly string[]): ToolCall | null => {
  const at = argv.findIndex((arg, index) => !arg.startsWith('-') && argv[index - 1] !== '--data')
  const ours = argv.slice(0, at < 0 ? argv.length : at)
  if (ours.includes('--help') || ours.includes('-h')) return null
  const name = (argv[at] ?? '').replace(/^kafka-|\.sh$/g, '')
  if (!Object.hasOwn(classes, name))
    throw new ReadflowError('config', `${at < 0 ? 'A tool must be named' : `'${argv[at]}' is no tool`}: ${toolNames}.`)
  const args = argv.slice(at + 1)
  const hasOwn = args.some((arg) => /^--(bootstrap-(server|controller)|help|version)(=|$)/.test(arg))
  const className = classes[name as keyof typeof classes]
  return { className, ours, args, needsBrokers: args.length > 0 && !hasOwn, saysErrors: name === 'consumer-groups' }
}
