// A product over all stores at one look: a tile per store, its shade by how much is available there.
// The figure stands in the tile, so that no shade needs to be read.
import { count, quantity } from '../format'
import type { Cell } from '../types'

/** More tiles than this are no look any more, and cost every frame of the page. */
const TILES_MOST = 500

function shownOf(cells: Cell[]): Cell[] {
  if (cells.length <= TILES_MOST) return cells
  return [...cells].sort((a, b) => b.available - a.available).slice(0, TILES_MOST)
}

export function StoreMap({ cells, onOpen }: { cells: Cell[]; onOpen: (location: string) => void }) {
  const shown = shownOf(cells)
  return (
    <>
      {shown.length < cells.length && (
        <p class="quiet">
          The {count(shown.length)} with most of it; the table below has all {count(cells.length)}.
        </p>
      )}
      <Tiles cells={shown} onOpen={onOpen} />
    </>
  )
}

function Tiles({ cells, onOpen }: { cells: Cell[]; onOpen: (location: string) => void }) {
  const most = cells.reduce((highest, cell) => Math.max(highest, cell.available), 1)
  return (
    <ul class="tiles" aria-label="Available by store">
      {cells.map((cell) => {
        const share = Math.max(0, Math.min(1, cell.available / most))
        const kind = cell.on_hand < 0 || cell.available < 0 ? 'below' : cell.available <= 0 ? 'none' : 'some'
        return (
          <li key={cell.location}>
            <button
              type="button"
              class={`tile ${kind}`}
              style={{ '--share': share.toFixed(2) }}
              title={`${cell.location}: ${quantity(cell.available)} available, ${quantity(cell.on_hand)} on hand`}
              onClick={() => onOpen(cell.location)}
            >
              <span class="tile-name">{cell.location}</span>
              <span class="tile-figure">{quantity(cell.available)}</span>
            </button>
          </li>
        )
      })}
    </ul>
  )
}
