import { runProgram } from '../../runtime/lifecycle.ts'
import { goOnCommand } from '../control/go-on-command.ts'

await runProgram('run', goOnCommand('run'))
