import { after } from 'node:test'
import { closeShared } from './shared.ts'
// One file for all, so that each reader is started once. The last one changes Spark's settings.
import './every-type.ts'
import './pipeline.ts'
import './skipping.ts'
import './spark-written.ts'

after(closeShared)
