// Variances: how far the files were from the books, per store and day, and how much of it is explained
// by now. What stays unexplained is where somebody should look.
import { useMemo } from 'preact/hooks'
import { useLoaded } from '../data'
import { count, quantity, UNKNOWN } from '../format'
import { href, place, requery } from '../router'
import type { Page, Reset, VarianceDay } from '../types'
import { Chart } from '../ui/chart'
import { Empty, Whatever } from '../ui/states'

const SPANS = [7, 14, 30, 90]
const SERIES = [
  { label: 'variance', colour: '--quiet' },
  { label: 'unexplained', colour: '--bad', fill: true },
]
const RESETS_LOOKED_AT = 200

interface Grid {
  dates: string[]
  locations: string[]
  /** Keyed by "location date"; null where it could not be worked out. */
  unexplained: Map<string, number | null>
  most: number
  totals: { date: string; units: number; unexplained: number | null }[]
}

export function gridOf(days: VarianceDay[]): Grid {
  const dates = [...new Set(days.map((d) => d.date))].sort()
  const unexplained = new Map<string, number | null>()
  const byLocation = new Map<string, number>()
  for (const day of days) {
    const key = `${day.location} ${day.date}`
    const before = unexplained.get(key)
    const sum = day.unexplained === null || before === null ? null : (before ?? 0) + day.unexplained
    unexplained.set(key, sum)
    byLocation.set(day.location, (byLocation.get(day.location) ?? 0) + (day.unexplained ?? 0))
  }
  const totals = dates.map((date) => {
    const rows = days.filter((d) => d.date === date)
    return {
      date,
      units: rows.reduce((sum, d) => sum + d.units, 0),
      unexplained: rows.some((d) => d.unexplained === null)
        ? null
        : rows.reduce((sum, d) => sum + d.unexplained!, 0),
    }
  })
  return {
    dates,
    locations: [...byLocation].sort((a, b) => b[1] - a[1]).map(([location]) => location),
    unexplained,
    most: Math.max(1, ...[...unexplained.values()].map((v) => v ?? 0)),
    totals,
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
              <p>A variance is what a file says against what the books said at that instant.</p>
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
  const data = [
    grid.totals.map((t) => Date.parse(t.date) / 1000),
    grid.totals.map((t) => t.units),
    grid.totals.map((t) => t.unexplained),
  ]
  const last = grid.totals[grid.totals.length - 1]
  const resetOf = (date: string): string | undefined =>
    resets.data?.items.find((r) => r.as_of?.startsWith(date) && r.status !== 'dry_run')?.id
  return (
    <>
      <section class="card" aria-labelledby="variances-trend">
        <h2 id="variances-trend">Units a day</h2>
        <Chart
          data={data}
          series={SERIES}
          height={200}
          label={`Variance and what of it is unexplained, per day; on ${last?.date}: ${quantity(last?.units)} units, ${quantity(last?.unexplained)} unexplained`}
        />
      </section>
      <section class="card" aria-labelledby="variances-map">
        <h2 id="variances-map">Unexplained, by store and day</h2>
        <p class="quiet">Worst stores first. A figure leads to that day's reset.</p>
        <div class="table-box" tabIndex={0} role="region" aria-label="Unexplained by store and day">
          <table class="heat">
            <thead>
              <tr>
                <th scope="col">Store</th>
                {grid.dates.map((date) => (
                  <th key={date} scope="col" class="numeric">
                    {date.slice(5)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {grid.locations.map((location) => (
                <tr key={location}>
                  <th scope="row">{location}</th>
                  {grid.dates.map((date) => (
                    <Heat key={date} grid={grid} location={location} date={date} reset={resetOf(date)} />
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
        <p class="quiet">
          {count(grid.locations.length)} stores; {UNKNOWN} where no file spoke of the store, or too much
          moved since to look at it all at once.
        </p>
      </section>
    </>
  )
}

function Heat(props: { grid: Grid; location: string; date: string; reset: string | undefined }) {
  const { grid, location, date, reset } = props
  const value = grid.unexplained.get(`${location} ${date}`)
  if (value === undefined || value === null) return <td class="numeric quiet">{UNKNOWN}</td>
  const share = value / grid.most
  return (
    <td class="numeric heat-cell" style={{ '--share': share.toFixed(2) }}>
      {reset && value !== 0 ? <a href={href('resets', [reset])}>{quantity(value)}</a> : quantity(value)}
    </td>
  )
}
