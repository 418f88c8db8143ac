/* The shapes of requests and answers, written down once.
 *
 * A test starts a hub, asks every route, and holds what comes back against these rows: a field that
 * is sent and not described here fails it. */
#include "api/schemas.h"

#define CELL_FIELDS                                                                                \
    "+location:string +sku:string +on_hand:number +reserved:number +available:number "             \
    "+as_of:time? "
#define RESET_COUNTS                                                                               \
    "+rows:integer +cells:integer +changed:integer +unchanged:integer +zeroed:integer "            \
    "+unknown_products:integer +unknown_locations:integer +duplicate_rows:integer "                \
    "+rejected_rows:integer unpublished_rows:integer +variance_units:number +reasons:[Reason] "
#define EVENT_FIELDS                                                                               \
    "id:string? source:string? type:string delta:number occurred_at:time received_at:time "        \
    "document:string? register:string? register_sequence:integer? order:string? reason:string? "   \
    "acknowledges:string? "
#define SOURCE_FIELDS                                                                              \
    "+name:string +type:string +job:string +state:string +pushed:integer +polled:integer "         \
    "+replayed:integer +ignored:integer +applied:integer +duplicates:integer +parked:integer "     \
    "+parked_dropped:integer +stores_known:integer +stores_silent:integer +gaps:integer "          \
    "+numbers_missing:integer +last_document_at:time? +worst_lag_seconds:number "                  \
    "+silent:[SilentStore] +poll:SourcePoll "

