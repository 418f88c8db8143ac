// Made by tools/api_types from the hub's /openapi.json: what it takes and answers. Not to be edited.

/** RFC 3339. */
export type Time = string

/** RFC 9457, with every mistake and where it is */
export interface Problem {
  type: string
  title: string
  status: number
  detail: string
  errors: ProblemError[]
}

export interface ProblemError {
  pointer: string
  code: string
  detail: string
}

/** One movement; idType is SKU unless said otherwise; without transactionId (or the header Idempotency-Key) each call counts */
export interface UpdateInventory {
  facilityId: string
  idType?: string | null
  idValue: string
  availableDelta: number
  locationSeqId?: string | null
  varianceReasonId?: string | null
  transactionId?: string | null
  effectiveDate?: Time | null
}

/** The fields of the request, and what stands after it */
export interface UpdateInventoryAnswer {
  facilityId: string
  idType?: string
  idValue: string
  availableDelta: number
  locationSeqId?: string
  varianceReasonId?: string
  transactionId?: string
  effectiveDate?: Time
  onHand: number
  available: number
  status: string
}

export interface CheckInventory {
  count: number
  docs: Facility[]
}

export interface Facility {
  facilityId: string
  atp: number
}

/** Or one Adjustment per line, as application/x-ndjson, without limit of length */
export interface Adjustments {
  adjustments: Adjustment[]
}

/** One movement of stock; one identifier of the product is needed */
export interface Adjustment {
  id?: string | null
  source?: string | null
  type?: string | null
  location: string
  sku?: string | null
  upc?: string | null
  product?: string | null
  ean?: string | null
  gtin?: string | null
  alu?: string | null
  delta: number
  occurred_at?: Time | null
  document?: string | null
  register?: string | null
  sequence?: number | null
  order?: string | null
  reason?: string | null
  until?: string | null
  acknowledges?: string | null
}

/** In the order sent */
export interface AdjustmentsAnswer {
  results: Result[]
  sequence: number
}

/** status: applied, duplicate, covered, acknowledged or rejected */
export interface Result {
  id: string | null
  status: string
  location: string | null
  sku: string | null
  on_hand?: number
  reserved?: number
  available?: number
  sequence?: number
  error?: ResultError
}

export interface ResultError {
  code: string
  detail: string
}

export interface Acknowledgements {
  source?: string | null
  documents: string[]
  acknowledged_at?: Time | null
}

export interface AcknowledgementsAnswer {
  results: Acknowledged[]
  sequence: number
}

/** acknowledged, recorded or duplicate */
export interface Acknowledged {
  document: string
  status: string
}

/** rows = changed + unchanged + duplicate_rows + rejected_rows + unknown */
export interface Reset {
  id: string
  status: string
  as_of: Time | null
  as_of_assumed: boolean
  as_of_origin?: string | null
  content_as_of?: Time | null
  content_sha256: string | null
  received_at?: Time | null
  source?: string | null
  feed?: string | null
  file?: string | null
  quantity?: string | null
  hub?: string | null
  detail?: string | null
  trailer?: string | null
  approvals?: Approval[]
  full?: boolean
  absent_zero?: boolean
  dry_run?: boolean
  rows: number
  cells: number
  changed: number
  unchanged: number
  zeroed: number
  unknown_products: number
  unknown_locations: number
  duplicate_rows: number
  rejected_rows: number
  unpublished_rows?: number
  variance_units: number
  reasons: Reason[]
  seconds: number
  locations?: ResetLocation[]
}

/** Where approvals by several tokens are asked for */
export interface Approval {
  by: string
  at: Time
}

/** What applying it would do; zeroed_skus: some that go to zero, those with most stock first */
export interface Forecast {
  to_zero: number
  from_zero: number
  units_before: number
  units_after: number
  zeroed_skus: string[]
}

