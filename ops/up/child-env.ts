import type { Config } from '../../runtime/config/config.ts'
import { knobs } from '../../runtime/config/knobs.ts'
import type { StageName } from '../../runtime/stage-names.ts'

export interface Services {
  brokers: readonly string[]
  registryUrl: string
}

/** The stages that are paused at this moment, for a program that is about to start. */
export const pausedEnv = (paused: readonly StageName[]): NodeJS.ProcessEnv => ({ READFLOW_PAUSED: paused.join(',') })

/**
 * The environment of a program that `up` starts: our own, with what a person gave by flag, and with the
 * services' addresses. Programs are configured in one way, whoever starts them.
 */
export const childEnv = (
  config: Config,
  flags: Readonly<Record<string, string | undefined>>,
  services: Services | null,
  env: NodeJS.ProcessEnv,
): NodeJS.ProcessEnv => {
  const fromFlags = Object.entries(knobs).flatMap(([, knob]) => {
    const isGiven = 'flag' in knob && knob.flag !== undefined && Object.hasOwn(flags, knob.flag)
    const given = isGiven ? ('isSwitch' in knob ? 'true' : flags[knob.flag]) : undefined
    return given !== undefined && 'env' in knob && knob.env !== undefined ? [[knob.env, given]] : []
  })
  return {
    ...env,
    ...Object.fromEntries(fromFlags),
    READFLOW_DATA: config.dataDir,
    LAKE_URL: config.lakeUrl,
    // Each has a port of its own: the one that was chosen is that of `up` itself.
    READFLOW_METRICS_PORT: '',
    ...(services ? { KAFKA_BROKERS: services.brokers.join(','), SCHEMA_REGISTRY_URL: services.registryUrl } : {}),
  }
}

/** The flags of a command line as text, `--name value` and `--name=value` alike. */
export const flagsOf = (argv: readonly string[]): Record<string, string | undefined> => {
  const flags: Record<string, string | undefined> = {}
  argv.forEach((arg, index) => {
    const match = /^--([^=]+)(?:=(.*))?$/s.exec(arg)
    if (match?.[1]) flags[match[1]] = match[2] ?? (argv[index + 1]?.startsWith('--') === false ? argv[index + 1] : undefined)
  })
  return flags
}
