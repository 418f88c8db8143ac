// Resets: what came, what it changed, what was held and why. Approving, rejecting and taking back ask a
// second time, with the forecast in sight; a file can be dropped here for a dry run.
import { useState } from 'preact/hooks'
import { post, segment, send } from '../client'
import { useLoaded } from '../data'
import { count, duration, plural, quantity, signed, UNKNOWN } from '../format'
import { href, place, requery } from '../router'
import { canReset } from '../session'
import type { Page, Reset, ResetLocation, Variance } from '../types'
import { Badge } from '../ui/badge'
import { attempt, confirm, say } from '../ui/confirm'
import { Empty, Whatever } from '../ui/states'
import { Table, type Column } from '../ui/table'
import { Ago, At } from '../ui/time'

const RESETS_SHOWN = 100
const VARIANCES_SHOWN = 200
const VARIANCES_MOST = 10_000
const EVERY_MS = 5000

export function ResetsPage() {
  const [id] = place.value.rest
  return id ? <OneReset key={id} id={id} /> : <AllResets />
}

// ---- the history ----

const resetColumns: Column<Reset>[] = [
  {
    title: 'Received',
    render: (r) => (
      <a href={href('resets', [r.id])}>
        <Ago at={r.received_at} />
      </a>
    ),
  },
  { title: 'Status', render: (r) => <Badge state={r.status} /> },
  { title: 'File', render: (r) => r.file ?? r.feed ?? r.source ?? '' },
  { title: 'As of', minor: true, render: (r) => <At at={r.as_of} /> },
  { title: 'Rows', numeric: true, render: (r) => count(r.rows) },
  { title: 'Changed', numeric: true, render: (r) => count(r.changed) },
  { title: 'Variance', numeric: true, minor: true, render: (r) => quantity(r.variance_units) },
  { title: 'Rejected', numeric: true, minor: true, render: (r) => count(r.rejected_rows) },
]

function AllResets() {
  const resets = useLoaded<Page<Reset>>('/v1/resets', { limit: RESETS_SHOWN }, EVERY_MS)
  return (
    <>
      <h1>Resets</h1>
      {canReset.value && <DryRun />}
      <section class="card" aria-labelledby="resets-history">
        <h2 id="resets-history">What came</h2>
        <Whatever of={resets} what="the resets">
          {(page) =>
            page.items.length === 0 ? (
              <Empty title="No file has come yet.">
                <p>
                  Configure a feed, or send one: <code>onhand reset FILE</code>
                </p>
              </Empty>
            ) : (
              <Table rows={page.items} columns={resetColumns} label="Resets" keyOf={(r) => r.id} />
            )
          }
        </Whatever>
      </section>
    </>
  )
}

// ---- a dry run ----

function DryRun() {
  const [over, setOver] = useState(false)
  const [busy, setBusy] = useState<string | null>(null)
  const [result, setResult] = useState<Reset | null>(null)
  const run = async (file: File): Promise<void> => {
    setBusy(file.name)
    setResult(null)
    try {
      const answer = await send('/v1/resets', {
        method: 'POST',
        query: { dry_run: true, file: file.name },
        body: file,
      })
      setResult((await answer.json()) as Reset)
    } catch (error) {
      say((error as Error).message, true)
    } finally {
      setBusy(null)
    }
  }
  const take = (files: FileList | null | undefined): void => {
    const file = files?.[0]
    if (file) void run(file)
  }
  return (
    <section class="card" aria-labelledby="dry-run">
      <h2 id="dry-run">Dry run</h2>
      <label
        class={over ? 'drop over' : 'drop'}
        onDragOver={(event) => {
          event.preventDefault()
          setOver(true)
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          event.preventDefault()
          setOver(false)
          take(event.dataTransfer?.files)
        }}
      >
        {busy ? `Reading ${busy}…` : 'Drop a file here, or choose one: nothing is changed by it.'}
        <input
          type="file"
          disabled={busy !== null}
          onChange={(event) => take(event.currentTarget.files)}
        />
      </label>
      {result && (
        <div role="status" class="result">
          <p>
            <strong>{result.file}</strong>: a dry run, nothing was changed.{' '}
            {refusedWords(result)}
          </p>
          <Reasons reset={result} />
          <Counts reset={result} />
          <Locations reset={result} />
        </div>
      )}
    </section>
  )
}

