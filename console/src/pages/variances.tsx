// Variances: how far the files were from the books, per store and day, and how much of it is explained
// by now. What stays unexplained is where somebody should look: a cell of the map leads to that day's
// reset at that store, and from there to the document.
import { useMemo } from 'preact/hooks'
import { useLoaded } from '../data'
import { count, dayWords, plural, quantity, UNKNOWN } from '../format'
import { href, place, requery } from '../router'
import type { Page, Reset, VarianceDay } from '../types'
import { DayBars, type Day } from '../ui/day_bars'
import { Empty, Whatever } from '../ui/states'

const SPANS = [7, 14, 30, 90]
const RESETS_LOOKED_AT = 200
const OUTLIER_SHARE = 0.95

export interface Grid {
  dates: string[]
  locations: string[]
  /** Keyed by "location date"; null where it could not be worked out. */
  unexplained: Map<string, number | null>
  /** What has the strongest colour: nearly the most, so that one day of moving in fades no other. */
  strong: number
  totals: Day[]
}

/** The value that so large a share does not exceed. */
function quantile(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

/** The most of the days, but for a day that dwarfs all others. */
function strongest(byDate: Map<string, number>): number {
  const most = [...byDate.values()].filter((v) => v > 0).sort((a, b) => b - a)
  return most.length > 1 && most[0]! > 10 * most[1]! ? most[1]! : (most[0] ?? 1)
}

function totalsOf(days: VarianceDay[], dates: string[]): Day[] {
  return dates.map((date) => {
    const rows = days.filter((d) => d.date === date)
    const known = rows.every((d) => d.unexplained !== null)
    return {
      date,
      units: rows.reduce((sum, d) => sum + d.units, 0),
      unexplained: known ? rows.reduce((sum, d) => sum + d.unexplained!, 0) : null,
    }
  })
}

export function gridOf(days: VarianceDay[]): Grid {
  const dates = [...new Set(days.map((d) => d.date))].sort()
  const unexplained = new Map<string, number | null>()
  const byLocation = new Map<string, number>()
  const mostByDate = new Map<string, number>()
  for (const day of days) {
    const key = `${day.location} ${day.date}`
    const before = unexplained.get(key)
    const sum = day.unexplained === null || before === null ? null : (before ?? 0) + day.unexplained
    unexplained.set(key, sum)
    mostByDate.set(day.date, Math.max(mostByDate.get(day.date) ?? 0, sum ?? 0))
  }
  const strong = Math.max(1, strongest(mostByDate))
  for (const [key, value] of unexplained) {
    const location = key.slice(0, key.lastIndexOf(' '))
    byLocation.set(location, (byLocation.get(location) ?? 0) + Math.min(value ?? 0, strong))
  }
  const shown = [...unexplained.values()].filter((v): v is number => v !== null && v > 0 && v <= strong)
  return {
    dates,
    locations: [...byLocation].sort((a, b) => b[1] - a[1]).map(([location]) => location),
    unexplained,
    strong: Math.max(1, quantile(shown, OUTLIER_SHARE)),
    totals: totalsOf(days, dates),
  }
}

export function VariancesPage() {
  const days = Number(place.value.query.get('days') ?? 14)
  const trend = useLoaded<Page<VarianceDay>>('/v1/variances', { days })
  return (
    <>
      <div class="toolbar">
        <h1>Variances</h1>
        <label>
          Days{' '}
          <select
            value={String(days)}
            onChange={(event) => requery({ days: event.currentTarget.value })}
          >
            {SPANS.map((span) => (
              <option key={span} value={span}>
                {span}
              </option>
            ))}
          </select>
        </label>
      </div>
      <Whatever of={trend} what="variances">
        {(page) =>
          page.items.length === 0 ? (
            <Empty title="No reset in these days.">
              <p>
                A variance is what a file says against what the books said at that instant. Look at more
                days, or send a file: <code>onhand reset FILE</code>
              </p>
            </Empty>
          ) : (
            <Trend items={page.items} />
          )
        }
      </Whatever>
    </>
  )
}

function Trend({ items }: { items: VarianceDay[] }) {
  const grid = useMemo(() => gridOf(items), [items])
  const resets = useLoaded<Page<Reset>>('/v1/resets', { limit: RESETS_LOOKED_AT })
  return (
    <>
      <section class="card" aria-labelledby="variances-trend">
        <h2 id="variances-trend">Units a day</h2>
        <p class="quiet">
          How far the files were from the books. What a late sale or a document has explained since is
          lighter; what nobody can explain is dark.
        </p>
        <DayBars days={grid.totals} />
      </section>
      <section class="card" aria-labelledby="variances-map">
        <h2 id="variances-map">Unexplained units, by store and day</h2>
        <p class="quiet">The worst stores first. A figure leads to that day’s reset at that store.</p>
        <HeatMap grid={grid} resets={resets.data?.items ?? []} />
        <p class="quiet">
          {plural(grid.locations.length, 'store')}; {UNKNOWN} where no file spoke of the store, or too
          much moved since to look at it all at once.
        </p>
      </section>
    </>
  )
}

function HeatMap({ grid, resets }: { grid: Grid; resets: Reset[] }) {
  const byDate = new Map<string, string>()
  for (const reset of resets) {
    const date = reset.as_of?.slice(0, 10)
    if (date && !reset.dry_run && reset.status !== 'dry_run' && !byDate.has(date)) byDate.set(date, reset.id)
  }
  return (
    <div class="table-box" tabIndex={0} role="region" aria-label="Unexplained by store and day">
      <table class="heat">
        <thead>
          <tr>
            <th scope="col">Store</th>
            {grid.dates.map((date) => (
              <th key={date} scope="col" class="numeric">
                {dayWords(date)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {grid.locations.map((location) => (
            <tr key={location}>
              <th scope="row">{location}</th>
              {grid.dates.map((date) => (
                <Heat key={date} grid={grid} location={location} date={date} reset={byDate.get(date)} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Heat(props: { grid: Grid; location: string; date: string; reset: string | undefined }) {
  const { grid, location, date, reset } = props
  const value = grid.unexplained.get(`${location} ${date}`)
  if (value === undefined || value === null) return <td class="numeric quiet">{UNKNOWN}</td>
  if (value === 0) return <td class="numeric quiet">0</td>
  const share = 0.15 + 0.85 * Math.min(1, value / grid.strong)
  return (
    <td class="numeric heat-cell" style={{ '--share': share.toFixed(2) }}>
      {reset ? (
        <a href={href('resets', [reset], { location })} title={`${location}, ${dayWords(date)}: ${count(value)} units`}>
          {quantity(value)}
        </a>
      ) : (
        quantity(value)
      )}
    </td>
  )
}
