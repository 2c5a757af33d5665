/** The part of the driver's internals that raw-insert.ts stands on (mongodb 7.8.0, no types of its own). */
declare module 'mongodb/lib/cmap/commands' {
  /** A section of kind 1 of an OP_MSG: the driver sends what `toBin` gives, unchanged. */
  export class DocumentSequence {
    constructor(field: string);
    toBin(): Uint8Array;
  }
}

/** The part of the driver's internals that wire-connection.ts stands on (mongodb 7.8.0). */
declare module 'mongodb/lib/cmap/connect' {
  import type { Socket } from 'node:net';
  import type { HostAddress, MongoOptions } from 'mongodb';
  import type { MongoClientAuthProviders } from 'mongodb/lib/mongo_client_auth_providers';

  /** A connection whose socket goes through `messageStream`, until that is taken off it. */
  export interface DriverConnection {
    readonly socket: Socket;
    readonly messageStream: NodeJS.WritableStream;
    destroy(): void;
  }

  /** Opens a socket, TLS included, says hello and authenticates. */
  export function connect(
    options: MongoOptions & {
      readonly hostAddress: HostAddress | undefined;
      readonly id: string;
      readonly generation: number;
      readonly authProviders: MongoClientAuthProviders;
    },
  ): Promise<DriverConnection>;
}

declare module 'mongodb/lib/mongo_client_auth_providers' {
  /** Makes the ways to authenticate when they are needed. */
  export class MongoClientAuthProviders {
    getOrCreateProvider(name: string, properties: object): object;
  }
}
