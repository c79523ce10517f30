import { type ColumnDef, flexRender, getCoreRowModel, useReactTable } from "@tanstack/react-table";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type CSSProperties, type KeyboardEvent, type ReactNode, useRef } from "react";
import { pxOf, rem } from "@/lib/rem";
import styles from "./DataTable.module.css";

/** Above this many rows only those in sight are drawn. */
const MANY = 150;

/** A column's width where there is room, and what it is never squeezed below. */
const widthsOf = ({ size, minSize }: { size?: number; minSize?: number }) => ({ width: rem(size ?? 150), "--least": rem(minSize ?? 0) }) as CSSProperties;

interface Props<T> {
  label: string;
  rows: T[];
  columns: ColumnDef<T, unknown>[];
  rowKey: (row: T) => string;
  selected?: string | null;
  onSelect?: (key: string | null) => void;
  onOpen?: (row: T) => void;
  /** 30 rows in 640 px for a mouse; fingers get 44 px anyway. */
  dense?: boolean;
  empty: ReactNode;
  rowState?: (row: T) => string;
}

/** Rows of records: arrows move, Enter opens, a click chooses. */
export function DataTable<T>({ label, rows, columns, rowKey, selected = null, onSelect, onOpen, dense = false, empty, rowState }: Props<T>) {
  const scroller = useRef<HTMLDivElement>(null);
  const table = useReactTable({ data: rows, columns, getCoreRowModel: getCoreRowModel(), getRowId: rowKey });
  const model = table.getRowModel().rows;
  const virtual = model.length > MANY;
  const virtualizer = useVirtualizer({ count: virtual ? model.length : 0, getScrollElement: () => scroller.current, estimateSize: () => pxOf(dense ? 21 : 44), overscan: 20 });
  const inSight = virtual ? virtualizer.getVirtualItems() : null;
  const shown = inSight ? inSight.map((item) => model[item.index]).filter((row) => row !== undefined) : model;
  const before = inSight?.[0]?.start ?? 0;
  const after = inSight ? virtualizer.getTotalSize() - (inSight.at(-1)?.end ?? 0) : 0;

  const onKey = (event: KeyboardEvent, index: number) => {
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const row = model[index];
    if (move !== undefined) {
      event.preventDefault();
      const next = model[index + move];
      if (!next) return;
      onSelect?.(next.id);
      scroller.current?.querySelector<HTMLElement>(`[data-row="${next.id}"]`)?.focus();
    } else if (event.key === "Enter" && row && event.target === event.currentTarget) {
      event.preventDefault();
      if (onOpen) onOpen(row.original);
      else onSelect?.(row.id);
    } else if (event.key === " " && row && event.target === event.currentTarget) {
      event.preventDefault();
      onSelect?.(row.id);
    } else if (event.key === "Escape") {
      onSelect?.(null);
    }
  };
  const tabbable = selected && model.some((r) => r.id === selected) ? selected : model[0]?.id;

  return (
    <div className={styles.scroller} ref={scroller} data-dense={dense}>
      <table className={styles.table} aria-label={label}>
        <thead>
          {table.getHeaderGroups().map((group) => (
            <tr key={group.id}>
              {group.headers.map((header) => (
                <th key={header.id} scope="col" data-column={header.column.id} style={widthsOf(header.column.columnDef)}>
                  {flexRender(header.column.columnDef.header, header.getContext())}
                </th>
              ))}
            </tr>
          ))}
        </thead>
        <tbody>
          {before > 0 && <tr aria-hidden style={{ height: before }} />}
          {shown.map((row) => (
            <tr
              key={row.id}
              data-row={row.id}
              data-state={rowState?.(row.original)}
              data-selected={row.id === selected}
              tabIndex={onSelect || onOpen ? (row.id === tabbable ? 0 : -1) : undefined}
              onClick={() => onSelect?.(row.id === selected ? null : row.id)}
              onDoubleClick={() => onOpen?.(row.original)}
              onKeyDown={(e) => onKey(e, row.index)}
            >
              {row.getVisibleCells().map((cell) => (
                <td key={cell.id} data-column={cell.column.id}>
                  {flexRender(cell.column.columnDef.cell, cell.getContext())}
                </td>
              ))}
            </tr>
          ))}
          {after > 0 && <tr aria-hidden style={{ height: after }} />}
        </tbody>
      </table>
      {rows.length === 0 && empty}
    </div>
  );
}
