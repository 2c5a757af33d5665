/**
 * Settings of Node for a worker's process. A small young generation, so that buffers of megabytes
 * that nothing refers to any more are found soon: V8 counts their memory, but only looks for them
 * when the small objects that hold them fill the generation. And no incremental marking: their
 * memory starts it again and again, for a heap of which nothing else dies; at 500 MB it took a
 * third of all the time that a dump takes. Whole collections instead last about 20 ms each.
 */
export const memoryArguments: readonly string[] = [
  '--max-semi-space-size=2',
  '--no-incremental-marking',
];

/**
 * Settings of glibc's malloc for a worker's process, with which freed buffers go back to the system
 * at once: a worker lives for months, and would else keep the memory of its largest dump. Other C
 * libraries don't know them.
 */
export const memoryVariables: Readonly<Record<string, string>> = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: '131072',
  MALLOC_TRIM_THRESHOLD_: '131072',
};
