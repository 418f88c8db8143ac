// A product over all stores at one look: a tile per store, its shade by how much is available there.
// The figure stands in the tile, so that no shade needs to be read.
import { quantity } from '../format'
import type { Cell } from '../types'

export function StoreMap({ cells, onOpen }: { cells: Cell[]; onOpen: (location: string) => void }) {
  const most = Math.max(1, ...cells.map((cell) => cell.available))
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
