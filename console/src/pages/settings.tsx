// Settings: feeds and jobs with "run now", tokens, who decided what, versions.
import { useState } from 'preact/hooks'
import { post, segment, send } from '../client'
import { auditWords } from './audit_words'
import { useLoaded } from '../data'
import { count, schedule, UNKNOWN } from '../format'
import { href } from '../router'
import { isAdmin, me } from '../session'
import type { AuditLine, Feed, Job, Page, Status, Token } from '../types'
import { Badge } from '../ui/badge'
import { attempt, confirm, say } from '../ui/confirm'
import { Empty, Whatever } from '../ui/states'
import { Table, type Column } from '../ui/table'
import { Ago, At } from '../ui/time'

const EVERY_MS = 4000
const SCOPES = ['adjust', 'reset', 'read', 'admin']

export function SettingsPage() {
  return (
    <>
      <h1>Settings</h1>
      <Feeds />
      <Jobs />
      {isAdmin.value && (
        <>
          <Tokens />
          <AuditLog />
        </>
      )}
      <Versions />
    </>
  )
}

// ---- feeds ----

const feedColumns: Column<Feed>[] = [
  { title: 'Feed', render: (f) => f.name },
  {
    title: 'State',
    render: (f) =>
      f.late ? (
        <Badge state="late" tone="bad" />
      ) : f.last_error && (f.last_error_at ?? '') > (f.last_file_at ?? '') ? (
        <Badge state="failing" />
      ) : (
        <Badge state="ok" />
      ),
  },
  {
    title: 'Last file',
    render: (f) =>
      f.last_reset ? (
        <a href={href('resets', [f.last_reset])}>{f.last_file ?? f.last_reset}</a>
      ) : (
        (f.last_file ?? UNKNOWN)
      ),
  },
  { title: 'When', render: (f) => <Ago at={f.last_file_at} /> },
  { title: 'Next', render: (f) => <Ago at={f.next_due} /> },
  { title: 'Where', minor: true, wrap: true, render: (f) => f.url },
  { title: 'Last error', minor: true, wrap: true, render: (f) => f.last_error ?? 'none' },
]

function Feeds() {
  const feeds = useLoaded<{ items: Feed[] }>('/v1/feeds', {}, EVERY_MS)
  return (
    <section class="card" aria-labelledby="settings-feeds">
      <h2 id="settings-feeds">Feeds</h2>
      <Whatever of={feeds} what="the feeds">
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No feeds are configured.">
              <p>
                Name a directory or an SFTP server under <code>feeds:</code> in the configuration.
              </p>
            </Empty>
          ) : (
            <Table rows={items} columns={feedColumns} label="Feeds" keyOf={(f) => f.name} />
          )
        }
      </Whatever>
    </section>
  )
}

// ---- jobs ----

async function runNow(name: string): Promise<void> {
  const said = await confirm({
    title: `Run ${name} now?`,
    body: <p>It runs as soon as a worker is free, besides its schedule.</p>,
    action: 'Run now',
  })
  if (said !== null) await attempt(() => post(`/v1/jobs/${segment(name)}/run`), `${name} was started`)
}

const jobColumns: Column<Job>[] = [
  { title: 'Job', render: (j) => j.name },
  { title: 'Schedule', render: (j) => schedule(j.schedule) },
  {
    title: 'Last run',
    render: (j) =>
      j.running ? (
        <Badge state="running" text="running" tone="good" />
      ) : (
        <>
          <Ago at={j.last_finished_at} />{' '}
          {j.last_status && <Badge state={j.last_status} tone={j.last_status === 'ok' ? 'good' : 'bad'} />}
        </>
      ),
  },
  { title: 'Next', render: (j) => <Ago at={j.next_at} /> },
  { title: 'What it said', minor: true, wrap: true, render: (j) => j.last_detail ?? '' },
]

const runColumn: Column<Job> = {
  title: 'Do',
  render: (j) => (
    <button type="button" class="plain" disabled={j.running} onClick={() => void runNow(j.name)}>
      Run now<span class="sr"> {j.name}</span>
    </button>
  ),
}

function Jobs() {
  const jobs = useLoaded<{ items: Job[] }>('/v1/jobs', {}, EVERY_MS)
  return (
    <section class="card" aria-labelledby="settings-jobs">
      <h2 id="settings-jobs">Jobs</h2>
      <Whatever of={jobs} what="the jobs">
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No jobs: they come with feeds, sources and channels." />
          ) : (
            <Table
              rows={items}
              columns={isAdmin.value ? [...jobColumns, runColumn] : jobColumns}
              label="Jobs"
              keyOf={(j) => j.name}
            />
          )
        }
      </Whatever>
    </section>
  )
}

// ---- tokens ----

