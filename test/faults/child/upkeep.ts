import { openStore } from '../../../lake/store/open.ts'
import type { SinkJob } from '../helpers/job.ts'
import { mergeFiles } from '../helpers/merge-files.ts'
import { runJob } from './job.ts'
import { countedStore, createPoints, say } from './points.ts'

/** One upkeep process: merges the small files of the job's tables. */
runJob(async (job: SinkJob) => {
  const points = createPoints(job.crash ?? null)
  const store = countedStore(openStore(job.lakeUrl), points)
  await mergeFiles(store, job)
  say({ done: true, points: points.names() })
})