/** What would become of it. */
function refusedWords(result: Reset): string {
  const held = (result.locations ?? []).filter((l) => l.reasons.length > 0).length
  const changed = `${plural(result.changed, 'cell')} would change`
  if (held === 0 && result.reasons.length === 0) return `No guard would hold it; ${changed}.`
  return `${plural(Math.max(1, held), 'location')} would be held; ${changed}.`
}

// ---- one ----

function OneReset({ id }: { id: string }) {
  const loaded = useLoaded<Reset>(`/v1/resets/${segment(id)}`, {}, EVERY_MS)
  return (
    <>
      <p>
        <a href={href('resets')}>← Resets</a>
      </p>
      <Whatever of={loaded} what="the reset">
        {(reset) => (
          <>
            <div class="toolbar">
              <h1>
                {reset.file ?? reset.id} <Badge state={reset.status} />
              </h1>
              {canReset.value && <Decide reset={reset} done={loaded.reload} />}
            </div>
            <Reasons reset={reset} />
            <div class="grid">
              <Forecast reset={reset} />
              <Counts reset={reset} />
              <Facts reset={reset} />
            </div>
            <section class="card" aria-labelledby="reset-locations">
              <h2 id="reset-locations">By location</h2>
              <Locations reset={reset} />
            </section>
            <Variances id={reset.id} held={reset.status === 'held'} />
          </>
        )}
      </Whatever>
    </>
  )
}

function Reasons({ reset }: { reset: Reset }) {
  const all = [
    ...reset.reasons.map((reason) => ({ where: '', ...reason })),
    ...(reset.locations ?? []).flatMap((location) =>
      location.reasons.map((reason) => ({ where: `${location.location}: `, ...reason })),
    ),
  ]
  if (all.length === 0) return null
  return (
    <div class="notice warn">
      <ul>
        {all.slice(0, 20).map((reason) => (
          <li key={`${reason.where}${reason.code}${reason.detail}`}>
            {reason.where}
            {reason.detail} <code class="code">{reason.code}</code>
          </li>
        ))}
        {all.length > 20 && <li>and {count(all.length - 20)} more</li>}
      </ul>
    </div>
  )
}

/** What approving would do now, in sight before anybody decides. */
function Forecast({ reset }: { reset: Reset }) {
  if (!(reset.locations ?? []).some((l) => l.status === 'held' && l.forecast)) return null
  return (
    <section class="card" aria-labelledby="reset-forecast">
      <h2 id="reset-forecast">If it were approved now</h2>
      <ForecastWords reset={reset} />
    </section>
  )
}

function Counts({ reset }: { reset: Reset }) {
  const rows: [string, number][] = [
    ['Rows', reset.rows],
    ['Changed', reset.changed],
    ['Unchanged', reset.unchanged],
    ['To zero', reset.zeroed],
    ['Twice the same', reset.duplicate_rows],
    ['Rejected', reset.rejected_rows],
    ['Unknown products', reset.unknown_products],
    ['Unknown locations', reset.unknown_locations],
  ]
  return (
    <section class="card" aria-labelledby="reset-counts">
      <h2 id="reset-counts">What it says</h2>
      <dl class="facts figures-right">
        {rows.map(([name, value]) => (
          <>
            <dt key={`${name}-name`}>{name}</dt>
            <dd key={name}>{count(value)}</dd>
          </>
        ))}
        <dt>Variance</dt>
        <dd>{plural(reset.variance_units, 'unit')}</dd>
      </dl>
    </section>
  )
}

function Facts({ reset }: { reset: Reset }) {
  return (
    <section class="card" aria-labelledby="reset-facts">
      <h2 id="reset-facts">Where it came from</h2>
      <dl class="facts">
        <dt>As of</dt>
        <dd>
          <At at={reset.as_of} /> {reset.as_of_assumed && <Badge state="assumed" tone="warn" />}
        </dd>
        <dt>Received</dt>
        <dd>
          <At at={reset.received_at} />
        </dd>
        <dt>Source</dt>
        <dd>{reset.source ?? UNKNOWN}</dd>
        <dt>Feed</dt>
        <dd>{reset.feed ?? 'sent by hand or over the API'}</dd>
        <dt>Took</dt>
        <dd>{reset.seconds < 1 ? 'under a second' : duration(reset.seconds)}</dd>
        {(reset.approvals ?? []).map((approval) => (
          <>
            <dt key={`${approval.by}-name`}>Approved by</dt>
            <dd key={approval.by}>
              {approval.by}, <Ago at={approval.at} />
            </dd>
          </>
        ))}
        <dt>Rejected rows</dt>
        <dd>
          {reset.rejected_rows + reset.unknown_products + reset.unknown_locations === 0 ? (
            'none'
          ) : (
            <SaveRejects id={reset.id} />
          )}
        </dd>
      </dl>
    </section>
  )
}

