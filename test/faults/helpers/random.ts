export { type Random, randomFrom as createRandom } from '../../../producers/sandbox/random.ts'

/** The seed of this run: from the environment, to repeat one, else new; every fault test prints it. */
export const seedOfRun = (): number => Number(process.env['READFLOW_FAULTS_SEED'] ?? Math.floor(Math.random() * 1e9))
