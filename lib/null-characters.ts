/** True where a value has a null character: nothing is called so, and PostgreSQL takes no such text. */
export function holdNull(values: unknown): boolean {
  return Object.values(Object(values)).some((value) => String(value).includes('\0'))
}
