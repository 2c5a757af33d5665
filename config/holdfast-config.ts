import type { CatalogConfig } from './catalog-schema';
import type { NamelessStorage, StorageSettings } from './storage-schema';

/** Where a secret lies; its value is read by `readSecret` on the host that needs it. */
export type SecretReference = { readonly file: string } | { readonly env: string };

/** How the services of a controller host are stopped and started. */
export type ServicesConfig =
  | {
      readonly type: 'systemd';
      /** Unit of the agent; when undefined and the machine is only known from agent.conf: `jujud-<machine>`. */
      readonly agent: string | undefined;
    }
  | {
      readonly type: 'process';
      readonly agent: string | undefined;
      /** Control socket of the supervisor, absolute. */
      readonly socket: string;
    };

export interface ControllerConfig {
  /** A label for people. */
  readonly name: string | undefined;
  /** Absolute. Archive names and link targets are relative to it. */
  readonly root: string;
  /** Juju's data directory as Juju sees it: absolute, below `root`. */
  readonly dataDir: string;
  /** When undefined it is read from agent.conf. */
  readonly modelUuid: string | undefined;
  /** Tag form (`machine-0`). When undefined it is read from agent.conf. */
  readonly machine: string | undefined;
  readonly services: ServicesConfig;
}

/** What is undefined here comes from agent.conf. */
export interface MongoConfig {
  /** `host:port`. */
  readonly hosts: readonly string[] | undefined;
  readonly replicaSet: string | undefined;
  readonly tls: { readonly caFile: string } | undefined;
  readonly username: string | undefined;
  readonly password: SecretReference | undefined;
  /** Which member of a replica set a dump reads, where it has several. */
  readonly readFrom: 'secondary' | 'primary';
}

/** TLS towards Temporal as holdfast.yaml gives it. */
export interface TemporalTlsConfig {
  readonly caFile: string | undefined;
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
  readonly serverName: string | undefined;
}

export interface TemporalConfig {
  /** `host:port`. */
  readonly address: string;
  readonly namespace: string;
  /** As the file says; `temporalConnection` adds what environment and profile say. */
  readonly tls: boolean | TemporalTlsConfig | undefined;
  /** As the file says; `temporalConnection` adds what environment and profile say. */
  readonly apiKey: SecretReference | undefined;
}

export interface LimitsConfig {
  /** What makes gzip members: zlib, or `igzip` where it is on PATH. */
  readonly compressor: 'zlib' | 'igzip';
  /** gzip level, 1 to 9; of igzip 1 to 3. */
  readonly level: number;
  /** Content of a gzip member, bytes. */
  readonly memberSize: number;
  /** Memory in which a dump gathers and compresses, bytes. */
  readonly buffers: number;
  /** Collections dumped or loaded at once. */
  readonly parallel: number;
  /** Niceness that is added to the host worker's and its children's, 0 to 19. */
  readonly nice: number;
  /** I/O scheduling class of the host worker and its children; `best-effort` is its lowest priority. */
  readonly ioClass: 'none' | 'best-effort' | 'idle';
  /** How long a backup waits for a host that does not poll, milliseconds. */
  readonly hostWait: number;
  /** Milliseconds. */
  readonly heartbeatTimeout: number;
  /** How long a restore waits for its confirmation, milliseconds. */
  readonly confirmWait: number;
  /** A step stops when free space falls under the larger of both. */
  readonly freeSpace: { readonly bytes: number; readonly percent: number };
  /** What the steps of this host read from mongod, host files and storage, bytes a second; no limit when undefined. */
  readonly readBytesPerSecond: number | undefined;
  /** What they write to storage and mongod, bytes a second; no limit when undefined. */
  readonly writeBytesPerSecond: number | undefined;
}

/** The configuration with every default filled in and every path absolute. Holds no secret's value. */
export interface HoldfastConfig {
  readonly controller: ControllerConfig;
  readonly mongo: MongoConfig;
  /** The one that is meant where none is named. */
  readonly storage: StorageSettings;
  /** The others, by their names; `findStorage` finds any of them. */
  readonly storages: Readonly<Record<string, NamelessStorage>>;
  readonly catalog: CatalogConfig;
  /** Absolute. */
  readonly workspace: string;
  /** State directory of the embedded Temporal server, absolute. */
  readonly state: string;
  readonly temporal: TemporalConfig;
  readonly limits: LimitsConfig;
  readonly log: {
    /** Where the host's worker writes the operations log, absolute; its stderr when undefined. */
    readonly file: string | undefined;
  };
}