export interface ResetLocation {
  location: string
  status: string
  as_of: Time | null
  as_of_assumed?: boolean
  as_of_origin?: string | null
  as_of_check?: AsOfCheck | null
  forecast?: Forecast
  statement?: number
  sequence?: number
  rows: number
  cells: number
  changed: number
  unchanged: number
  zeroed: number
  unknown_products: number
  unknown_locations: number
  duplicate_rows: number
  rejected_rows: number
  unpublished_rows?: number
  variance_units: number
  reasons: Reason[]
}

/** What the figures say of when they were counted; verdict: inferred, agrees, differs, uncertain or no_evidence; distance_seconds: later than as_of, or (negative) earlier */
export interface AsOfCheck {
  verdict: string
  detail: string
  inferred_from: Time | null
  inferred_to: Time | null
  confidence: number
  distance_seconds: number | null
  cause: string
  shift_minutes: number
  compared: number
  agreeing: number
  moved: number
  moved_agreeing: number
  runner_up: number
}

/** A guard that tripped */
export interface Reason {
  code: string
  detail: string
}

/** Without their locations, newest first */
export interface Resets {
  items: Reset[]
  next: string | null
}

export interface Variances {
  items: Variance[]
  count?: number
  next: unknown | null
}

export interface Variance {
  location: string
  sku: string
  line?: number | null
  held: boolean
  stated: number
  expected: number
  variance: number
  explained: number
  unexplained: number
  explained_by: Explaining[]
}

/** A late event that the statement knew */
export interface Explaining {
  sequence?: number
  id?: string | null
  source?: string | null
  type?: string
  delta?: number
  occurred_at?: Time
  received_at?: Time
  document?: string | null
  register?: string | null
  register_sequence?: number | null
  order?: string | null
  reason?: string | null
  acknowledges?: string | null
}

/** Newest day first; next is the cursor of the days before */
export interface VarianceTrend {
  items: VarianceDay[]
  next: string | null
}

/** units = explained + unexplained, each cell's variance without its sign; null where too many cells moved since to look at them all at once */
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

/** In order of their first appearance */
export interface Products {
  items: Product[]
  next: string | null
}

export interface Product {
  sku: string | null
  name: string | null
  active: boolean
  published: boolean
  identifiers: Identifier[]
}

/** Any other kind of identifier may be a field too; what is not said stays */
export interface ProductRequest {
  sku?: string | null
  upc?: string | null
  alu?: string | null
  product?: string | null
  namespace?: string | null
  name?: string | null
  active?: boolean
  published?: boolean
  identifiers?: Identifier[]
}

/** upc stands for UPC-A, EAN-13, EAN-8 and GTIN-14 */
export interface Identifier {
  type: string
  value: string
  namespace?: string | null
}

/** The first thousand that were rejected, by their number from 1 */
export interface Described {
  created: number
  updated: number
  unchanged: number
  rejected: number
  errors: DescribedError[]
}

export interface DescribedError {
  number: number
  code: string
  detail: string
}

export interface Locations {
  items: Location[]
  next: string | null
}

/** timezone: as configured for it; null where it is not in the configuration */
export interface Location {
  location: string
  name: string | null
  timezone: string | null
  active: boolean
  published: boolean
  sell_online: boolean
  safety_stock: number
}

export interface LocationRequest {
  location: string
  name?: string | null
  active?: boolean
  published?: boolean
}

/** at and known_at are there when the past was asked for */
export interface Cell {
  location: string
  sku: string
  on_hand: number
  reserved: number
  available: number
  as_of: Time | null
  updated_at?: Time | null
  version?: number
  at?: Time | null
  known_at?: Time | null
}

/** sequence is what to ask changed_since with next time */
export interface Inventory {
  items: Cell[]
  next: string | null
  sequence: number
}

/** Newest first */
export interface History {
  items: Entry[]
  next: string | null
}

