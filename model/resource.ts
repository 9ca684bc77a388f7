/** A resource of the Networking API, declared once. See README.md for what is derived from it. */
export interface Resource {
  /** `network` */
  name: string
  /** `networks`: the key of lists, and the path with `_`. */
  collection: string
}
