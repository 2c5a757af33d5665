import { relative } from 'node:path';
import type { Compressor } from '../../archive/compressor';
import type { MemberBuffer, MemberBuffers } from '../../archive/member-buffers';
import { SegmentFile } from '../../archive/segment-file';
import { HoldfastError } from '../../core/errors';
import type { DumpBinding, DumpSink, ScanPosition } from '../../mongo/dump';
import { writeCheckpoint } from '../workspace/checkpoint';
import type { Epoch } from '../workspace/epoch';
import {
  appendMember,
  membersUpTo,
  type DumpCheckpoint,
  type StreamMember,
  type StreamState,
} from './dump-checkpoint';

export interface DumpSpoolOptions {
  readonly epoch: Epoch;
  /** Run directory, to which the members' file names are relative. */
  readonly runDirectory: string;
  readonly compressor: Compressor;
  /** Where members are gathered and stay while they are compressed: bounds the memory. */
  readonly buffers: MemberBuffers;
  /** Content between two checkpoints, bytes; more as the dump grows, see `checkpointShare`. */
  readonly checkpointEvery: number;
  /** Awaited at every checkpoint: looks at the disk. */
  readonly onCheckpoint: () => Promise<void>;
  /** Told when the whole dump starts again. */
  readonly onReset: (reason: string) => void;
  /** What an earlier attempt bound and made durable. */
  readonly binding: DumpBinding | undefined;
  readonly streams: readonly StreamState[];
  /** How often earlier attempts started again. */
  readonly restarts: number;
}

/** A checkpoint names every member, so it comes more seldom as they become many: after this share of all content. */
const checkpointShare = 1 / 64;

interface Stream {
  done: boolean;
  members: StreamMember[];
  /** Whole writes that are not a member yet. */
  gathering: MemberBuffer | undefined;
  gathered: number;
  documents: number;
  position: ScanPosition | undefined;
  /** Members are appended in the order of their writes. */
  tail: Promise<void>;
}

/**
 * Where a dump goes: gzip members, cut only between writes, appended to a segment that belongs to
 * this attempt; a checkpoint tells which of them are durable and where each scan stands after them.
 */
export class DumpSpool implements DumpSink {
  readonly #streams = new Map<string, Stream>();
  #binding: DumpBinding | undefined;
  #appending: Promise<void> = Promise.resolve();
  #checkpointing: Promise<void> = Promise.resolve();
  #checkpointDue = false;
  #sinceCheckpoint = 0;
  /** Content of all members, bytes. */
  #content = 0;
  #failure: unknown;
  #restarts: number;

  private constructor(
    private readonly options: DumpSpoolOptions,
    private readonly segment: SegmentFile,
  ) {
    this.#binding = options.binding;
    this.#restarts = options.restarts;
    for (const { name, done, members } of options.streams) {
      this.#streams.set(name, { ...emptyStream(), done, members: [...members] });
      for (const { content } of members) this.#content += content;
    }
  }

  static async create(options: DumpSpoolOptions): Promise<DumpSpool> {
    const name = relative(options.runDirectory, options.epoch.own('seg'));
    return new DumpSpool(options, await SegmentFile.create(options.runDirectory, name));
  }

  async bind(binding: DumpBinding): Promise<void> {
    this.#binding = binding;
    await this.checkpoint();
  }

  async reserve(name: string, bytes: number): Promise<Buffer> {
    this.#throwFailure();
    const stream = this.#stream(name);
    const buffer = await this.#room(name, stream, bytes);
    return buffer.bytes.subarray(stream.gathered);
  }

  async write(
    name: string,
    bytes: Buffer,
    documents: number,
    position: ScanPosition,
  ): Promise<void> {
    this.#throwFailure();
    const stream = this.#stream(name);
    // A batch of entries that are all left out; the next one says where the stream goes on.
    if (bytes.length === 0) return;
    const { bytes: gathering } = await this.#room(name, stream, bytes.length);
    const place = gathering.byteOffset + stream.gathered;
    const inPlace = bytes.buffer === gathering.buffer && bytes.byteOffset === place;
    if (!inPlace) gathering.set(bytes, stream.gathered);
    stream.gathered += bytes.length;
    stream.documents += documents;
    stream.position = position;
    if (stream.gathered === gathering.length) this.#cut(stream);
    this.#checkpointWhenDue();
  }

  async finish(name: string): Promise<void> {
    const stream = this.#stream(name);
    this.#cut(stream);
    await stream.tail;
    this.#throwFailure();
    stream.done = true;
    this.#checkpointWhenDue();
  }

  async rewind(name: string, to: ScanPosition | undefined): Promise<void> {
    const stream = this.#stream(name);
    await stream.tail;
    this.#forget(stream);
    this.#streams.set(name, { ...emptyStream(), members: membersUpTo(stream.members, to) });
  }

