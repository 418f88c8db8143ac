// What the hub answers. The shapes of /openapi.json stand in api.ts, which is made from it; here is
// only what no schema says.
import type { Time } from './api'

export type * from './api'

/** Most lists: the next page is asked for with `next` as the cursor. */
export interface Page<T> {
  items: T[]
  next: string | null
}

/** One message of /v1/events. */
export interface CloudEvent {
  type: string
  id?: string
  subject?: string
  time: Time
  data: Record<string, unknown>
}