/** kind: event, acknowledgement, reset or rollback */
export interface Entry {
  sequence: number
  kind: string
  status?: string
  change: number
  on_hand: number
  reserved: number
  reset?: string
  as_of?: Time
  id?: string | null
  source?: string | null
  type?: string
  delta?: number
  occurred_at?: Time
  received_at?: Time
  document?: string | null
  register?: string | null
  register_sequence?: number | null
  order?: string | null
  reason?: string | null
  acknowledges?: string | null
}

/** on_hand = stated + events_change; available = on_hand - reserved - safety_stock */
export interface Explanation {
  location: string
  sku: string
  statement: ExplainedStatement | null
  events: ExplainedEvent[]
  event_count: number
  events_change: number
  covered_late: ExplainedEvent[]
  on_hand: number
  reservations: Reservation[]
  reserved: number
  safety_stock: number
  available: number
  channels: ExplainedChannel[]
  version: number
}

/** line is null where the cell was named by its absence */
export interface ExplainedStatement {
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
}

export interface ExplainedEvent {
  sequence: number
  change: number
  why: string
  id?: string | null
  source?: string | null
  type?: string
  delta?: number
  occurred_at?: Time
  received_at?: Time
  document?: string | null
  register?: string | null
  register_sequence?: number | null
  order?: string | null
  reason?: string | null
  acknowledges?: string | null
}

/** request: the idempotency key under which it was last sent */
export interface ExplainedChannel {
  channel: string
  type: string
  place: string | null
  state: string
  wanted: number | null
  sent: number | null
  sent_at: Time | null
  confirmed: number | null
  confirmed_version: number
  confirmed_at: Time | null
  request: string | null
  next_try_at: Time | null
  why: string | null
}

export interface Reservation {
  order: string | null
  reserved: number
}

export interface Availability {
  sku: string
  channel: string | null
  locations: AvailableLocation[]
  available: number
}

export interface AvailableLocation {
  location: string
  on_hand: number
  reserved: number
  safety_stock: number
  available: number
}

/** hub, hubs, leases: which hubs are on one store, and what each of them does alone */
export interface Status {
  status: string
  version: string
  now: Time
  sequence: number
  checkpoint_sequence: number
  cells: number
  locations: number
  products: number
  pending_movements: number
  queue_depth: number
  batches: number
  resets_applied: number
  resets_held: number
  acknowledgements: number
  memory_bytes: number
  disk_bytes: number
  wal_bytes: number
  connections: number
  listeners: number
  adjustments: Outcomes
  started_at: Time
  disk_full: boolean
  store_age_ms: number | null
  late: string[]
  notify: NotifyTarget[]
  hub: string | null
  hubs: HubPeer[]
  leases: Lease[]
}

export interface HubPeer {
  name: string
  alive: boolean
  silent_seconds: number
  version: string
  started_at: Time
}

/** name: of a job, or channel:NAME, source:NAME, feed:NAME; token: grows with each holder */
export interface Lease {
  name: string
  held_by: string | null
  since: Time
  token: number
}

/** adjustments_per_second: what was applied in each of the last 120 whole seconds (fewer after a start), oldest first; resets: the newest 20 */
export interface Now {
  status: Status
  adjustments_per_second: number[]
  sources: Source[]
  channels: Channel[]
  feeds: Feed[]
  resets: Resets
  next_reset: NextReset | null
}

/** job: feed:NAME or snapshot:NAME */
export interface NextReset {
  at: Time
  job: string
}

/** Who is notified by webhook; state is new, ok, failing, or stopped by a 410 */
export interface NotifyTarget {
  name: string
  state: string
  waiting: number
  sent: number
  failures: number
  dropped: number
  last_sent_at: Time | null
  last_error: string | null
  last_error_at: Time | null
}

/** Adjustments since the start */
export interface Outcomes {
  applied: number
  covered: number
  acknowledged: number
  duplicate: number
  rejected: number
}

