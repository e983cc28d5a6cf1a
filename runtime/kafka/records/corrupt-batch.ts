import { ReadflowError } from '../../errors.ts'
import type { TopicPartition } from '../group-consumer.ts'

/**
 * A record batch whose bytes can't be what a producer wrote. Reading it again may help where the network or
 * the page cache was at fault; otherwise offsets `fromOffset` to `toOffset` (exclusive) can't be had.
 */
export class CorruptBatchError extends ReadflowError {
  readonly topic: string
  readonly partition: number
  readonly fromOffset: number
  readonly toOffset: number

  constructor(at: TopicPartition & { baseOffset: number; fromOffset: number; toOffset: number }, cause: Error) {
    super('kafka-corrupt', `The record batch at offset ${at.baseOffset} of ${at.topic}/${at.partition} can't be read: ${cause.message}.`, {
      cause,
    })
    this.topic = at.topic
    this.partition = at.partition
    this.fromOffset = at.fromOffset
    this.toOffset = at.toOffset
  }
}
