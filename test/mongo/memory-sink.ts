import type {
  DumpBinding,
  DumpResume,
  DumpSink,
  ScanPosition,
  StreamResume,
} from '../../mongo/dump-contract';

interface HeldStream {
  bytes: Buffer;
  documents: number;
  positions: ScanPosition[];
  done: boolean;
}

/** Keeps a dump in memory, and hands back what a resumed dump needs. */
export class MemorySink implements DumpSink {
  binding: DumpBinding | undefined;
  readonly streams = new Map<string, HeldStream>();
  readonly resets: string[] = [];
  readonly rewinds: string[] = [];
  binds = 0;
  /** Called before every write; its promise holds the stream back. */
  beforeWrite: (stream: string, held: HeldStream) => Promise<void> = () => Promise.resolve();

  #held(stream: string): HeldStream {
    const held = this.streams.get(stream);
    if (held !== undefined) return held;
    const fresh: HeldStream = { bytes: Buffer.alloc(0), documents: 0, positions: [], done: false };
    this.streams.set(stream, fresh);
    return fresh;
  }

  reserve(_stream: string, bytes: number): Promise<Buffer> {
    return Promise.resolve(Buffer.allocUnsafe(bytes));
  }

  async write(
    stream: string,
    bytes: Buffer,
    documents: number,
    position: ScanPosition,
  ): Promise<void> {
    const held = this.#held(stream);
    await this.beforeWrite(stream, held);
    held.bytes = Buffer.concat([held.bytes, bytes]);
    held.documents += documents;
    held.positions = [...held.positions, position].slice(-16);
    if (held.bytes.length !== position.bytes || held.documents !== position.documents) {
      throw new Error(`position of ${stream} does not count what was written`);
    }
  }

  finish(stream: string): Promise<void> {
    this.#held(stream).done = true;
    return Promise.resolve();
  }

  rewind(stream: string, to: ScanPosition | undefined): Promise<void> {
    this.rewinds.push(stream);
    const held = this.#held(stream);
    held.bytes = held.bytes.subarray(0, to?.bytes ?? 0);
    held.documents = to?.documents ?? 0;
    held.positions = held.positions.filter(({ bytes }) => to !== undefined && bytes <= to.bytes);
    return Promise.resolve();
  }

  reset(reason: string): Promise<void> {
    this.resets.push(reason);
    this.binding = undefined;
    this.streams.clear();
    return Promise.resolve();
  }

  bind(binding: DumpBinding): Promise<void> {
    this.binds++;
    this.binding = structuredClone(binding);
    return Promise.resolve();
  }

  /** What a new attempt is given. */
  resume(): DumpResume {
    if (this.binding === undefined) throw new Error('the dump was not bound');
    const binding = structuredClone(this.binding);
    const streams = new Map<string, StreamResume>(
      [...this.streams].map(([name, { positions, done }]) => [name, { positions, done }]),
    );
    return { binding, streams };
  }

  bytes(stream: string): Buffer {
    return this.streams.get(stream)?.bytes ?? Buffer.alloc(0);
  }
}
