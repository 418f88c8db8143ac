// A line of the audit log as words with a way to what it is about: "approved reset r-...".
import type { ComponentChildren } from 'preact'
import { href } from '../router'
import type { AuditLine } from '../types'

interface Rule {
  pattern: RegExp
  words: (match: RegExpExecArray) => ComponentChildren
}

const PAST: Record<string, string> = {
  approve: 'approved', reject: 'rejected', rollback: 'took back',
  pause: 'paused', resume: 'resumed', resync: 'resynced', retry: 'tried again what is parked at', audit: 'audited',
}

const rules: Rule[] = [
  {
    pattern: /^POST \/v1\/resets\/([^/]+)\/(approve|reject|rollback)$/,
    words: ([, id, what]) => (
      <>
        {PAST[what!]} reset <a href={href('resets', [id!])}>{id}</a>
      </>
    ),
  },
  {
    pattern: /^POST \/v1\/channels\/([^/]+)\/(pause|resume|resync|retry|audit)$/,
    words: ([, name, what]) => (
      <>
        {PAST[what!]} channel <a href={href('channels')}>{name}</a>
      </>
    ),
  },
  { pattern: /^POST \/v1\/jobs\/(.+)\/run$/, words: ([, name]) => `ran job ${name}` },
  { pattern: /^POST \/v1\/tokens$/, words: () => 'made a token' },
  { pattern: /^DELETE \/v1\/tokens\/(.+)$/, words: ([, name]) => `revoked token ${name}` },
  { pattern: /^POST \/v1\/adjustments$/, words: () => 'adjusted by hand' },
  { pattern: /^POST \/v1\/sources\/([^/]+)\/snapshot$/, words: ([, name]) => `started a reset from ${name}` },
  { pattern: /^POST \/v1\/sources\/([^/]+)\/parked\/replay$/, words: ([, name]) => `replayed what is parked at ${name}` },
  { pattern: /^POST \/v1\/sources\/([^/]+)\/parked\/(.+)\/replay$/, words: ([, name, id]) => `replayed document ${id} of ${name}` },
  { pattern: /^DELETE \/v1\/sources\/([^/]+)\/parked\/(.+)$/, words: ([, name, id]) => `threw away document ${id} of ${name}` },
  { pattern: /^POST \/v1\/products$/, words: () => 'described products' },
  { pattern: /^POST \/v1\/locations$/, words: () => 'described locations' },
  { pattern: /^POST \/v1\/backup$/, words: () => 'made a backup' },
]

/** What nobody wrote a rule for is shown as method and path. */
export function auditWords(line: AuditLine): ComponentChildren {
  for (const { pattern, words } of rules) {
    const match = pattern.exec(line.action)
    if (match) {
      return (
        <>
          {words(match)}
          {line.note && <span class="quiet">: {line.note}</span>}
        </>
      )
    }
  }
  return <code>{line.action}</code>
}