  async reset(reason: string): Promise<void> {
    this.options.onReset(reason);
    await this.#drain();
    // Memory may have come meanwhile for a scan that is gone.
    for (const stream of this.#streams.values()) this.#forget(stream);
    this.#streams.clear();
    this.#binding = undefined;
    this.#restarts += 1;
    await this.checkpoint();
  }

  /** How often the whole dump has started again, over all attempts. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Makes what has been appended durable, with where each scan stands. @throws HoldfastError HF-FENCE-001, HF-DISK-001 */
  checkpoint(): Promise<void> {
    // One after the other: an older state must not be written over a newer one.
    const made = this.#checkpointing.then(() => this.#makeCheckpoint());
    this.#checkpointing = made.catch(() => undefined);
    return made;
  }

  /** Everything durable; the streams in the end. */
  async complete(): Promise<readonly StreamState[]> {
    await this.#drain();
    await this.checkpoint();
    return this.#state().streams;
  }

  /** Releases the segment; what a checkpoint named stays. */
  async close(): Promise<void> {
    await Promise.allSettled([...this.#streams.values()].map(({ tail }) => tail));
    await this.#checkpointing;
    await this.segment.close();
  }

  #state(): DumpCheckpoint {
    return {
      v: 1,
      binding: this.#binding,
      streams: [...this.#streams].map(([name, { done, members }]) => ({
        name,
        done,
        members: [...members],
      })),
      restarts: this.#restarts,
    };
  }

  #stream(name: string): Stream {
    const found = this.#streams.get(name);
    if (found !== undefined) return found;
    const stream = emptyStream();
    this.#streams.set(name, stream);
    return stream;
  }

  /** The buffer in which the stream gathers, with room for that many bytes. */
  async #room(name: string, stream: Stream, bytes: number): Promise<MemberBuffer> {
    const { gathering } = stream;
    if (gathering !== undefined && stream.gathered + bytes > gathering.bytes.length) {
      this.#cut(stream);
    }
    if (stream.gathering === undefined) {
      const taken = await this.options.buffers.take(bytes);
      if (this.#streams.get(name) !== stream) {
        // Nobody would ever give it back.
        this.options.buffers.release(taken);
        const reason = `memory for ${name}, which begins again`;
        throw new HoldfastError('HF-INTERNAL-001', { reason });
      }
      stream.gathering = taken;
    }
    this.#throwFailure();
    return stream.gathering;
  }

  #cut(stream: Stream): void {
    const { gathering, gathered: content, documents, position } = stream;
    if (gathering === undefined) return;
    const { buffers, compressor } = this.options;
    if (content === 0) {
      // Reserved and never written.
      this.#forget(stream);
      return;
    }
    const compressed = compressor.compress(gathering.bytes.subarray(0, content));
    Object.assign(stream, nothingGathered);
    stream.tail = Promise.all([compressed, stream.tail])
      .then(async ([stored]) => {
        const member = await this.#append(stored, content);
        appendMember(stream.members, { ...member, documents, position });
      })
      .catch((error: unknown) => void (this.#failure ??= error))
      // Not before it is written: a slow disk would else be met by a heap of compressed members.
      .finally(() => buffers.release(gathering));
  }

  #forget(stream: Stream): void {
    if (stream.gathering !== undefined) this.options.buffers.release(stream.gathering);
    Object.assign(stream, nothingGathered);
  }

  async #append(stored: Buffer, content: number): ReturnType<SegmentFile['append']> {
    const appended = this.#appending.then(() => this.segment.append({ stored, content }));
    this.#appending = appended.then(
      () => undefined,
      () => undefined,
    );
    const member = await appended;
    this.#sinceCheckpoint += content;
    this.#content += content;
    return member;
  }

  /** In the background: the scans go on while the disk works. Its failure is thrown by the next write. */
  #checkpointWhenDue(): void {
    const due = Math.max(this.options.checkpointEvery, this.#content * checkpointShare);
    if (this.#checkpointDue || this.#sinceCheckpoint < due) return;
    this.#checkpointDue = true;
    this.checkpoint().catch((error: unknown) => void (this.#failure ??= error));
  }

  async #makeCheckpoint(): Promise<void> {
    this.#checkpointDue = false;
    this.#sinceCheckpoint = 0;
    // The state is taken before the sync: a member appended meanwhile may not be on disk yet.
    const state = this.#state();
    await this.segment.sync();
    await writeCheckpoint(this.options.epoch, state);
    await this.options.onCheckpoint();
  }

  async #drain(): Promise<void> {
    for (const stream of this.#streams.values()) {
      this.#cut(stream);
      await stream.tail;
    }
    this.#throwFailure();
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }
}

const nothingGathered = { gathering: undefined, gathered: 0, documents: 0, position: undefined };

function emptyStream(): Stream {
  return { done: false, members: [], ...nothingGathered, tail: Promise.resolve() };
}
