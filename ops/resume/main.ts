import { runProgram } from '../../runtime/lifecycle.ts'
import { stageCommand } from '../control/stage-command.ts'

await runProgram('resume', stageCommand('resume'))