export interface Feeds {
  items: Feed[]
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

export interface Channels {
  items: Channel[]
}

/** state: ok, retrying, throttled, unauthorized, failing, stopped, paused, starting or standby; of type file: new, ok or failing; calls and items: since the start of the hub */
export interface Channel {
  name: string
  type: string
  state: string
  last_error: string | null
  last_error_at: Time | null
  held_by?: string | null
  mode?: string
  job?: string
  last_file?: string | null
  last_file_at?: Time | null
  rows?: number
  sequence?: number
  pending?: number
  held?: number
  oldest_pending_seconds?: number
  confirmed?: number
  confirmed_per_second?: number
  uncertain?: number
  parked_count?: number
  unmapped?: number
  calls?: number
  calls_failed?: number
  items_sent?: number
  items_confirmed?: number
  next_call_at?: Time | null
  last_audit?: ChannelAudit | null
  parked?: ChannelParked[]
  notes?: number
  memory_bytes?: number
}

/** What the shop refuses, in its own words */
export interface ChannelParked {
  location: string
  sku: string
  wanted: number | null
  confirmed: number | null
  detail: string
}

/** drift = changed_at_the_shop + not_at_the_shop */
export interface ChannelAudit {
  started_at: Time
  finished_at: Time
  read: number
  agreed: number
  drift: number
  mended: number
  not_ours: number
  in_flight: number
  changed_at_the_shop: number
  never_sent: number
  parked: number
  not_at_the_shop: number
  error: string | null
  differences: ChannelDifference[]
}

/** likely: in words, what it probably comes from */
export interface ChannelDifference {
  location: string
  sku: string
  wanted: number | null
  actual: number | null
  cause: string
  likely?: string
}

export interface ChannelAudits {
  items: ChannelAudit[]
}

/** As often, as late and in any order as one likes */
export interface Orders {
  orders: Order[]
}

/** location: ours, where it reserves; document: under which the point of sale books it */
export interface Order {
  id: string
  document?: string | null
  location?: string | null
  placed_at?: Time | null
  cancelled?: boolean
  cancelled_at?: Time | null
  lines: OrderLine[]
  shipments?: OrderShipment[]
}

/** quantity: all that was ever ordered; cancelled: units of it */
export interface OrderLine {
  id: string
  sku: string
  quantity: number
  cancelled?: number
  location?: string | null
}

/** undone: it was cancelled after all, and the units are back */
export interface OrderShipment {
  id: string
  location?: string | null
  shipped_at?: Time | null
  undone?: boolean
  lines: OrderShipped[]
}

export interface OrderShipped {
  line: string
  quantity: number
}

/** As Shopify and WooCommerce send it, signed */
export interface PlatformWebhook {
}

/** status: taken; ignored; repeated, which changes nothing; or read: a figure is read back */
export interface OrdersAnswer {
  status: string
  orders?: number
  applied?: number
  duplicates?: number
  rejected?: number
  sequence?: number
  errors?: OrderError[]
}

export interface OrderError {
  id: string
  code: string
  detail: string
}

export interface ChannelOrder {
  name: string
  status: string
  retried?: number
}

export interface Jobs {
  items: Job[]
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

export interface JobStarted {
  name: string
  status: string
}

export interface Tokens {
  items: Token[]
}

/** No locations: all of them */
export interface Token {
  name: string
  scopes: string[]
  locations: string[]
  created_at: Time
}

export interface AuditLog {
  items: AuditLine[]
  next: string | null
}

/** by: the token's name; action: method and path; note: what the header Audit-Note said */
export interface AuditLine {
  at: Time
  by: string
  action: string
  status: number
  note?: string
}

/** scopes: adjust, reset, read, admin */
export interface TokenRequest {
  name: string
  scopes: string[]
  locations?: string[]
}

export interface TokenCreated {
  name: string
  token: string
}

export interface Health {
  status: string
  detail?: string
}

export interface Sources {
  items: Source[]
}

/** state: ok, parked (something was not understood) or silent (a store is); silent: at most 50 of those stores, the longest first */
export interface Source {
  name: string
  type: string
  job: string
  state: string
  pushed: number
  polled: number
  replayed: number
  ignored: number
  applied: number
  duplicates: number
  parked: number
  parked_dropped: number
  stores_known: number
  stores_silent: number
  gaps: number
  numbers_missing: number
  last_document_at: Time | null
  worst_lag_seconds: number
  silent: SilentStore[]
  poll: SourcePoll
}

export interface SourceHealth {
  name: string
  type: string
  job: string
  state: string
  pushed: number
  polled: number
  replayed: number
  ignored: number
  applied: number
  duplicates: number
  parked: number
  parked_dropped: number
  stores_known: number
  stores_silent: number
  gaps: number
  numbers_missing: number
  last_document_at: Time | null
  worst_lag_seconds: number
  silent: SilentStore[]
  poll: SourcePoll
  snapshot: SourceSnapshot
  stores: SourceStore[]
}

/** since: when it was last heard */
export interface SilentStore {
  location: string
  since: Time
}

/** failures: polls in a row in which something failed; lag_seconds: for how long; clock_offset_seconds: how far its clock is ahead */
export interface SourcePoll {
  running: boolean
  last_poll: Time | null
  last_success: Time | null
  failures: number
  lag_seconds: number
  clock_offset_seconds: number | null
  documents: number
  parked: number
  streams: SourceStream[]
}

/** What is read from a cursor of its own; everything up to it is here */
export interface SourceStream {
  what: string
  cursor: Time | null
  last_success: Time | null
  documents: number
  failures: number
  error: string | null
  next_try: Time | null
}

/** The last Daily Reset from its inventory; left_out: locations it could not speak for */
export interface SourceSnapshot {
  running: boolean
  started: Time | null
  finished: Time | null
  reset: string | null
  status: string | null
  error: string | null
  products: number
  cells: number
  looks: number
  left_out: number
  left_out_locations: string | null
}

/** lag_seconds: of its newest document, from the sale until it came here */
export interface SourceStore {
  location: string
  last_document_at: Time | null
  last_received_at: Time | null
  lag_seconds: number | null
  heard_at: Time | null
  silent_since: Time | null
  documents: number
  registers: SourceRegister[]
}

/** clock_offset_seconds: how far its clock is ahead; below zero, at most so far behind */
export interface SourceRegister {
  register: string
  last_number: number | null
  last_number_at: Time | null
  last_document_at: Time | null
  last_received_at: Time | null
  lag_seconds: number | null
  clock_offset_seconds: number | null
  missing: number
  gaps: Gap[]
  filled: Gap[]
  filled_numbers: number
  forgotten_gaps: number
}

/** Numbers of documents, both ends included */
export interface Gap {
  from: number
  to: number
  seen_at: Time | null
  filled_at: Time | null
  told: boolean
}

/** A document of Retail Pro Prism in either of its dialects, or a list of them */
export type Documents = unknown

/** In the order sent: one result for each event, and one for a document that has none or was not understood */
export interface DocumentsAnswer {
  results: DocumentResult[]
  documents: number
  parked: number
  sequence: number
}

/** status: applied, duplicate, covered, acknowledged, rejected, ignored or parked */
export interface DocumentResult {
  sid: string | null
  id: string | null
  status: string
  location: string | null
  sku: string | null
  on_hand?: number
  sequence?: number
  error?: ResultError
  detail?: string
}

/** Oldest first */
export interface ParkedDocuments {
  items: ParkedDocument[]
  next: string | null
}

/** kind: document, receiving, transfer or adjustment */
export interface ParkedDocument {
  id: string
  kind: string
  sid: string | null
  code: string
  reason: string
  first_at: Time
  last_at: Time
  times: number
  bytes: number
  cut: boolean
}

export interface Replayed {
  replayed: number
  settled: number
  still_parked: number
  results?: DocumentResult[]
  documents?: number
  parked?: number
  sequence?: number
}

export interface OpenApi {
  openapi: string
  info: unknown
  paths: unknown
  components: unknown
  security: unknown[]
}
