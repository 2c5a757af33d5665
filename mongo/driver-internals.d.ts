/** The part of the driver's internals that raw-insert.ts stands on (mongodb 7.8.0, no types of its own). */
declare module 'mongodb/lib/cmap/commands' {
  /** A section of kind 1 of an OP_MSG: the driver sends what `toBin` gives, unchanged. */
  export class DocumentSequence {
    constructor(field: string);
    toBin(): Uint8Array;
  }
}
