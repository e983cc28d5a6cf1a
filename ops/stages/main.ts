import path from 'node:path'
import { parseConfig } from '../../runtime/config/config.ts'
import { ReadflowError } from '../../runtime/errors.ts'
import { runProgram } from '../../runtime/lifecycle.ts'
import { logLineText, stageLogLines } from '../../runtime/log-lines.ts'
import { createRedactor } from '../../runtime/redact-text.ts'
import { conditionOf, stageLines } from '../../runtime/stage-lines.ts'
import type { StageName } from '../../runtime/stage-names.ts'
import { askUp, findUp } from '../../runtime/up-control.ts'
import { stageOf } from '../control/stage-of.ts'

/** `readflow stages [STAGE]`: every stage, or one with its newest log lines. */
await runProgram('stages', async ({ argv, env, signal }) => {
  const config = parseConfig('stages', argv, env)
  if (!config) return
  const only = config.operands[0] ? stageOf(config.operands[0]) : null
  const { status } = await askUp(findUp(config.dataDir), null, signal)
  const stages = status.stages.filter(({ name }) => only === null || name === only)
  if (only !== null && stages.length === 0)
    throw new ReadflowError('config', `${only} does not run in this up.`, { hint: 'See its --stages.' })
  const redact = createRedactor(env)
  const logOf = (stage: StageName, limit: number) => stageLogLines({ logDir: path.join(config.dataDir, 'logs'), stage, limit }, redact)
  if (config.isJson) {
    const whole = async (stage: (typeof stages)[number]) => ({
      ...stage,
      condition: conditionOf(stage, status.programs, Date.now()),
      log: await logOf(stage.name, only === null ? 3 : config.limit),
    })
    process.stdout.write(`${JSON.stringify({ ok: true, stages: await Promise.all(stages.map(whole)) })}\n`)
    return
  }
  process.stdout.write(`${stageLines({ ...status, stages }, Date.now()).join('\n')}\n`)
  if (only === null) return
  process.stdout.write(`schedule: ${stages[0]?.runs?.schedule ?? 'its program is not up'}\n`)
  for (const line of await logOf(only, config.limit)) process.stdout.write(`${logLineText(line)}\n`)
})