function SaveRejects({ id }: { id: string }) {
  const save = async (): Promise<void> => {
    const answer = await send(`/v1/resets/${segment(id)}/rejects`)
    const link = document.createElement('a')
    link.href = URL.createObjectURL(await answer.blob())
    link.download = `${id}-rejects.csv`
    link.click()
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
  }
  return (
    <button
      type="button"
      class="plain"
      onClick={() => void save().catch((error: Error) => say(error.message, true))}
    >
      Save with reasons (CSV)
    </button>
  )
}

/** What the sales around it say of the time at which the file was cut. */
const VERDICTS: Record<string, string> = {
  agrees: 'yes, by the sales around it',
  differs: 'no, by the sales around it',
  uncertain: 'cannot be told',
  no_evidence: 'nothing moved around it',
}

function verdictOf({ as_of_check: check }: ResetLocation) {
  if (!check) return UNKNOWN
  const words = VERDICTS[check.verdict] ?? check.verdict.replace(/_/g, ' ')
  return (
    <span title={check.detail} class={check.verdict === 'differs' ? 'negative' : ''}>
      {words}
    </span>
  )
}

const locationColumns: Column<ResetLocation>[] = [
  { title: 'Location', render: (l) => l.location },
  { title: 'Status', render: (l) => <Badge state={l.status} /> },
  { title: 'As of', minor: true, render: (l) => <At at={l.as_of} /> },
  { title: 'Rows', numeric: true, render: (l) => count(l.rows) },
  { title: 'Changed', numeric: true, render: (l) => count(l.changed) },
  { title: 'To zero', numeric: true, render: (l) => count(l.forecast?.to_zero ?? l.zeroed) },
  {
    title: 'Units',
    numeric: true,
    minor: true,
    render: (l) =>
      l.forecast ? `${quantity(l.forecast.units_before)} → ${quantity(l.forecast.units_after)}` : UNKNOWN,
  },
  { title: 'Is the time right?', minor: true, render: (l) => verdictOf(l) },
]

const worth = (l: ResetLocation): number => (l.status === 'held' ? 1e12 : 0) + l.changed

/** Those that wait first, then those where most was changed. */
function Locations({ reset }: { reset: Reset }) {
  const rows = [...(reset.locations ?? [])].sort((a, b) => worth(b) - worth(a))
  return (
    <Table rows={rows} columns={locationColumns} label="Locations of this reset" keyOf={(l) => l.location} />
  )
}

// ---- deciding ----

const DECISIONS = {
  approve: {
    title: 'Apply what was held?',
    action: 'Approve',
    done: 'Approved',
    words: 'Its held locations are brought in line with the file. Sales since it was cut stay counted.',
  },
  reject: {
    title: 'Drop what was held?',
    action: 'Reject',
    done: 'Rejected',
    words: 'Its held locations keep their figures. The file stays on record.',
  },
  rollback: {
    title: 'Take this reset back?',
    action: 'Take back',
    done: 'Taken back',
    words: 'The figures are again what they would be without this file; every sale since is kept.',
  },
} as const

function ForecastWords({ reset }: { reset: Reset }) {
  const held = (reset.locations ?? []).filter((l) => l.status === 'held' && l.forecast)
  if (held.length === 0) return null
  const sum = (pick: (l: ResetLocation) => number): number =>
    held.reduce((all, l) => all + Math.round(pick(l) * 1000), 0) / 1000
  const skus = held.flatMap((l) => l.forecast!.zeroed_skus).slice(0, 8)
  return (
    <ul>
      <li>
        {plural(held.length, 'location')} held: {held.slice(0, 8).map((l) => l.location).join(', ')}
        {held.length > 8 && ' …'}
      </li>
      <li>
        {count(sum((l) => l.forecast!.to_zero))} cells go to zero,{' '}
        {count(sum((l) => l.forecast!.from_zero))} come back from it
      </li>
      <li>
        {quantity(sum((l) => l.forecast!.units_before))} units now,{' '}
        {quantity(sum((l) => l.forecast!.units_after))} then
      </li>
      {skus.length > 0 && <li>going to zero: {skus.join(', ')}</li>}
    </ul>
  )
}

