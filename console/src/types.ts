// What the hub answers, as far as the console reads it; the whole is at /openapi.json.

/** RFC 3339. */
export type Time = string

export interface Status {
  status: string
  version: string
  now: Time
  sequence: number
  cells: number
  locations: number
  products: number
  queue_depth: number
  resets_applied: number
  resets_held: number
  memory_bytes: number
  disk_bytes: number
  listeners: number
  started_at: Time
  disk_full: boolean
  late: string[]
  adjustments: Record<'applied' | 'covered' | 'acknowledged' | 'duplicate' | 'rejected', number>
}

export interface Feed {
  name: string
  url: string
  schedule: string | null
  job: string
  running: boolean
  last_run: Time | null
  next_due: Time | null
  last_file: string | null
  last_file_at: Time | null
  last_result: string | null
  last_reset: string | null
  last_error: string | null
  last_error_at: Time | null
  late: boolean
  late_since: Time | null
  files: number
  waiting_files: number
}

export interface Job {
  name: string
  schedule: string | null
  running: boolean
  running_since: Time | null
  next_at: Time | null
  last_started_at: Time | null
  last_finished_at: Time | null
  last_status: string | null
  last_detail: string | null
}

/** Channels of different types tell different things. */
export interface Channel {
  name: string
  type: string
  state: string
  pending?: number
  oldest_pending_seconds?: number | null
  confirmed?: number
  parked?: unknown[]
  last_error: string | null
  last_error_at?: Time | null
  last_file?: string | null
  last_file_at?: Time | null
  job?: string
}

export interface Reason {
  code: string
  detail: string
}

export interface ResetCounts {
  rows: number
  cells: number
  changed: number
  unchanged: number
  zeroed: number
  unknown_products: number
  unknown_locations: number
  duplicate_rows: number
  rejected_rows: number
  variance_units: number
  reasons: Reason[]
}

export interface Forecast {
  to_zero: number
  from_zero: number
  units_before: number
  units_after: number
  zeroed_skus: string[]
}

export interface ResetLocation extends ResetCounts {
  location: string
  status: string
  as_of: Time | null
  as_of_origin?: string | null
  as_of_check?: { verdict: string; detail: string } | null
  forecast?: Forecast
}

export interface Reset extends ResetCounts {
  id: string
  status: string
  as_of: Time | null
  as_of_assumed: boolean
  received_at?: Time | null
  source?: string | null
  feed?: string | null
  file?: string | null
  detail?: string | null
  dry_run?: boolean
  seconds: number
  locations?: ResetLocation[]
  approvals?: { by: string; at: Time }[]
}

export interface Cell {
  location: string
  sku: string
  on_hand: number
  reserved: number
  available: number
  as_of: Time | null
  updated_at?: Time | null
  version?: number
}

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

export interface Product {
  sku: string | null
  name: string | null
  active: boolean
  published: boolean
  identifiers: { type: string; value: string; namespace?: string }[]
}

export interface Location {
  location: string
  name: string | null
  active: boolean
  published: boolean
  sell_online: boolean
  safety_stock: number
}

/** A movement as history and explain tell it. */
export interface Movement {
  sequence: number
  id?: string | null
  source?: string | null
  type?: string
  delta?: number
  occurred_at?: Time
  received_at?: Time
  document?: string | null
  register?: string | null
  reason?: string | null
  order?: string | null
}

export interface ExplainedEvent extends Movement {
  change: number
  why: string
}

export interface Explanation {
  location: string
  sku: string
  statement: {
    reset: string
    file: string | null
    feed: string | null
    line: number | null
    source: string
    as_of: Time
    as_of_origin: string | null
    as_of_assumed: boolean
    applied_at: Time | null
    stated: number
  } | null
  events: ExplainedEvent[]
  event_count: number
  events_change: number
  covered_late: ExplainedEvent[]
  on_hand: number
  reservations: { order: string | null; reserved: number }[]
  reserved: number
  safety_stock: number
  available: number
  channels: ChannelFigure[]
  version: number
}

export interface ChannelFigure {
  channel: string
  wanted: number | null
  sent: number | null
  confirmed: number | null
  confirmed_at?: Time | null
  sent_at?: Time | null
  state?: string
}

export interface Entry extends Movement {
  kind: 'event' | 'acknowledgement' | 'reset' | 'rollback'
  status?: string
  change: number
  on_hand: number
  reserved: number
  reset?: string
  as_of?: Time
}

export interface Variance {
  location: string
  sku: string
  line: number | null
  held: boolean
  stated: number
  expected: number
  variance: number
  explained: number
  unexplained: number
  explained_by: Movement[]
}

export interface VarianceDay {
  date: string
  location: string
  source: string
  feed: string | null
  resets: number
  cells: number
  units: number
  explained: number | null
  unexplained: number | null
}

export interface Source {
  name: string
  type: string
  job: string
  state: string
  parked: number
  stores_known: number
  stores_silent: number
  gaps: number
  numbers_missing: number
  last_document_at: Time | null
  worst_lag_seconds: number | null
}

export interface Gap {
  from: number
  to: number
  seen_at: Time | null
  filled_at: Time | null
}

export interface SourceRegister {
  register: string
  last_number: number | null
  last_document_at: Time | null
  lag_seconds: number | null
  clock_offset_seconds: number | null
  missing: number
  gaps: Gap[]
}

export interface SourceStore {
  location: string
  last_document_at: Time | null
  last_received_at: Time | null
  lag_seconds: number | null
  silent_since: Time | null
  documents: number
  registers: SourceRegister[]
}

export interface SourceHealth extends Source {
  stores: SourceStore[]
}

export interface Token {
  name: string
  scopes: string[]
  locations: string[]
  created_at: Time
}

export interface AuditLine {
  at: Time
  by: string
  action: string
  status: number
}
