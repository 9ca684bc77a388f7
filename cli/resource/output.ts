/** Objects as people and programs read them: a table, JSON or YAML. */
import { stringify } from 'yaml'
import { printExact } from '../../lib/json.ts'

export type Format = 'table' | 'json' | 'yaml' | 'value'
export const formats: readonly Format[] = ['table', 'json', 'yaml', 'value']

type Row = Readonly<Record<string, unknown>>

/** A value in a cell: lists with commas, objects as `key='value'`. */
function cellOf(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (Array.isArray(value)) return value.map(cellOf).join(', ')
  if (typeof value === 'object') {
    return Object.entries(value)
      .map(([key, one]) => `${key}='${cellOf(one)}'`)
      .join(', ')
  }
  // What others typed must not move the cursor.
  return String(value).replaceAll(/\p{Cc}/gu, ' ')
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = heads.map((head, i) => Math.max(head.length, ...rows.map((row) => row[i]?.length ?? 0)))
  const line = `+${widths.map((width) => '-'.repeat(width + 2)).join('+')}+`
  const print = (cells: readonly string[]) =>
    `|${cells.map((cell, i) => ` ${cell.padEnd(widths[i] ?? 0)} `).join('|')}|`
  return [line, print(heads), line, ...rows.map(print), ...(rows.length > 0 ? [line] : [])].join('\n')
}

const picked = (row: Row, columns: readonly string[]) =>
  Object.fromEntries(columns.map((column) => [column, row[column] ?? null]))

/** A list. */
export function printedList(rows: readonly Row[], columns: readonly string[], format: Format): string {
  if (format === 'json')
    return printExact(
      rows.map((row) => picked(row, columns)),
      2,
    )
  if (format === 'yaml') return stringify(rows.map((row) => picked(row, columns))).trimEnd()
  const cells = rows.map((row) => columns.map((column) => cellOf(row[column])))
  return format === 'value' ? cells.map((row) => row.join(' ')).join('\n') : table(columns, cells)
}

/** One object. */
export function printedObject(row: Row, columns: readonly string[], format: Format): string {
  if (format === 'json') return printExact(picked(row, columns), 2)
  if (format === 'yaml') return stringify(picked(row, columns)).trimEnd()
  const cells = columns.map((column) => [column, cellOf(row[column])])
  return format === 'value' ? cells.map(([, value]) => value).join('\n') : table(['Field', 'Value'], cells)
}