function Tokens() {
  const tokens = useLoaded<{ items: Token[] }>('/v1/tokens', {}, 0)
  const [made, setMade] = useState<{ name: string; token: string } | null>(null)
  const revoke = async (name: string): Promise<void> => {
    const said = await confirm({
      title: `Revoke ${name}?`,
      body: <p>Whatever uses it is refused at once, also in the middle of a request.</p>,
      action: 'Revoke',
      danger: true,
    })
    if (said === null) return
    const path = `/v1/tokens/${segment(name)}`
    if (await attempt(() => send(path, { method: 'DELETE' }), `${name} was revoked`)) tokens.reload()
  }
  const columns: Column<Token>[] = [
    { title: 'Name', render: (t) => t.name },
    { title: 'May', render: (t) => t.scopes.join(', ') },
    { title: 'Where', render: (t) => (t.locations.length === 0 ? 'everywhere' : t.locations.join(', ')) },
    { title: 'Made', minor: true, render: (t) => <Ago at={t.created_at} /> },
    {
      title: 'Do',
      render: (t) =>
        t.name === me.value?.name ? (
          <span class="quiet">this one</span>
        ) : (
          <button type="button" class="plain" onClick={() => void revoke(t.name)}>
            Revoke<span class="sr"> {t.name}</span>
          </button>
        ),
    },
  ]
  return (
    <section class="card" aria-labelledby="settings-tokens">
      <h2 id="settings-tokens">Tokens</h2>
      <Whatever of={tokens} what="the tokens">
        {({ items }) => <Table rows={items} columns={columns} label="Tokens" keyOf={(t) => t.name} />}
      </Whatever>
      {made && (
        <div class="notice warn" role="status">
          <p>
            The token of {made.name}, shown this once: <code class="secret">{made.token}</code>
          </p>
          <button type="button" onClick={() => setMade(null)}>
            I have it
          </button>
        </div>
      )}
      <NewToken
        onMade={(token) => {
          setMade(token)
          tokens.reload()
        }}
      />
    </section>
  )
}

function NewToken({ onMade }: { onMade: (made: { name: string; token: string }) => void }) {
  const [name, setName] = useState('')
  const [scopes, setScopes] = useState<string[]>(['read'])
  const [locations, setLocations] = useState('')
  const toggle = (scope: string): void =>
    setScopes(scopes.includes(scope) ? scopes.filter((s) => s !== scope) : [...scopes, scope])
  const make = async (event: Event): Promise<void> => {
    event.preventDefault()
    const where = locations.split(/[\s,]+/).filter(Boolean)
    const said = await confirm({
      title: `Make a token for ${name}?`,
      body: (
        <p>
          It may {scopes.join(', ')} {where.length === 0 ? 'everywhere' : `at ${where.join(', ')}`}.
        </p>
      ),
      action: 'Make it',
    })
    if (said === null) return
    try {
      const made = await post<{ name: string; token: string }>('/v1/tokens', {
        name,
        scopes,
        ...(where.length === 0 ? {} : { locations: where }),
      }, {}, name)
      if (made) onMade(made)
      setName('')
    } catch (error) {
      say((error as Error).message, true)
    }
  }
  return (
    <form class="fields" onSubmit={(event) => void make(event)} aria-label="New token">
      <label>
        New token for
        <input value={name} required maxLength={100} onInput={(e) => setName(e.currentTarget.value)} />
      </label>
      <fieldset>
        <legend>May</legend>
        {SCOPES.map((scope) => (
          <label key={scope} class="check">
            <input type="checkbox" checked={scopes.includes(scope)} onChange={() => toggle(scope)} />
            {scope}
          </label>
        ))}
      </fieldset>
      <label>
        Only at (codes)
        <input value={locations} placeholder="everywhere" onInput={(e) => setLocations(e.currentTarget.value)} />
      </label>
      <button type="submit" disabled={name.trim() === '' || scopes.length === 0}>
        Make a token…
      </button>
    </form>
  )
}

// ---- who decided what ----

const auditColumns: Column<AuditLine>[] = [
  { title: 'When', render: (l) => <At at={l.at} /> },
  { title: 'Who', render: (l) => l.by },
  { title: 'What', wrap: true, render: (l) => auditWords(l) },
]

function AuditLog() {
  const log = useLoaded<Page<AuditLine>>('/v1/audit-log', { limit: 200 }, EVERY_MS)
  return (
    <section class="card" aria-labelledby="settings-audit">
      <h2 id="settings-audit">Who decided what</h2>
      <Whatever of={log} what="the audit log">
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="Nothing has been decided by hand yet.">
              <p>Approvals, adjustments, tokens, jobs and channels stand here with who and when.</p>
            </Empty>
          ) : (
            <Table
              rows={items}
              columns={auditColumns}
              label="Audit log"
              keyOf={(l) => `${l.at}${l.by}${l.action}`}
            />
          )
        }
      </Whatever>
    </section>
  )
}

function Versions() {
  const status = useLoaded<Status>('/v1/status')
  return (
    <section class="card" aria-labelledby="settings-versions">
      <h2 id="settings-versions">Versions</h2>
      <Whatever of={status} what="versions">
        {(s) => (
          <dl class="facts">
            <dt>Onhand</dt>
            <dd>{s.version}</dd>
            <dt>Started</dt>
            <dd>
              <At at={s.started_at} />
            </dd>
            <dt>Ledger</dt>
            <dd>{count(s.sequence)} rows</dd>
          </dl>
        )}
      </Whatever>
    </section>
  )
}
