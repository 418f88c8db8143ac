// A table that stays quick at a hundred thousand rows: only the rows in sight are in the page. Screen
// readers are told how many there are and which ones these are.
import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'

export interface Column<T> {
  title: string
  render: (row: T) => ComponentChildren
  /** Figures are right-aligned, so that their digits stand below each other. */
  numeric?: boolean
  /** Left out where the screen is narrow. */
  minor?: boolean
  /** Long words, on several lines; in long tables every row is one line high. */
  wrap?: boolean
}

const ROW_PX = 36
const MARGIN_ROWS = 12
const PLAIN_MOST = 200

export function Table<T>({
  rows,
  columns,
  label,
  keyOf,
  onEnd,
}: {
  rows: T[]
  columns: Column<T>[]
  label: string
  keyOf: (row: T) => string
  /** Called when the last rows come into sight: time to load more. */
  onEnd?: () => void
}) {
  const box = useRef<HTMLDivElement>(null)
  const [top, setTop] = useState(0)
  const [height, setHeight] = useState(600)
  const virtual = rows.length > PLAIN_MOST
  useEffect(() => {
    const element = box.current
    if (!element) return
    const observer = new ResizeObserver(() => setHeight(element.clientHeight))
    observer.observe(element)
    return () => observer.disconnect()
  }, [])
  const first = virtual ? Math.max(0, Math.floor(top / ROW_PX) - MARGIN_ROWS) : 0
  const last = virtual
    ? Math.min(rows.length, Math.ceil((top + height) / ROW_PX) + MARGIN_ROWS)
    : rows.length
  useEffect(() => {
    if (onEnd && last >= rows.length) onEnd()
  }, [last, rows.length, onEnd])
  return (
    <div
      class={virtual ? 'table-box tall' : 'table-box'}
      ref={box}
      tabIndex={0}
      role="region"
      aria-label={label}
      onScroll={(event) => virtual && setTop(event.currentTarget.scrollTop)}
    >
      <table aria-rowcount={rows.length + 1}>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.title} scope="col" class={cellClass(column)}>
                {column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {first > 0 && <Gap rows={first} columns={columns.length} />}
          {rows.slice(first, last).map((row, i) => (
            <tr key={keyOf(row)} aria-rowindex={first + i + 2}>
              {columns.map((column) => (
                <td key={column.title} class={cellClass(column)}>
                  {column.render(row)}
                </td>
              ))}
            </tr>
          ))}
          {last < rows.length && <Gap rows={rows.length - last} columns={columns.length} />}
        </tbody>
      </table>
    </div>
  )
}

function Gap({ rows, columns }: { rows: number; columns: number }) {
  return (
    <tr aria-hidden="true">
      <td colSpan={columns} class="gap" style={{ height: `${rows * ROW_PX}px` }} />
    </tr>
  )
}

function cellClass<T>(column: Column<T>): string {
  const { numeric, minor, wrap } = column
  return [numeric ? 'numeric' : '', minor ? 'minor' : '', wrap ? 'wrap' : ''].filter(Boolean).join(' ')
}
