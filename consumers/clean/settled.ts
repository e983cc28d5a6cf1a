import { openTable } from '../../lake/delta/table.ts'
import type { ObjectStore } from '../../lake/store/store.ts'
import type { KafkaClient } from '../../runtime/kafka/client.ts'
import { catalogue } from '../../schemas/catalogue.ts'
import { cleanTopic } from '../../schemas/clean.ts'
import type { EntityName } from '../../schemas/records.ts'
import { isCleanSettled } from './offsets.ts'
import { cleanPartitions, cleanStart } from './topic.ts'

/** Whether the clean topics have all that Silver has now, whoever publishes them. A table that is not there has nothing. */
export const isCleanUpToDate = async (
  { store, client, groupId }: { store: ObjectStore; client: KafkaClient; groupId: string },
  entities: readonly EntityName[],
): Promise<boolean> => {
  for (const entity of entities) {
    const snapshot = await openTable(store, `silver/${entity}`).snapshot()
    if (snapshot.metadata === null) continue
    const { topic: source } = catalogue[entity]
    const states = await client.topicStates([source])
    const topicId = states.get(source)?.id ?? ''
    const clean = (await client.topicIds([cleanTopic(entity)])).get(cleanTopic(entity))
    const partitions = await cleanPartitions(client, { groupId, source, topicId, count: states.get(source)?.partitions ?? 0, snapshot })
    if (partitions.every(({ progress }) => progress === null)) continue
    if (clean === undefined) return false
    const identity = { clusterId: client.clusterId, topicId, tableId: snapshot.metadata.id, cleanTopicId: clean }
    if (!isCleanSettled(cleanStart(client.clusterId, { identity, snapshot, partitions }), partitions)) return false
  }
  return true
}
