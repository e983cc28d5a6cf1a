/** What runs by itself and can be paused, each by itself, in the order of the flow. */
export const stageNames = ['poll', 'bronze', 'silver', 'clean', 'gold', 'optimize', 'vacuum'] as const
export type StageName = (typeof stageNames)[number]

/** The program that each stage is a part of. */
export const programOfStage = {
  poll: 'poll',
  bronze: 'consume',
  silver: 'consume',
  clean: 'consume',
  gold: 'compact',
  optimize: 'compact',
  vacuum: 'compact',
} as const satisfies Record<StageName, string>

/** The stages that work on what a stage has made. */
export const dependentsOf: Readonly<Record<StageName, readonly StageName[]>> = {
  poll: ['bronze', 'silver'],
  bronze: [],
  silver: ['clean', 'gold'],
  clean: [],
  gold: [],
  optimize: [],
  vacuum: [],
}
