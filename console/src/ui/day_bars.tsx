// A bar for each day, of what is explained and what is not, with a table for those who do not see it. A
// day that dwarfs all others (stock that moved in) is cut off and says so, or it would hide them.
import { dayWords, quantity, UNKNOWN } from '../format'

export interface Day {
  date: string
  units: number
  /** null: it could not be worked out. */
  unexplained: number | null
}

const PERCENT = 100

function topOf(days: Day[]): number {
  const sorted = days.map((d) => d.units).sort((a, b) => b - a)
  const [most = 1, second = 0] = sorted
  return Math.max(1, second > 0 && most > 10 * second ? second * 1.25 : most)
}

function Bar({ day, top }: { day: Day; top: number }) {
  const share = (units: number): string => `${Math.min(PERCENT, (units / top) * PERCENT).toFixed(1)}%`
  const cut = day.units > top
  const unexplained = day.unexplained ?? 0
  const explained = cut ? Math.max(0, top - unexplained) : Math.max(0, day.units - unexplained)
  return (
    <li class="day">
      <span class="day-figure">
        {quantity(day.units)}
        {cut && <span title="cut off: it would hide the other days"> ↑</span>}
      </span>
      <span class={day.unexplained === null ? 'day-bar unknown' : 'day-bar'}>
        <span class="explained" style={{ height: share(day.unexplained === null ? day.units : explained) }} />
        <span class="unexplained" style={{ height: share(Math.min(top, unexplained)) }} />
      </span>
      <span class="day-label">{dayWords(day.date)}</span>
      <span class="sr">
        : {quantity(day.unexplained)} of {quantity(day.units)} units unexplained
      </span>
    </li>
  )
}

export function DayBars({ days }: { days: Day[] }) {
  const top = topOf(days)
  return (
    <>
      <div class="table-box" tabIndex={0} role="region" aria-label="Variance by day">
        <ul class="days">
          {days.map((day) => (
            <Bar key={day.date} day={day} top={top} />
          ))}
        </ul>
      </div>
      <p class="quiet legend">
        <span class="swatch unexplained" /> unexplained <span class="swatch explained" /> explained by now
        {days.some((day) => day.unexplained === null) && (
          <>
            {' '}
            <span class="swatch unknown" /> {UNKNOWN} not worked out: too much moved since
          </>
        )}
      </p>
    </>
  )
}
