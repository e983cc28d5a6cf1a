import { errorLine } from '../../../runtime/errors.ts'
import { say } from './points.ts'

/** Says that it is loaded, waits for its job from the parent, does it and exits: 0 for a good end, 1 otherwise. */
export const runJob = <J>(main: (job: J) => Promise<void>) => {
  process.once('message', (job) => {
    main(job as J).then(
      () => process.exit(0),
      (error) => {
        say({ failed: errorLine(error) })
        process.exit(1)
      },
    )
  })
  process.send?.('ready')
  // A child does not outlive its parent.
  process.once('disconnect', () => process.exit(1))
}