function Decide({ reset, done }: { reset: Reset; done: () => void }) {
  const decide = async (what: keyof typeof DECISIONS): Promise<void> => {
    const decision = DECISIONS[what]
    const said = await confirm({
      title: decision.title,
      body: (
        <>
          <p>
            <strong>{reset.file ?? reset.id}</strong>: {decision.words}
          </p>
          {what !== 'rollback' && <ForecastWords reset={reset} />}
        </>
      ),
      action: decision.action,
      danger: what !== 'approve',
    })
    if (said === null) return
    if (await attempt(
      () => post(`/v1/resets/${segment(reset.id)}/${what}`, undefined, {}, reset.file ?? ''),
      decision.done,
    )) done()
  }
  const held = reset.status === 'held' || reset.locations?.some((l) => l.status === 'held')
  const applied = reset.locations?.some((l) => l.status === 'applied')
  return (
    <div class="actions">
      {held && (
        <>
          <button type="button" class="primary" onClick={() => void decide('approve')}>
            Approve…
          </button>
          <button type="button" onClick={() => void decide('reject')}>
            Reject…
          </button>
        </>
      )}
      {applied && (
        <button type="button" onClick={() => void decide('rollback')}>
          Take back…
        </button>
      )}
    </div>
  )
}

// ---- its variances ----

/** What moved and was not in the books when the file was cut: a sale, its document and its till. */
function explainedWords(v: Variance): string {
  const words = v.explained_by
    .slice(0, 3)
    .map((e) => [e.type?.replace(/_/g, ' '), e.document, e.register && `(${e.register})`].filter(Boolean).join(' '))
  return words.join(', ') + (v.explained_by.length > 3 ? ` and ${count(v.explained_by.length - 3)} more` : '')
}

const varianceColumns: Column<Variance>[] = [
  {
    title: 'Cell',
    render: (v) => (
      <a href={href('inventory', [v.location, v.sku])}>
        {v.sku} <span class="quiet">{v.location}</span>
      </a>
    ),
  },
  { title: 'Expected', numeric: true, minor: true, render: (v) => quantity(v.expected) },
  { title: 'Stated', numeric: true, minor: true, render: (v) => quantity(v.stated) },
  { title: 'Variance', numeric: true, render: (v) => signed(v.variance) },
  { title: 'Explained', numeric: true, minor: true, render: (v) => signed(v.explained) },
  { title: 'Unexplained', numeric: true, render: (v) => signed(v.unexplained) },
  { title: 'Explained by', minor: true, wrap: true, render: explainedWords },
]

/** All of them as they are, or those of one location, of which there may be many. */
function Variances({ id, held }: { id: string; held: boolean }) {
  const location = place.value.query.get('location') ?? ''
  const loaded = useLoaded<Page<Variance>>(`/v1/resets/${segment(id)}/variances`, {
    order: 'units',
    limit: location === '' ? VARIANCES_SHOWN : VARIANCES_MOST,
  })
  const title = held ? 'Biggest changes, if it were approved now' : 'Biggest variances'
  return (
    <section class="card" aria-labelledby="reset-variances">
      <div class="toolbar">
        <h2 id="reset-variances">
          {title} {location !== '' && <span class="quiet">at {location}</span>}
        </h2>
        <div class="actions left">
          {location !== '' && (
            <button type="button" class="plain" onClick={() => requery({})}>
              Show all locations
            </button>
          )}
          <a href={href('variances')}>Trend over days</a>
        </div>
      </div>
      <Whatever of={loaded} what="variances">
        {(page) => <VarianceTable page={page} location={location} />}
      </Whatever>
    </section>
  )
}

function VarianceTable({ page, location }: { page: Page<Variance>; location: string }) {
  const rows = location === '' ? page.items : page.items.filter((v) => v.location === location)
  if (rows.length === 0) {
    return (
      <Empty title="None: the file agreed with the books.">
        <p>What a file corrects stands here, the biggest first, with what has explained it since.</p>
      </Empty>
    )
  }
  return (
    <>
      <Table
        rows={rows}
        columns={varianceColumns}
        label="Variances, largest first"
        keyOf={(v) => `${v.location}/${v.sku}`}
      />
      {page.next !== null && (
        <p class="quiet">
          Among the {count(page.items.length)} biggest; all of them:{' '}
          <code>GET /v1/resets/ID/variances?format=csv</code>
        </p>
      )}
    </>
  )
}
