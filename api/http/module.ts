import type { Router } from 'express'
import type { Operation } from './openapi.ts'

/** Routes that are none over Gold or the lake: what they are, and what answers them. */
export interface RouteModule {
  operations: readonly Operation[]
  /** Mounted at the root; its paths are those of `operations`. */
  router: Router
}
