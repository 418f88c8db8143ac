// A cell's figure as a waterfall: each step is a bar from where the one before it ended. Drawn as plain
// SVG with its table beside it, so that it reads without eyes, too.
import { clock, quantity, signed } from '../format'
import type { Explanation } from '../types'

export interface Step {
  label: string
  /** Longer words, shown on hover and in the table. */
  why: string
  change: number
  /** Where the bar ends. */
  level: number
  /** A level of its own, from zero, rather than a change. */
  total: boolean
}

const EVENTS_SHOWN = 12

/** The events that matter most by their size, in order of time; the others together as one step. */
function shownEvents(x: Explanation): { events: Explanation['events']; others: number } {
  const events = [...x.events].sort((a, b) => a.sequence - b.sequence)
  if (events.length <= EVENTS_SHOWN) return { events, others: x.event_count - events.length }
  const largest = new Set(
    [...events].sort((a, b) => Math.abs(b.change) - Math.abs(a.change)).slice(0, EVENTS_SHOWN),
  )
  return {
    events: events.filter((event) => largest.has(event)),
    others: x.event_count - EVENTS_SHOWN,
  }
}

export function stepsOf(x: Explanation): Step[] {
  const steps: Step[] = []
  let level = x.statement?.stated ?? 0
  const add = (label: string, why: string, change: number): void => {
    level = Math.round((level + change) * 1000) / 1000
    steps.push({ label, why, change, level, total: false })
  }
  steps.push({
    label: x.statement ? 'Stated' : 'Nothing stated',
    why: x.statement
      ? `${x.statement.source} as of ${clock(x.statement.as_of)}`
      : 'no reset has named this cell yet',
    change: level,
    level,
    total: true,
  })
  const { events, others } = shownEvents(x)
  let told = 0
  for (const event of events) {
    told += event.change
    const name = (event.type ?? 'event').replace(/_/g, ' ')
    add(event.document ? `${name} ${event.document}` : name, event.why, event.change)
  }
  if (others > 0) add(`${others} more`, 'the smaller ones together', x.events_change - told)
  steps.push({
    label: 'On hand',
    why: 'stated and all that it does not cover',
    change: x.on_hand,
    level: x.on_hand,
    total: true,
  })
  level = x.on_hand
  if (x.reserved !== 0) {
    const orders = x.reservations.map((r) => r.order ?? 'an order').slice(0, 5)
    add('Reserved', `open orders: ${orders.join(', ')}`, -x.reserved)
  }
  if (x.safety_stock !== 0) add('Safety stock', 'kept back at this location', -x.safety_stock)
  steps.push({
    label: 'Available',
    why: 'what may be sold',
    change: x.available,
    level: x.available,
    total: true,
  })
  return steps
}

const HEIGHT = 220
const TOP = 22
const BOTTOM = 46
const COLUMN = 84
const BAR = 52

export function Waterfall({ steps }: { steps: Step[] }) {
  const levels = steps.flatMap((s) => (s.total ? [s.level, 0] : [s.level, s.level - s.change]))
  const high = Math.max(...levels, 1)
  const low = Math.min(...levels, 0)
  const y = (value: number): number =>
    TOP + ((high - value) / (high - low)) * (HEIGHT - TOP - BOTTOM)
  const width = steps.length * COLUMN
  return (
    <>
      <div class="table-box" tabIndex={0} role="region" aria-label="Waterfall">
        <svg class="waterfall" width={width} height={HEIGHT} aria-hidden="true">
          <line x1={0} x2={width} y1={y(0)} y2={y(0)} class="zero" />
          {steps.map((step, i) => {
            const from = step.total ? 0 : step.level - step.change
            const top = Math.min(y(from), y(step.level))
            const height = Math.max(2, Math.abs(y(from) - y(step.level)))
            const x = i * COLUMN + (COLUMN - BAR) / 2
            const kind = step.total ? 'total' : step.change < 0 ? 'down' : 'up'
            const next = steps[i + 1]
            return (
              <g key={i}>
                <title>{`${step.label}: ${step.why}`}</title>
                <rect x={x} y={top} width={BAR} height={height} rx={3} class={kind} />
                {next && (
                  <line
                    x1={x + BAR}
                    x2={x + COLUMN}
                    y1={y(step.level)}
                    y2={y(step.level)}
                    class="step"
                  />
                )}
                <text x={x + BAR / 2} y={top - 6} class="value">
                  {step.total ? quantity(step.level) : signed(step.change)}
                </text>
                <text x={x + BAR / 2} y={HEIGHT - BOTTOM + 20} class="label">
                  {step.label.length > 13 ? `${step.label.slice(0, 12)}…` : step.label}
                </text>
              </g>
            )
          })}
        </svg>
      </div>
      <details>
        <summary>The same as a table</summary>
        <table>
          <thead>
            <tr>
              <th scope="col">Step</th>
              <th scope="col" class="numeric">
                Change
              </th>
              <th scope="col" class="numeric">
                Then
              </th>
              <th scope="col">Why</th>
            </tr>
          </thead>
          <tbody>
            {steps.map((step, i) => (
              <tr key={i}>
                <th scope="row">{step.label}</th>
                <td class="numeric">{step.total ? '' : signed(step.change)}</td>
                <td class="numeric">{quantity(step.level)}</td>
                <td>{step.why}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </>
  )
}
