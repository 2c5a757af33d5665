import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Client } from '@temporalio/client';

/** A secret by the name a finding is reported with. */
export interface Canary {
  readonly name: string;
  readonly value: string;
}

/** A line from the middle of a PEM: it is there whatever became of the line breaks. */
export function pemLine(pem: string): string {
  const lines = pem.split(/\r?\n/).filter((line) => /^[A-Za-z0-9+/=]{40,}$/.test(line));
  const line = lines[Math.floor(lines.length / 2)];
  if (line === undefined) throw new Error('a PEM without lines');
  return line;
}

/** The ways in which a text may stand in another. */
function spellings(value: string): string[] {
  const bytes = Buffer.from(value);
  const spelled = [value, encodeURIComponent(value), bytes.toString('hex')];
  // The three ways base64 can begin in the middle of something longer; the ends depend on neighbours.
  for (const before of [0, 1, 2]) {
    const shifted = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    spelled.push(shifted.slice(before === 0 ? 0 : 4, -4));
  }
  return spelled.flatMap((text) => [text, text.replaceAll('+', '-').replaceAll('/', '_')]);
}

/** Looks for canaries in whatever it is given and remembers where it found one. */
export class CanaryWatch {
  readonly #canaries: (Canary & { readonly spelled: readonly string[] })[] = [];
  readonly #seen = new Map<string, Set<string>>();

  add(canary: Canary): void {
    this.#canaries.push({ ...canary, spelled: [...new Set(spellings(canary.value))] });
  }

  /** Texts by where they come from; everything is kept, so that canaries can be added later. */
  look(where: string, text: string): void {
    const texts = this.#seen.get(where) ?? new Set();
    this.#seen.set(where, texts.add(text));
  }

  /** All that was looked at, by where it comes from. */
  text(where: string): string {
    return [...(this.#seen.get(where) ?? [])].join('\n');
  }

  findings(): string[] {
    const found: string[] = [];
    for (const [where, texts] of this.#seen) {
      for (const { name, spelled } of this.#canaries) {
        if ([...texts].some((text) => spelled.some((each) => text.includes(each)))) {
          found.push(`${name} in ${where}`);
        }
      }
    }
    return found;
  }
}

/** Every text in a message of Temporal's, payloads decoded. */
export function textsOf(value: unknown): string {
  const texts: string[] = [];
  const walk = (each: unknown): void => {
    if (typeof each === 'string') texts.push(each);
    else if (each instanceof Uint8Array || Buffer.isBuffer(each)) {
      texts.push(Buffer.from(each).toString('utf8'));
    } else if (Array.isArray(each)) each.forEach(walk);
    else if (typeof each === 'object' && each !== null) {
      for (const [key, inner] of Object.entries(each)) {
        texts.push(key);
        walk(inner);
      }
    }
  };
  walk(value);
  return texts.join('\n');
}

/** Looks through every workflow that Temporal knows: history, memo, search attributes, what is pending. */
export async function lookThroughTemporal(watch: CanaryWatch, client: Client): Promise<number> {
  let events = 0;
  for await (const { workflowId, runId } of client.workflow.list()) {
    const handle = client.workflow.getHandle(workflowId, runId);
    const history = await handle.fetchHistory();
    events += history.events?.length ?? 0;
    watch.look('histories', textsOf(history));
    const { raw, memo, searchAttributes } = await handle.describe();
    watch.look('descriptions', textsOf([raw, memo, searchAttributes]));
  }
  return events;
}

/** Samples what passes quickly, until it is stopped: arguments of all processes, and heartbeats. */
export class Sampler {
  #stopped = false;
  readonly #running: Promise<void>[];
  samples = 0;
  heartbeats = 0;

  constructor(watch: CanaryWatch, client: Client, workflowId: string) {
    const argv = async (): Promise<void> => {
      while (!this.#stopped) {
        for (const pid of await readdir('/proc')) {
          if (!/^\d+$/.test(pid)) continue;
          const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
          watch.look('argv', text.replaceAll('\0', ' '));
        }
        this.samples += 1;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    const beats = async (): Promise<void> => {
      while (!this.#stopped) {
        try {
          const { raw } = await client.workflow.getHandle(workflowId).describe();
          const pending = raw.pendingActivities ?? [];
          this.heartbeats += pending.filter((each) => each.heartbeatDetails?.payloads).length;
          watch.look('heartbeats and failures of attempts', textsOf(pending));
        } catch {
          // Nothing has run under this id yet.
        }
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    };
    this.#running = [argv(), beats()];
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
  }
}

export interface FoundFile {
  readonly path: string;
  /** Permission bits. */
  readonly mode: number;
  /** Gzip undone. */
  readonly text: string;
}

/** All files below a directory. Those that end while they are read are passed over. */
export async function filesBelow(directory: string): Promise<FoundFile[]> {
  const found: FoundFile[] = [];
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const mode = (await stat(path)).mode & 0o777;
    const bytes = await readFile(path);
    const plain = bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes;
    found.push({ path, mode, text: plain.toString('latin1') });
  }
  return found;
}
