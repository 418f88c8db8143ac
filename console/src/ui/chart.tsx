// A line or bars over time, by uPlot, in the page's own colours, with its latest figure in words for
// those who do not see it.
import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { theme } from '../theme'

export interface Series {
  label: string
  /** A colour of the page: '--good', '--accent' ... */
  colour: string
  fill?: boolean
}

/** Ticks of a count: no halves of a sale. */
const WHOLE = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000]

const secondsWords = (_: uPlot, splits: number[]): string[] =>
  splits.map((s) => (s === 0 ? 'now' : `${s} s`.replace('-', '\u2212')))

function colourOf(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim()
}

export function Chart({
  data,
  series,
  height = 160,
  label,
  time = true,
}: {
  /** The x values (unix seconds where `time`), then one list per series. */
  data: (number | null)[][]
  series: Series[]
  height?: number
  label: string
  time?: boolean
}) {
  const box = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  useEffect(() => {
    const element = box.current
    if (!element) return
    const axis = { stroke: colourOf('--quiet'), grid: { stroke: colourOf('--line'), width: 1 } }
    const options: uPlot.Options = {
      width: element.clientWidth || 300,
      height,
      cursor: { points: { size: 6 } },
      legend: { show: false },
      scales: { x: { time } },
      axes: [time ? axis : { ...axis, values: secondsWords }, { ...axis, size: 56, incrs: WHOLE }],
      series: [
        {},
        ...series.map((s) => ({
          label: s.label,
          stroke: colourOf(s.colour),
          width: 2,
          points: { show: false },
          ...(s.fill ? { fill: `${colourOf(s.colour)}22` } : {}),
        })),
      ],
    }
    plot.current = new uPlot(options, data as uPlot.AlignedData, element)
    const observer = new ResizeObserver(() =>
      plot.current?.setSize({ width: element.clientWidth, height }),
    )
    observer.observe(element)
    return () => {
      observer.disconnect()
      plot.current?.destroy()
      plot.current = null
    }
  }, [height, time, theme.value, series.map((s) => s.label).join()])
  useEffect(() => {
    plot.current?.setData(data as uPlot.AlignedData)
  }, [data])
  return <div class="chart" ref={box} role="img" aria-label={label} />
}
