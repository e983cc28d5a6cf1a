import { openTable } from '../../../lake/delta/table.ts'
import { openStore } from '../../../lake/store/open.ts'
import { catalogue } from '../../../schemas/catalogue.ts'
import type { SinkJob } from './job.ts'
import type { World } from './world.ts'

/** Offsets of a job's topics that its tables have not passed yet. */
export const behind = async (world: World, { lakeUrl, stage, entities }: SinkJob): Promise<number> => {
  const store = openStore(lakeUrl)
  let left = 0
  for (const entity of entities) {
    const { topic } = catalogue[entity]
    const { txns } = await openTable(store, `${stage}/${entity}`).snapshot()
    const topicId = (await world.client.topicIds([topic])).get(topic)
    for (const { partition, end, logStart } of await world.client.topicOffsets(topic))
      left += end - (txns.get(`${stage}/${world.client.clusterId}/${topicId}/${partition}`) ?? logStart)
  }
  await store.close()
  return left
}