const struct schema_row schema_rows[] = {
    {"Problem", "+type:string +title:string +status:integer +detail:string +errors:[ProblemError]",
     "RFC 9457, with every mistake and where it is"},
    {"ProblemError", "+pointer:string +code:string +detail:string", ""},
    {"UpdateInventory",
     "+facilityId:string idType:string? +idValue:string +availableDelta:number "
     "locationSeqId:string? varianceReasonId:string? transactionId:string? effectiveDate:time?",
     "One movement; idType is SKU unless said otherwise; without transactionId (or the header "
     "Idempotency-Key) each call counts"},
    {"UpdateInventoryAnswer",
     "+facilityId:string idType:string +idValue:string +availableDelta:number "
     "locationSeqId:string varianceReasonId:string transactionId:string effectiveDate:time "
     "+onHand:number +available:number +status:string",
     "The fields of the request, and what stands after it"},
    {"CheckInventory", "+count:integer +docs:[Facility]", ""},
    {"Facility", "+facilityId:string +atp:number", ""},
    {"Adjustments", "+adjustments:[Adjustment]",
     "Or one Adjustment per line, as application/x-ndjson, without limit of length"},
    {"Adjustment",
     "id:string? source:string? type:string? +location:string sku:string? upc:string? "
     "product:string? ean:string? gtin:string? alu:string? +delta:number occurred_at:time? "
     "document:string? register:string? sequence:integer? order:string? reason:string? "
     "until:string? acknowledges:string?",
     "One movement of stock; one identifier of the product is needed"},
    {"AdjustmentsAnswer", "+results:[Result] +sequence:integer", "In the order sent"},
    {"Result",
     "+id:string? +status:string +location:string? +sku:string? on_hand:number reserved:number "
     "available:number sequence:integer error:ResultError",
     "status: applied, duplicate, covered, acknowledged or rejected"},
    {"ResultError", "+code:string +detail:string", ""},
    {"Acknowledgements", "source:string? +documents:[string] acknowledged_at:time?", ""},
    {"AcknowledgementsAnswer", "+results:[Acknowledged] +sequence:integer", ""},
    {"Acknowledged", "+document:string +status:string", "acknowledged, recorded or duplicate"},
    {"Reset",
     "+id:string +status:string +as_of:time? +as_of_assumed:boolean as_of_origin:string? "
     "content_as_of:time? +content_sha256:string? received_at:time? source:string? feed:string? "
     "file:string? "
     "quantity:string? hub:string? detail:string? trailer:string? approvals:[Approval] "
     "full:boolean "
     "absent_zero:boolean dry_run:boolean " RESET_COUNTS
     "+seconds:number locations:[ResetLocation]",
     "rows = changed + unchanged + duplicate_rows + rejected_rows + unknown"},
    {"Approval", "+by:string +at:time", "Where approvals by several tokens are asked for"},
    {"Forecast",
     "+to_zero:integer +from_zero:integer +units_before:number +units_after:number "
     "+zeroed_skus:[string]",
     "What applying it would do; zeroed_skus: some that go to zero, those with most stock first"},
    {"ResetLocation",
     "+location:string +status:string +as_of:time? as_of_assumed:boolean as_of_origin:string? "
     "as_of_check:AsOfCheck? forecast:Forecast statement:integer "
     "sequence:integer " RESET_COUNTS,
     ""},
    {"AsOfCheck",
     "+verdict:string +detail:string +inferred_from:time? +inferred_to:time? +confidence:number "
     "+distance_seconds:integer? +cause:string +shift_minutes:integer +compared:integer "
     "+agreeing:integer +moved:integer +moved_agreeing:integer +runner_up:integer",
     "What the figures say of when they were counted; verdict: inferred, agrees, differs, "
     "uncertain or no_evidence; distance_seconds: later than as_of, or (negative) earlier"},
    {"Reason", "+code:string +detail:string", "A guard that tripped"},
    {"Resets", "+items:[Reset] +next:string?", "Without their locations, newest first"},
    {"Variances", "+items:[Variance] count:integer +next:any?", ""},
    {"Variance",
     "+location:string +sku:string line:integer? +held:boolean +stated:number +expected:number "
     "+variance:number +explained:number +unexplained:number +explained_by:[Explaining]",
     ""},
    {"Explaining", "sequence:integer " EVENT_FIELDS, "A late event that the statement knew"},
    {"VarianceTrend", "+items:[VarianceDay] +next:string?",
     "Newest day first; next is the cursor of the days before"},
    {"VarianceDay",
     "+date:string +location:string +source:string +feed:string? +resets:integer +cells:integer "
     "+units:number +explained:number? +unexplained:number?",
     "units = explained + unexplained, each cell's variance without its sign; null where too many "
     "cells moved since to look at them all at once"},
    {"Products", "+items:[Product] +next:string?", "In order of their first appearance"},
    {"Product",
     "+sku:string? +name:string? +active:boolean +published:boolean +identifiers:[Identifier]", ""},
    {"ProductRequest",
     "sku:string? upc:string? alu:string? product:string? namespace:string? name:string? "
     "active:boolean published:boolean identifiers:[Identifier]",
     "Any other kind of identifier may be a field too; what is not said stays"},
    {"Identifier", "+type:string +value:string namespace:string?",
     "upc stands for UPC-A, EAN-13, EAN-8 and GTIN-14"},
    {"Described",
     "+created:integer +updated:integer +unchanged:integer +rejected:integer "
     "+errors:[DescribedError]",
     "The first thousand that were rejected, by their number from 1"},
    {"DescribedError", "+number:integer +code:string +detail:string", ""},
    {"Locations", "+items:[Location] +next:string?", ""},
    {"Location",
     "+location:string +name:string? +timezone:string? +active:boolean +published:boolean "
     "+sell_online:boolean +safety_stock:number",
     "timezone: as configured for it; null where it is not in the configuration"},
    {"LocationRequest", "+location:string name:string? active:boolean published:boolean", ""},
    {"Cell", CELL_FIELDS "updated_at:time? version:integer at:time? known_at:time?",
     "at and known_at are there when the past was asked for"},
    {"Inventory", "+items:[Cell] +next:string? +sequence:integer",
     "sequence is what to ask changed_since with next time"},
    {"History", "+items:[Entry] +next:string?", "Newest first"},
    {"Entry",
     "+sequence:integer +kind:string status:string +change:number +on_hand:number "
     "+reserved:number reset:string as_of:time " EVENT_FIELDS,
     "kind: event, acknowledgement, reset or rollback"},
    {"Explanation",
     "+location:string +sku:string +statement:ExplainedStatement? +events:[ExplainedEvent] "
     "+event_count:integer +events_change:number +covered_late:[ExplainedEvent] "
     "+on_hand:number +reservations:[Reservation] +reserved:number +safety_stock:number "
     "+available:number +channels:[ExplainedChannel] +version:integer",
     "on_hand = stated + events_change; available = on_hand - reserved - safety_stock"},
    {"ExplainedStatement",
     "+reset:string +file:string? +feed:string? +line:integer? +source:string +as_of:time "
     "+as_of_origin:string? +as_of_assumed:boolean +applied_at:time? +stated:number",
     "line is null where the cell was named by its absence"},
    {"ExplainedEvent", "+sequence:integer +change:number +why:string " EVENT_FIELDS, ""},
    {"ExplainedChannel",
     "+channel:string +type:string +place:string? +state:string +wanted:number? +sent:number? "
     "+sent_at:time? +confirmed:number? +confirmed_version:integer +confirmed_at:time? "
     "+request:string? +next_try_at:time? +why:string?",
     "request: the idempotency key under which it was last sent"},
    {"Reservation", "+order:string? +reserved:number", ""},
    {"Availability",
     "+sku:string +channel:string? +locations:[AvailableLocation] +available:number", ""},
    {"AvailableLocation",
     "+location:string +on_hand:number +reserved:number +safety_stock:number +available:number",
     ""},
    {"Status",
     "+status:string +version:string +now:time +sequence:integer +checkpoint_sequence:integer "
     "+cells:integer +locations:integer +products:integer +pending_movements:integer "
     "+queue_depth:integer +batches:integer +resets_applied:integer +resets_held:integer "
     "+acknowledgements:integer +memory_bytes:integer +disk_bytes:integer +wal_bytes:integer "
     "+connections:integer +listeners:integer +adjustments:Outcomes +started_at:time "
     "+disk_full:boolean +store_age_ms:integer? +late:[string] +notify:[NotifyTarget] "
     "+hub:string? +hubs:[HubPeer] +leases:[Lease]",
     "hub, hubs, leases: which hubs are on one store, and what each of them does alone"},
    {"HubPeer",
     "+name:string +alive:boolean +silent_seconds:number +version:string +started_at:time", ""},
    {"Lease", "+name:string +held_by:string? +since:time +token:integer",
     "name: of a job, or channel:NAME, source:NAME, feed:NAME; token: grows with each holder"},
    {"Now",
     "+status:Status +adjustments_per_second:[integer] +sources:[Source] +channels:[Channel] "
     "+feeds:[Feed] +resets:Resets +next_reset:NextReset?",
     "adjustments_per_second: what was applied in each of the last 120 whole seconds (fewer after "
     "a "
     "start), oldest first; resets: the newest 20"},
    {"NextReset", "+at:time +job:string", "job: feed:NAME or snapshot:NAME"},
    {"NotifyTarget",
     "+name:string +state:string +waiting:integer +sent:integer +failures:integer "
     "+dropped:integer +last_sent_at:time? +last_error:string? +last_error_at:time?",
     "Who is notified by webhook; state is new, ok, failing, or stopped by a 410"},
    {"Outcomes",
     "+applied:integer +covered:integer +acknowledged:integer +duplicate:integer "
     "+rejected:integer",
     "Adjustments since the start"},
    {"Feeds", "+items:[Feed]", ""},
    {"Feed",
     "+name:string +url:string +schedule:string? +job:string +running:boolean +last_run:time? "
     "+next_due:time? +last_file:string? +last_file_at:time? +last_result:string? "
     "+last_reset:string? +last_error:string? +last_error_at:time? +late:boolean "
     "+late_since:time? +files:integer +waiting_files:integer",
     ""},
    {"Channels", "+items:[Channel]", ""},
    {"Channel",
     "+name:string +type:string +state:string +last_error:string? +last_error_at:time? "
     "held_by:string? mode:string job:string last_file:string? last_file_at:time? rows:integer "
     "sequence:integer "
     "pending:integer held:integer oldest_pending_seconds:number confirmed:integer "
     "confirmed_per_second:number "
     "uncertain:integer parked_count:integer unmapped:integer calls:integer "
     "calls_failed:integer items_sent:integer items_confirmed:integer next_call_at:time? "
     "last_audit:ChannelAudit? parked:[ChannelParked] notes:integer memory_bytes:integer",
     "state: ok, retrying, throttled, unauthorized, failing, stopped, paused, starting or standby; "
     "of type file: new, ok or failing; calls and items: since the start of the hub"},
    {"ChannelParked",
     "+location:string +sku:string +wanted:number? +confirmed:number? +detail:string",
     "What the shop refuses, in its own words"},
    {"ChannelAudit",
     "+started_at:time +finished_at:time +read:integer +agreed:integer +drift:integer "
     "+mended:integer +not_ours:integer +in_flight:integer +changed_at_the_shop:integer "
     "+never_sent:integer +parked:integer +not_at_the_shop:integer +error:string? "
     "+differences:[ChannelDifference]",
     "drift = changed_at_the_shop + not_at_the_shop"},
    {"ChannelDifference",
     "+location:string +sku:string +wanted:number? +actual:number? +cause:string likely:string",
     "likely: in words, what it probably comes from"},
    {"ChannelAudits", "+items:[ChannelAudit]", ""},
    {"Orders", "+orders:[Order]", "As often, as late and in any order as one likes"},
    {"Order",
     "+id:string document:string? location:string? placed_at:time? cancelled:boolean "
     "cancelled_at:time? +lines:[OrderLine] shipments:[OrderShipment]",
     "location: ours, where it reserves; document: under which the point of sale books it"},
    {"OrderLine", "+id:string +sku:string +quantity:integer cancelled:integer location:string?",
     "quantity: all that was ever ordered; cancelled: units of it"},
    {"OrderShipment",
     "+id:string location:string? shipped_at:time? undone:boolean +lines:[OrderShipped]",
     "undone: it was cancelled after all, and the units are back"},
    {"OrderShipped", "+line:string +quantity:integer", ""},
    {"PlatformWebhook", "", "As Shopify and WooCommerce send it, signed"},
    {"OrdersAnswer",
     "+status:string orders:integer applied:integer duplicates:integer rejected:integer "
     "sequence:integer errors:[OrderError]",
     "status: taken; ignored; repeated, which changes nothing; or read: a figure is read back"},
    {"OrderError", "+id:string +code:string +detail:string", ""},
    {"ChannelOrder", "+name:string +status:string retried:integer", ""},
    {"Jobs", "+items:[Job]", ""},
    {"Job",
     "+name:string +schedule:string? +running:boolean +running_since:time? +next_at:time? "
     "+last_started_at:time? +last_finished_at:time? +last_status:string? +last_detail:string?",
     ""},
    {"JobStarted", "+name:string +status:string", ""},
    {"Tokens", "+items:[Token]", ""},
    {"Token", "+name:string +scopes:[string] +locations:[string] +created_at:time",
     "No locations: all of them"},
    {"AuditLog", "+items:[AuditLine] +next:string?", ""},
    {"AuditLine", "+at:time +by:string +action:string +status:integer note:string",
     "by: the token's name; action: method and path; note: what the header Audit-Note said"},
    {"TokenRequest", "+name:string +scopes:[string] locations:[string]",
     "scopes: adjust, reset, read, admin"},
    {"TokenCreated", "+name:string +token:string", ""},
    {"Health", "+status:string detail:string", ""},
    {"Sources", "+items:[Source]", ""},
    {"Source", SOURCE_FIELDS,
     "state: ok, parked (something was not understood) or silent (a store is); silent: at most 50 "
     "of those stores, the longest first"},
    {"SourceHealth", SOURCE_FIELDS "+snapshot:SourceSnapshot +stores:[SourceStore]", ""},
    {"SilentStore", "+location:string +since:time", "since: when it was last heard"},
    {"SourcePoll",
     "+running:boolean +last_poll:time? +last_success:time? +failures:integer "
     "+lag_seconds:number +clock_offset_seconds:number? +documents:integer +parked:integer "
     "+streams:[SourceStream]",
     "failures: polls in a row in which something failed; lag_seconds: for how long; "
     "clock_offset_seconds: how far its clock is ahead"},
    {"SourceStream",
     "+what:string +cursor:time? +last_success:time? +documents:integer +failures:integer "
     "+error:string? +next_try:time?",
     "What is read from a cursor of its own; everything up to it is here"},
    {"SourceSnapshot",
     "+running:boolean +started:time? +finished:time? +reset:string? +status:string? "
     "+error:string? "
     "+products:integer +cells:integer +looks:integer +left_out:integer "
     "+left_out_locations:string?",
     "The last Daily Reset from its inventory; left_out: locations it could not speak for"},
    {"SourceStore",
     "+location:string +last_document_at:time? +last_received_at:time? +lag_seconds:number? "
     "+heard_at:time? +silent_since:time? +documents:integer +registers:[SourceRegister]",
     "lag_seconds: of its newest document, from the sale until it came here"},
    {"SourceRegister",
     "+register:string +last_number:integer? +last_number_at:time? +last_document_at:time? "
     "+last_received_at:time? +lag_seconds:number? +clock_offset_seconds:number? "
     "+missing:integer +gaps:[Gap] +filled:[Gap] +filled_numbers:integer "
     "+forgotten_gaps:integer",
     "clock_offset_seconds: how far its clock is ahead; below zero, at most so far behind"},
    {"Gap", "+from:integer +to:integer +seen_at:time? +filled_at:time? +told:boolean",
     "Numbers of documents, both ends included"},
    {"Documents", "*",
     "A document of Retail Pro Prism in either of its dialects, or a list of them"},
    {"DocumentsAnswer",
     "+results:[DocumentResult] +documents:integer +parked:integer +sequence:integer",
     "In the order sent: one result for each event, and one for a document that has none or was "
     "not understood"},
    {"DocumentResult",
     "+sid:string? +id:string? +status:string +location:string? +sku:string? on_hand:number "
     "sequence:integer error:ResultError detail:string",
     "status: applied, duplicate, covered, acknowledged, rejected, ignored or parked"},
    {"ParkedDocuments", "+items:[ParkedDocument] +next:string?", "Oldest first"},
    {"ParkedDocument",
     "+id:string +kind:string +sid:string? +code:string +reason:string +first_at:time "
     "+last_at:time +times:integer +bytes:integer +cut:boolean",
     "kind: document, receiving, transfer or adjustment"},
    {"Replayed",
     "+replayed:integer +settled:integer +still_parked:integer results:[DocumentResult] "
     "documents:integer parked:integer sequence:integer",
     ""},
    {"OpenApi", "+openapi:string +info:any +paths:any +components:any +security:[any]", ""},
};
const unsigned schema_row_count = sizeof schema_rows / sizeof schema_rows[0];
