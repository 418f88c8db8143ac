// Resets: what came, what it changed, what was held and why. Approving, rejecting and taking back ask a
// second time, with the forecast in sight; a file can be dropped here for a dry run.
import { useState } from 'preact/hooks'
import { post, segment, send } from '../client'
import { useLoaded } from '../data'
import { count, duration, plural, quantity, signed, UNKNOWN } from '../format'
import { go, href, place } from '../router'
import { canReset } from '../session'
import type { Page, Reset, ResetLocation, Variance } from '../types'
import { Badge } from '../ui/badge'
import { attempt, confirm, say } from '../ui/confirm'
import { Empty, Whatever } from '../ui/states'
import { Table, type Column } from '../ui/table'
import { Ago, At } from '../ui/time'

const RESETS_SHOWN = 100
const VARIANCES_SHOWN = 200
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
        <>
          <Counts reset={result} />
          <Reasons reset={result} />
          <Locations reset={result} />
        </>
      )}
    </section>
  )
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
              <Counts reset={reset} />
              <Facts reset={reset} />
            </div>
            <section class="card" aria-labelledby="reset-locations">
              <h2 id="reset-locations">By location</h2>
              <Locations reset={reset} />
            </section>
            <Variances id={reset.id} held={reset.status === 'held' || reset.status === 'partial'} />
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
    <section class="card" aria-label="Counts">
      <dl class="facts">
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
    <section class="card" aria-label="Where it came from">
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

const locationColumns: Column<ResetLocation>[] = [
  { title: 'Location', render: (l) => l.location },
  { title: 'Status', render: (l) => <Badge state={l.status} /> },
  { title: 'As of', minor: true, render: (l) => <At at={l.as_of} /> },
  { title: 'Rows', numeric: true, render: (l) => count(l.rows) },
  { title: 'Changed', numeric: true, render: (l) => count(l.changed) },
  { title: 'To zero', numeric: true, render: (l) => count(l.forecast?.to_zero ?? l.zeroed) },
  {
    title: 'Units then',
    numeric: true,
    minor: true,
    render: (l) =>
      l.forecast ? `${quantity(l.forecast.units_before)} → ${quantity(l.forecast.units_after)}` : '',
  },
  {
    title: 'When counted',
    minor: true,
    render: (l) => (l.as_of_check ? <span title={l.as_of_check.detail}>{l.as_of_check.verdict}</span> : ''),
  },
]

function Locations({ reset }: { reset: Reset }) {
  return (
    <Table
      rows={reset.locations ?? []}
      columns={locationColumns}
      label="Locations of this reset"
      keyOf={(l) => l.location}
    />
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
      <li>{plural(held.length, 'location')} held</li>
      <li>
        {count(sum((l) => l.forecast!.to_zero))} cells go to zero,{' '}
        {count(sum((l) => l.forecast!.from_zero))} come back from it
      </li>
      <li>
        {quantity(sum((l) => l.forecast!.units_before))} units now,{' '}
        {quantity(sum((l) => l.forecast!.units_after))} then
      </li>
      {skus.length > 0 && <li>going to zero: {skus.join(', ')} …</li>}
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
    if (await attempt(() => post(`/v1/resets/${segment(reset.id)}/${what}`), decision.done)) done()
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

const varianceColumns: Column<Variance>[] = [
  {
    title: 'Cell',
    render: (v) => (
      <a href={href('inventory', [v.location, v.sku])}>
        {v.sku} <span class="quiet">{v.location}</span>
      </a>
    ),
  },
  { title: 'Expected', numeric: true, render: (v) => quantity(v.expected) },
  { title: 'Stated', numeric: true, render: (v) => quantity(v.stated) },
  { title: 'Variance', numeric: true, render: (v) => signed(v.variance) },
  { title: 'Explained', numeric: true, minor: true, render: (v) => signed(v.explained) },
  { title: 'Unexplained', numeric: true, render: (v) => signed(v.unexplained) },
  {
    title: 'By',
    minor: true,
    render: (v) => v.explained_by.map((e) => e.document ?? e.type ?? '').slice(0, 3).join(', '),
  },
]

function Variances({ id, held }: { id: string; held: boolean }) {
  const loaded = useLoaded<Page<Variance>>(`/v1/resets/${segment(id)}/variances`, {
    order: 'units',
    limit: VARIANCES_SHOWN,
  })
  return (
    <section class="card" aria-labelledby="reset-variances">
      <div class="toolbar">
        <h2 id="reset-variances">
          {held ? 'Biggest changes, if it were approved now' : 'Biggest variances'}
        </h2>
        <button type="button" class="plain" onClick={() => go('variances')}>
          Trend over days
        </button>
      </div>
      <Whatever of={loaded} what="variances">
        {(page) =>
          page.items.length === 0 ? (
            <Empty title="None: the file agreed with the books." />
          ) : (
            <Table
              rows={page.items}
              columns={varianceColumns}
              label="Variances, largest first"
              keyOf={(v) => `${v.location}/${v.sku}`}
            />
          )
        }
      </Whatever>
    </section>
  )
}
