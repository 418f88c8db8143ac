// A cell's figure as a waterfall: each step is a bar from where the one before it ended, and behind the
// last one stands what each channel was told of it. Drawn as plain SVG with its table beside it, so that
// it reads without eyes, too.
import { useEffect, useRef, useState } from 'preact/hooks'
import { clock, quantity, signed } from '../format'
import type { ExplainedChannel, Explanation } from '../types'
import { toneOf } from './badge'

export interface Step {
  label: string
  /** A second line: the document. */
  detail?: string
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
  const add = (label: string, why: string, change: number, detail = ''): void => {
    level = Math.round((level + change) * 1000) / 1000
    steps.push({ label, detail, why, change, level, total: false })
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
    add(name, event.why, event.change, event.document ?? event.order ?? '')
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

const HEIGHT = 240
const TOP = 22
const BOTTOM = 58
const COLUMN = 78
const COLUMN_MOST = 128
const CHANNEL_WIDTH = 300
const CHANNEL_HEIGHT = 58
const CHANNELS_SHOWN = 6
const LETTER = 6.6

/** How wide the box is, also after the window has changed. */
function useWidth(): [preact.RefObject<HTMLDivElement>, number] {
  const box = useRef<HTMLDivElement>(null)
  const [width, setWidth] = useState(0)
  useEffect(() => {
    if (!box.current) return
    const observer = new ResizeObserver((entries) => setWidth(entries[0]!.contentRect.width))
    observer.observe(box.current)
    return () => observer.disconnect()
  }, [])
  return [box, width]
}

const short = (text: string, most: number): string =>
  text.length > most ? `${text.slice(0, Math.max(1, most - 1))}…` : text

interface Scale {
  column: number
  height: number
  y: (value: number) => number
}

function scaleOf(steps: Step[], channels: number, width: number): Scale {
  const levels = steps.flatMap((s) => (s.total ? [s.level, 0] : [s.level, s.level - s.change]))
  const high = Math.max(...levels, 1)
  const low = Math.min(...levels, 0)
  const room = (width - (channels > 0 ? CHANNEL_WIDTH : 0)) / steps.length
  const height = Math.max(HEIGHT, channels * CHANNEL_HEIGHT + TOP)
  return {
    column: Math.max(COLUMN, Math.min(COLUMN_MOST, Math.floor(room))),
    height,
    y: (value) => TOP + ((high - value) / (high - low)) * (height - TOP - BOTTOM),
  }
}

function Bar({ step, next, i, scale }: { step: Step; next: Step | undefined; i: number; scale: Scale }) {
  const { column, height, y } = scale
  const bar = Math.round(column * 0.62)
  const from = step.total ? 0 : step.level - step.change
  const top = Math.min(y(from), y(step.level))
  const x = i * column + (column - bar) / 2
  const kind = step.total ? 'total' : step.change < 0 ? 'down' : 'up'
  const letters = Math.floor(column / LETTER)
  return (
    <g>
      <title>{`${step.label} ${step.detail ?? ''}: ${step.why}`}</title>
      <rect x={x} y={top} width={bar} height={Math.max(2, Math.abs(y(from) - y(step.level)))} rx={3} class={kind} />
      {next && <line x1={x + bar} x2={x + column} y1={y(step.level)} y2={y(step.level)} class="step" />}
      <text x={x + bar / 2} y={top - 6} class="value">
        {step.total ? quantity(step.level) : signed(step.change)}
      </text>
      <text x={x + bar / 2} y={height - BOTTOM + 20} class={step.total ? 'label total' : 'label'}>
        {short(step.label, letters)}
      </text>
      <text x={x + bar / 2} y={height - BOTTOM + 36} class="label">
        {short(step.detail ?? '', letters)}
      </text>
    </g>
  )
}

/** Parked or failing, still on its way, or as it should be. */
function toneOfChannel(channel: ExplainedChannel): string {
  if (channel.confirmed !== null && channel.confirmed === channel.wanted) return 'good'
  return channel.state === 'parked' || toneOf(channel.state) === 'bad' ? 'bad' : 'warn'
}

const FIGURES = ['wanted', 'sent', 'confirmed'] as const
const FIGURE_AT = [0, 84, 150]

function Ending(props: { channel: ExplainedChannel; i: number; x: number; from: number }) {
  const { channel, i, x, from } = props
  const top = TOP - 14 + i * CHANNEL_HEIGHT
  const middle = top + (CHANNEL_HEIGHT - 10) / 2
  return (
    <g>
      <title>{`${channel.channel}: ${channel.why ?? channel.state}`}</title>
      <path d={`M ${x - 36} ${from} C ${x - 16} ${from}, ${x - 24} ${middle}, ${x} ${middle}`} class="step" />
      <rect x={x} y={top} width={CHANNEL_WIDTH - 40} height={CHANNEL_HEIGHT - 10} rx={6} class={`channel ${toneOfChannel(channel)}`} />
      <text x={x + 8} y={top + 16} class="channel-name">
        {short(channel.channel, 26)}
      </text>
      {FIGURES.map((name, k) => (
        <text key={name} x={x + 8 + FIGURE_AT[k]!} y={top + 36} class="channel-figure">
          <tspan class="label">{name} </tspan>
          <tspan class="value">{quantity(channel[name])}</tspan>
        </text>
      ))}
    </g>
  )
}

export function Waterfall({ steps, channels }: { steps: Step[]; channels: ExplainedChannel[] }) {
  const [box, width] = useWidth()
  const shown = channels.slice(0, CHANNELS_SHOWN)
  const scale = scaleOf(steps, shown.length, width)
  const { column, height, y } = scale
  const bars = steps.length * column
  const last = steps[steps.length - 1]!
  return (
    <>
      <div class="table-box" tabIndex={0} role="region" aria-label="Waterfall" ref={box}>
        <svg class="waterfall" width={bars + (shown.length > 0 ? CHANNEL_WIDTH : 0)} height={height} aria-hidden="true">
          <line x1={0} x2={bars} y1={y(0)} y2={y(0)} class="zero" />
          {steps.map((step, i) => (
            <Bar key={i} step={step} next={steps[i + 1]} i={i} scale={scale} />
          ))}
          {shown.map((channel, i) => (
            <Ending key={i} channel={channel} i={i} x={bars + 24} from={y(last.level)} />
          ))}
        </svg>
      </div>
      <details>
        <summary>The same as a table</summary>
        <StepsTable steps={steps} channels={channels} />
      </details>
    </>
  )
}

function StepsTable({ steps, channels }: { steps: Step[]; channels: ExplainedChannel[] }) {
  return (
    <div class="table-box" tabIndex={0} role="region" aria-label="Waterfall as a table">
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
              <th scope="row">
                {step.label} {step.detail}
              </th>
              <td class="numeric">{step.total ? '' : signed(step.change)}</td>
              <td class="numeric">{quantity(step.level)}</td>
              <td>{step.why}</td>
            </tr>
          ))}
          {channels.map((channel) => (
            <tr key={`${channel.channel} ${channel.place}`}>
              <th scope="row">{channel.channel}</th>
              <td class="numeric" />
              <td class="numeric">{quantity(channel.confirmed)}</td>
              <td>
                wanted {quantity(channel.wanted)}, sent {quantity(channel.sent)}, confirmed{' '}
                {quantity(channel.confirmed)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
